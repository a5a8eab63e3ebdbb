#include "protocol/event_parser.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace coax::protocol {
namespace {

// Up to the first CR or LF. Two calls of memchr would look at some bytes again and again where lines are short.
std::size_t line_length(std::string_view text) noexcept {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin;
  while (at != end && *at != '\n' && *at != '\r') ++at;
  return static_cast<std::size_t>(at - begin);
}

}  // namespace

void event_parser::restart() {
  mark_seen_ = 0;
  swallow_lf_ = failed_ = false;
  place_ = place::name;
  name_size_ = 0;
  line_size_ = 0;
  value_.clear();
  data_.clear();
  type_.clear();
  id_buffer_ = last_id_;
}

event_parser::verdict event_parser::feed(std::string_view& input) {
  if (failed_) return verdict::too_long;
  if (mark_seen_ != byte_order_mark.size() && !skip_byte_order_mark(input)) return fail("a line is too long");
  while (!input.empty()) {
    if (std::exchange(swallow_lf_, false) && input.front() == '\n') {
      input.remove_prefix(1);
      continue;
    }
    const auto text = input.substr(0, line_length(input));
    input.remove_prefix(text.size());
    if (!text.empty() && !add(text)) return fail("a line or an event is too long");
    if (input.empty()) break;
    // A CR ends the line at once: whether an LF follows may take for ever to be known.
    swallow_lf_ = input.front() == '\r';
    input.remove_prefix(1);
    if (const auto v = end_line(); v != verdict::need_more) return v;
  }
  return verdict::need_more;
}

// At the very beginning, and only whole; what only looked like one belongs to the first line.
bool event_parser::skip_byte_order_mark(std::string_view& input) {
  while (!input.empty() && mark_seen_ != byte_order_mark.size()) {
    if (input.front() != byte_order_mark[mark_seen_]) {
      const auto begun = std::exchange(mark_seen_, std::uint8_t{byte_order_mark.size()});
      return begun == 0 || add(byte_order_mark.substr(0, begun));
    }
    ++mark_seen_;
    input.remove_prefix(1);
  }
  return true;
}

event_parser::verdict event_parser::fail(const char* why) noexcept {
  failed_ = true;
  error_ = why;
  return verdict::too_long;
}

bool event_parser::add(std::string_view text) {
  if (text.size() > limits_.line - std::min(line_size_, limits_.line)) return false;
  line_size_ += text.size();
  if (place_ == place::name) add_to_name(text);
  if (place_ == place::behind_colon && !text.empty()) {
    if (text.front() == ' ') text.remove_prefix(1);
    place_ = place::value;
  }
  return add_to_value(text);
}

// Of a name no more is kept than tells that it is none of the known ones. A comment has an empty one.
void event_parser::add_to_name(std::string_view& text) {
  const auto end = std::min(text.find(':'), text.size());
  const auto kept = std::min(end, name_.size() - name_size_);
  std::copy_n(text.begin(), kept, name_.begin() + name_size_);
  name_size_ = static_cast<std::uint8_t>(name_size_ + kept);
  const bool colon = end != text.size();
  text.remove_prefix(end + (colon ? 1 : 0));
  if (colon) begin_value();
}

void event_parser::begin_value() {
  const std::string_view name(name_.data(), name_size_);
  field_ = name == "data"    ? field::data
           : name == "event" ? field::type
           : name == "id"    ? field::id
           : name == "retry" ? field::retry
                             : field::ignored;
  place_ = place::behind_colon;
  value_.clear();
  if (field_ == field::type) type_.clear();
}

bool event_parser::add_to_value(std::string_view text) {
  if (text.empty() || field_ == field::ignored || place_ == place::name) return true;
  if (text.size() > limits_.event - std::min(event_size(), limits_.event)) return false;
  // What the end of the stream cuts off is dropped with its event, so these need not wait for the end of their line.
  (field_ == field::data ? data_ : field_ == field::type ? type_ : value_).append(text);
  return true;
}

event_parser::verdict event_parser::end_line() {
  const bool blank = line_size_ == 0;
  if (!blank) {
    if (place_ == place::name) begin_value();
    end_field();
    // Lines without a value add to the data as well.
    if (!data_.empty() && data_.size() - 1 > limits_.event) return fail("an event is too large");
  }
  place_ = place::name;
  field_ = field::ignored;
  name_size_ = 0;
  line_size_ = 0;
  return blank && dispatch() ? verdict::event : verdict::need_more;
}

void event_parser::end_field() {
  if (field_ == field::data) data_ += '\n';
  if (field_ == field::id && value_.find('\0') == value_.npos) id_buffer_ = value_;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (field_ == field::retry && !value_.empty() && std::ranges::all_of(value_, is_digit)) {
    // So long that it cannot be told is as long as can be told.
    std::int64_t n = 0;
    const auto r = std::from_chars(value_.data(), value_.data() + value_.size(), n);
    retry_ = std::chrono::milliseconds(r.ec == std::errc() ? n : std::numeric_limits<std::int64_t>::max());
  }
  value_.clear();
}

bool event_parser::dispatch() {
  last_id_ = id_buffer_;
  if (data_.empty()) {
    type_.clear();
    return false;
  }
  data_.pop_back();
  ready_.data_ = std::exchange(data_, {});
  ready_.type_ = type_.empty() ? "message" : std::move(type_);
  ready_.id_ = last_id_;
  type_.clear();
  return true;
}

sse::event event_parser::take() { return std::exchange(ready_, {}); }

}  // namespace coax::protocol
