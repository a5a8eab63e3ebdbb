/// Numbers as bytes, the most significant first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coax::detail {

inline void append_number(std::string& to, std::uint64_t n, std::size_t bytes = sizeof(std::uint64_t)) {
  while (bytes-- != 0) to += static_cast<char>(n >> (8 * bytes) & 0xffU);
}

/// Of all of `bytes`, at most eight.
inline std::uint64_t read_number(std::string_view bytes) noexcept {
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
  return n;
}

}  // namespace coax::detail
