/// Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 section 1.3).
#pragma once

#include <string>
#include <string_view>

namespace coax::protocol {

/// A random key for a client's request.
std::string make_key();

/// Whether `key` is base64 of 16 bytes.
bool valid_key(std::string_view key) noexcept;

/// The proof that the server has read `key`.
std::string accept_value(std::string_view key);

}  // namespace coax::protocol
