/// @file
/// A message that is sent to many connections.
///
///     const coax::prepared_message tick("{\"price\":42}");
///     for (auto& c : subscribers) co_await c.write(tick);
#pragma once

#include <coax/detail/export.hpp>
#include <coax/message.hpp>

#include <memory>

namespace coax {

namespace detail {
class encoded_message;
}

/// A message that is framed once, when it is made, and sent as it is to any number of connections, of which those of a
/// server share its bytes and copy nothing above 16 KiB. (A client has to mask each frame with a key of its own: RFC
/// 6455 section 5.3.)
///
/// Immutable; copies share it, across threads. A connection that has not sent it yet keeps it alive.
class COAX_EXPORT prepared_message {
 public:
  /// A copy of `payload`. Text must be UTF-8; debug builds check (`std::invalid_argument`).
  prepared_message(message_kind kind, boost::asio::const_buffer payload);
  /// A text message.
  explicit prepared_message(std::string_view text);

  /// Text or binary.
  message_kind kind() const noexcept;
  /// The payload.
  boost::asio::const_buffer data() const noexcept;
  /// Bytes of the payload, without framing.
  std::size_t size() const noexcept { return data().size(); }

  /// For the library.
  const std::shared_ptr<const detail::encoded_message>& encoded() const noexcept { return encoded_; }

 private:
  std::shared_ptr<const detail::encoded_message> encoded_;
};

}  // namespace coax
