/// @file
/// One server-sent event.
///
///     co_await s.send(coax::sse::event("42").type("tick").id("7"), ctx);
#pragma once

#include <coax/detail/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coax::protocol {
class event_parser;
}

namespace coax::sse {

/// An event to send, or one that was received; the second can be sent on as it is.
class COAX_EXPORT event {
 public:
  /// Without data: no event for the receiver, but an id that it takes note of.
  event() = default;
  /// An event with data and neither type nor id.
  explicit event(std::string data) : data_(std::move(data)) {}

  /// Text in UTF-8. CR, LF and CRLF each end a line of it, and arrive as LF.
  event& data(std::string text) { return data_ = std::move(text), *this; }
  /// Which listeners of the page hear it; empty is the same as "message".
  /// @throws std::invalid_argument CR, LF or NUL in the name.
  event& type(std::string name);
  /// What the receiver will show as its last event id when it comes back; empty for none.
  /// @throws std::invalid_argument CR, LF or NUL in the id.
  event& id(std::string value);

  /// Whether there is data; an event without is none to the receiver.
  bool has_data() const noexcept { return data_.has_value(); }
  /// The data, empty if there is none. Valid as long as the event.
  std::string_view data() const noexcept { return data_ ? std::string_view(*data_) : std::string_view(); }
  /// "message" for a received event whose sender has named no type.
  const std::string& type() const noexcept { return type_; }
  /// Whether there is an id.
  bool has_id() const noexcept { return id_.has_value(); }
  /// Of a received event: the last id that the stream has given, by this event or one before it.
  std::string_view id() const noexcept { return id_ ? std::string_view(*id_) : std::string_view(); }

 private:
  friend class protocol::event_parser;

  std::optional<std::string> data_;
  std::string type_;
  std::optional<std::string> id_;
};

}  // namespace coax::sse
