/// HMAC-SHA256 (RFC 2104).
#pragma once

#include <array>
#include <string_view>

namespace coax::protocol {

using digest = std::array<unsigned char, 32>;

/// Throws std::runtime_error if OpenSSL cannot compute it.
digest hmac_sha256(std::string_view key, std::string_view message);

/// Whether they are the same, in a time that tells nothing of where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace coax::protocol
