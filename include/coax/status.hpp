/// @file
/// The close status codes of a WebSocket.
#pragma once

#include <coax/detail/export.hpp>

#include <cstdint>
#include <string_view>

namespace coax {

/// A WebSocket close status (RFC 6455 section 7.4 and the IANA registry). Private codes 3000-4999 are written
/// `coax::status{4000}`.
enum class status : std::uint16_t {
  normal = 1000,               ///< The purpose has been fulfilled.
  going_away = 1001,           ///< A server goes down, or a page is left.
  protocol_error = 1002,       ///< The peer broke the protocol.
  unsupported_data = 1003,     ///< A kind of data that the endpoint does not accept.
  no_status = 1005,            ///< Never on the wire: the close frame was empty.
  abnormal = 1006,             ///< Never on the wire: the transport ended without a close frame.
  invalid_data = 1007,         ///< Data that does not fit its type, as text that is not UTF-8.
  policy_violation = 1008,     ///< A message that breaks a rule of the endpoint.
  message_too_big = 1009,      ///< A message larger than the endpoint takes.
  mandatory_extension = 1010,  ///< The client needs an extension that the server did not take.
  internal_error = 1011,       ///< The endpoint failed.
  service_restart = 1012,      ///< The server restarts; come again.
  try_again_later = 1013,      ///< The server is overloaded; come again later.
  bad_gateway = 1014,          ///< An upstream server failed.
};

/// Whether `code` may stand in a close frame: 1000-1003, 1007-1014, 3000-4999.
constexpr bool sendable(status code) noexcept {
  const auto n = static_cast<std::uint16_t>(code);
  return (n >= 1000 && n <= 1003) || (n >= 1007 && n <= 1014) || (n >= 3000 && n <= 4999);
}

/// The name of a registered status in words, as "going away"; empty for others.
COAX_EXPORT std::string_view to_string(status code) noexcept;

}  // namespace coax
