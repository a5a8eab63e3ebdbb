/// Numbers as text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace coax::detail {

/// What the decimal digits say, and nothing else; nothing if they are none, or too many for the type.
template <class Integer>
std::optional<Integer> parse_number(std::string_view digits) noexcept {
  Integer n = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (ec != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

}  // namespace coax::detail
