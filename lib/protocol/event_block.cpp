#include "protocol/event_block.hpp"

#include <algorithm>
#include <stdexcept>

namespace coax {
namespace protocol {
namespace {

using coax::detail::storage;

template <class Out>
void append(Out& out, std::string_view text) {
  out.append(text.data(), text.size());
}

// One line of the stream for each line of the text, of which there is at least one.
template <class Out>
void append_lines(Out& out, std::string_view field, std::string_view text) {
  for (;;) {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    append(out, field);
    append(out, text.substr(0, end));
    append(out, "\n");
    if (end == text.size()) return;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

template <class Out>
void append_line(Out& out, std::string_view field, std::string_view value) {
  append(out, field);
  append(out, value);
  append(out, "\n");
}

template <class Out>
void write_event(Out& out, const sse::event& e) {
  if (!e.has_data() && !e.has_id()) return;
  out.reserve(out.size() + e.data().size() + e.type().size() + e.id().size() + 32);
  if (!e.type().empty() && e.type() != "message") append_line(out, "event: ", e.type());
  if (e.has_data()) append_lines(out, "data: ", e.data());
  if (e.has_id()) append_line(out, "id: ", e.id());
  append(out, "\n");
}

template <class Out>
void write_comment(Out& out, std::string_view text) {
  append_lines(out, text.empty() ? ":" : ": ", text);
  append(out, "\n");
}

template <class Out>
void write_retry(Out& out, std::chrono::milliseconds after) {
  append_line(out, "retry: ", std::to_string(std::max<std::chrono::milliseconds::rep>(after.count(), 0)));
  append(out, "\n");
}

}  // namespace

bool fits_on_line(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void append_event(std::string& out, const sse::event& e) { write_event(out, e); }
void append_event(storage& out, const sse::event& e) { write_event(out, e); }
void append_comment(std::string& out, std::string_view text) { write_comment(out, text); }
void append_comment(storage& out, std::string_view text) { write_comment(out, text); }
void append_retry(std::string& out, std::chrono::milliseconds after) { write_retry(out, after); }
void append_retry(storage& out, std::chrono::milliseconds after) { write_retry(out, after); }

}  // namespace protocol

namespace sse {
namespace {

std::string checked(std::string text, const char* what) {
  if (!protocol::fits_on_line(text))
    throw std::invalid_argument(std::string("coax::sse::event: CR, LF or NUL in the ") + what);
  return text;
}

}  // namespace

event& event::type(std::string name) {
  type_ = checked(std::move(name), "type");
  return *this;
}

event& event::id(std::string value) {
  id_ = checked(std::move(value), "id");
  return *this;
}

}  // namespace sse
}  // namespace coax
