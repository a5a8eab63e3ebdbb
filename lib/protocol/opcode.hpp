/// The vocabulary of RFC 6455 frames.
#pragma once

#include <cstdint>

namespace coax::protocol {

/// RFC 6455 section 11.8.
enum class opcode : std::uint8_t { continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xA };

constexpr bool is_control(opcode op) noexcept { return (static_cast<std::uint8_t>(op) & 0x8) != 0; }

/// Which end of the connection this is: clients mask what they send, servers do not.
enum class role : std::uint8_t { server, client };

constexpr role peer_of(role r) noexcept { return r == role::server ? role::client : role::server; }

}  // namespace coax::protocol
