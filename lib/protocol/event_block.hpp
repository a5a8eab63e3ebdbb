/// Server-sent events in their wire form (WHATWG HTML, section 9.2.5). No I/O.
#pragma once

#include <coax/message.hpp>
#include <coax/sse_event.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace coax::protocol {

/// The media type of an event stream.
inline constexpr std::string_view event_stream_type = "text/event-stream";

/// Appends the lines of an event and the empty line that dispatches it. An event with neither data nor id is nothing.
void append_event(std::string& out, const sse::event& e);
void append_event(coax::detail::storage& out, const sse::event& e);

/// Appends a comment, each line of `text` one of its own, and an empty line: at no place of a stream but between
/// events.
void append_comment(std::string& out, std::string_view text);
void append_comment(coax::detail::storage& out, std::string_view text);

/// Appends the time after which a receiver that has lost the connection is to come back.
void append_retry(std::string& out, std::chrono::milliseconds after);
void append_retry(coax::detail::storage& out, std::chrono::milliseconds after);

/// Whether `text` can be an id or a type: it holds no CR, LF or NUL, and so cannot add lines to a stream.
bool fits_on_line(std::string_view text) noexcept;

}  // namespace coax::protocol
