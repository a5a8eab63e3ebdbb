#include "protocol/resp.hpp"

#include "core/parse_number.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace coax::protocol {
namespace {

constexpr resp_node no_value{.next = 1};

constexpr std::size_t kept_room = 1 << 20;  // of a buffer that is empty

// A sign is allowed in front of integers, which from_chars takes only if it is a minus.
std::optional<std::int64_t> parse_integer(std::string_view digits) noexcept {
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  return coax::detail::parse_number<std::int64_t>(digits);
}

void append_length(std::string& to, char what, std::size_t n) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  to.push_back(what);
  to.append(digits, end);
  to.append("\r\n");
}

}  // namespace

resp_value::resp_value() noexcept : nodes_(&no_value), bytes_(""), index_(0) {}

std::string_view resp_value::error_word() const noexcept {
  return is_error() ? text().substr(0, text().find(' ')) : std::string_view();
}

std::optional<std::int64_t> resp_value::integer() const noexcept {
  switch (kind()) {
    case resp_kind::integer:
    case resp_kind::boolean: return node().number;
    case resp_kind::text: return parse_integer(text());
    default: return std::nullopt;
  }
}

resp_value resp_value::operator[](std::size_t i) const noexcept {
  if (i >= size()) return {};
  auto at = begin();
  for (; i != 0; --i) ++at;
  return *at;
}

resp_value resp_value::at(std::string_view key) const noexcept {
  for (auto i = begin(); i != end();) {
    const auto name = *i++;
    if (i == end()) break;
    const auto value = *i++;
    if (name.text() == key) return value;
  }
  return {};
}

std::span<char> resp_parser::prepare(std::size_t least) {
  release();
  if (bytes_.size() - end_ < least && begin_ != 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    at_ -= begin_;
    scanned_ -= begin_;
    end_ -= std::exchange(begin_, 0);
  }
  if (bytes_.size() - end_ < least) bytes_.resize(std::max(end_ + least, bytes_.size() * 2));
  return std::span(bytes_).subspan(end_);
}

void resp_parser::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::ranges::copy(bytes, prepare(bytes.size()).begin());
  commit(bytes.size());
}

void resp_parser::release() {
  if (!std::exchange(whole_, false)) return;
  nodes_.clear();
  begin_ = at_;
  if (begin_ != end_) return;
  begin_ = at_ = scanned_ = end_ = 0;
  if (bytes_.size() > kept_room) bytes_ = std::vector<char>();
}

std::optional<resp_value> resp_parser::next() {
  release();
  wanted_ = 0;
  while (!whole_ && !error_ && at_ != end_ && step()) {
  }
  if (!whole_) return std::nullopt;
  return resp_value(nodes_.data(), 0, bytes_.data() + begin_);
}

bool resp_parser::breach(std::string_view why) {
  error_ = failure{errc::protocol_error, {}, "RESP: " + std::string(why)};
  return false;
}

// Up to the CR LF, which is not part of it; what was looked at in vain is not looked at again.
std::optional<std::string_view> resp_parser::line() {
  const char* const data = bytes_.data();
  scanned_ = std::max(scanned_, at_);
  const std::string_view fresh(data + scanned_, end_ - scanned_);
  const auto cr = fresh.find("\r\n");
  if (cr != fresh.npos) {
    scanned_ += cr;
    return std::string_view(data + at_, scanned_ - at_);
  }
  scanned_ = end_ - (fresh.ends_with('\r') ? 1 : 0);
  if (scanned_ - at_ > limits_.text + 1) breach("a line is too long");
  return std::nullopt;
}

bool resp_parser::step() {
  const auto whole_line = line();
  if (!whole_line) return false;
  if (whole_line->size() > limits_.text + 1) return breach("a line is too long");
  const auto after = at_ + whole_line->size() + 2;
  if (after - begin_ > limits_.value) return breach("a value is too large");
  if (whole_line->empty()) return breach("an empty line");
  const auto text = whole_line->substr(1);
  switch (whole_line->front()) {
    case '+':
    case '(': return leaf({.kind = resp_kind::text, .size = text.size()}, at_ + 1, after);
    case '-': return leaf({.kind = resp_kind::error, .size = text.size()}, at_ + 1, after);
    case ',': return leaf({.kind = resp_kind::real, .size = text.size()}, at_ + 1, after);
    case '_': return leaf({}, after, after);
    case '#':
      if (text != "t" && text != "f") return breach("a boolean that is none");
      return leaf({.kind = resp_kind::boolean, .number = text == "t"}, after, after);
    case ':': {
      const auto number = parse_integer(text);
      if (!number) return breach("an integer that is none");
      return leaf({.kind = resp_kind::integer, .number = *number}, after, after);
    }
    case '$': return string(resp_kind::text, text, 0, after);
    case '!': return string(resp_kind::error, text, 0, after);
    case '=': return string(resp_kind::text, text, 4, after);
    case '*':
    case '~': return open(resp_kind::array, text, 1, after);
    case '%': return open(resp_kind::map, text, 2, after);
    case '>':
      if (!levels_.empty()) return breach("a push inside a value");
      return open(resp_kind::push, text, 1, after);
    case '|': return open(attribute, text, 2, after);
    default: return breach("a value of an unknown type");
  }
}

bool resp_parser::string(resp_kind kind, std::string_view size, std::size_t skip, std::size_t after) {
  const auto n = parse_integer(size);
  if (n == -1 && skip == 0) return leaf({}, after, after);  // RESP2's null
  if (!n || *n < static_cast<std::int64_t>(skip)) return breach("a string whose size is none");
  const auto bytes = static_cast<std::uint64_t>(*n);
  if (bytes > limits_.text) return breach("a string is too long");
  const auto end = after + static_cast<std::size_t>(bytes);
  if (end + 2 - begin_ > limits_.value) return breach("a value is too large");
  if (end + 2 > end_) {
    wanted_ = end + 2 - end_;
    return false;  // and read from its size on when there is more
  }
  if (bytes_[end] != '\r' || bytes_[end + 1] != '\n') return breach("a string that does not end where it should");
  return leaf({.kind = kind, .size = end - after - skip}, after + skip, end + 2);
}

bool resp_parser::open(resp_kind kind, std::string_view count, std::size_t per_element, std::size_t after) {
  const auto n = parse_integer(count);
  if (n == -1 && kind == resp_kind::array) return leaf({}, after, after);  // RESP2's null
  if (!n || *n < 0) return breach("an aggregate whose size is none");
  if (levels_.size() == limits_.depth) return breach("a value is nested too deeply");
  if (static_cast<std::uint64_t>(*n) > limits_.elements / per_element) return breach("a value has too many elements");
  const auto elements = static_cast<std::size_t>(*n) * per_element;
  announced_ += elements;
  if (nodes_.size() + announced_ > limits_.elements) return breach("a value has too many elements");
  levels_.push_back({nodes_.size(), elements});
  nodes_.push_back({.kind = kind, .number = static_cast<std::int64_t>(elements)});
  at_ = after;
  close_levels();
  return true;
}

bool resp_parser::leaf(resp_node node, std::size_t offset, std::size_t after) {
  node.offset = offset - begin_;
  node.next = static_cast<std::uint32_t>(nodes_.size() + 1);
  nodes_.push_back(node);
  at_ = after;
  count_element();
  return true;
}

void resp_parser::count_element() {
  if (levels_.empty()) {
    whole_ = true;
    return;
  }
  --levels_.back().left;
  --announced_;
  close_levels();
}

void resp_parser::close_levels() {
  while (!levels_.empty() && levels_.back().left == 0) {
    const auto index = levels_.back().node;
    levels_.pop_back();
    nodes_[index].next = static_cast<std::uint32_t>(nodes_.size());
    if (nodes_[index].kind == attribute) {
      nodes_.resize(index);
      return;  // it is no element; the one that it belongs to follows
    }
    if (levels_.empty()) {
      whole_ = true;
      return;
    }
    --levels_.back().left;
    --announced_;
  }
}

void append_bulk(std::string& to, std::string_view argument) {
  append_length(to, '$', argument.size());
  to.append(argument).append("\r\n");
}

void append_array_head(std::string& to, std::size_t arguments) { append_length(to, '*', arguments); }

}  // namespace coax::protocol
