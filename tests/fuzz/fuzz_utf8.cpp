// Text is judged the same whole and in pieces, and a failure is never taken back.
#include "fuzz/require.hpp"
#include "protocol/utf8.hpp"

#include <algorithm>
#include <cstdint>

using namespace coax::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 70;
  const auto text = std::as_bytes(std::span(data, size)).subspan(1);
  const bool valid = is_valid_utf8({reinterpret_cast<const char*>(text.data()), text.size()});

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
