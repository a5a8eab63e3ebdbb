/// Unpredictable bytes for clients, from OpenSSL's generator.
#pragma once

#include "protocol/mask.hpp"

#include <array>
#include <cstdint>

namespace coax::protocol {

/// A fresh key for one frame, which a server or its users cannot foresee (RFC 6455 section 5.3). Drawn a thousand at a
/// time per thread, so that most calls cost a few nanoseconds. Throws std::runtime_error if the generator fails.
masking_key next_masking_key();

/// What a client's Sec-WebSocket-Key is made of.
std::array<std::uint8_t, 16> random_nonce();

}  // namespace coax::protocol
