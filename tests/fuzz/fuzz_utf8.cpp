// Text is judged as a plain reading of RFC 3629 does, whole and in pieces, and a failure is never taken back.
#include "fuzz/require.hpp"
#include "protocol/utf8.hpp"

#include <algorithm>
#include <cstdint>

using namespace coax::protocol;

namespace {

// Reads code point by code point.
bool is_utf8_by_the_book(std::span<const std::uint8_t> s) {
  for (std::size_t i = 0; i < s.size();) {
    const unsigned first = s[i];
    const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > s.size() - i) return false;
    unsigned long point = length == 1 ? first : first & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if (s[i + k] >> 6 != 2) return false;
      point = point << 6 | (s[i + k] & 0x3fu);
    }
    constexpr unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 70;
  const auto text = std::as_bytes(std::span(data, size)).subspan(1);
  const bool valid = is_valid_utf8({reinterpret_cast<const char*>(text.data()), text.size()});

  coax::require(valid == is_utf8_by_the_book(std::span(data, size).subspan(1)), "it is judged by the book");
  utf8_validator in_pieces, byte_by_byte;
  bool possible = true;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const bool now = in_pieces.push(text.subspan(at, std::min(piece, text.size() - at)));
    coax::require(possible || !now, "a failure lasts");
    possible = now;
  }
  bool possible_by_bytes = true;
  for (const auto& b : text) possible_by_bytes = byte_by_byte.push({&b, 1});

  coax::require(possible == possible_by_bytes, "pieces and bytes fail alike");
  coax::require((possible && in_pieces.complete()) == valid, "pieces and whole are judged alike");
  coax::require((possible_by_bytes && byte_by_byte.complete()) == valid, "bytes and whole are judged alike");
  return 0;
}
