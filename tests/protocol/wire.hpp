/// Bytes as they travel, for tests.
#pragma once

#include "protocol/serializer.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

using wire = std::vector<std::byte>;

/// From hexadecimal pairs, as "81 05 48 65".
inline wire hex(std::string_view pairs) {
  wire bytes;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += pairs[i] == ' ' ? 1 : 2) {
    if (pairs[i] == ' ') continue;
    bytes.push_back(static_cast<std::byte>(std::strtoul(std::string(pairs.substr(i, 2)).c_str(), nullptr, 16)));
  }
  return bytes;
}

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A frame as `sender` sends it.
inline wire frame(role sender, frame_kind kind, std::string_view payload) {
  coax::detail::storage out;
  append_frame(out, sender, kind, bytes_of(payload));
  return wire(out.data(), out.data() + out.size());
}

inline wire operator+(wire a, const wire& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace coax::protocol
