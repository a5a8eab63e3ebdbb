// Bytes mean the same whole and in pieces, through the receive buffer and directly into the message's storage.
//
// Input: a byte of options, a byte that seeds the sizes of the pieces, then what the peer sends.
#include "fuzz/require.hpp"
#include "protocol/transcript.hpp"

#include <cstdint>
#include <random>

using namespace coax::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  assembler::options how;
  how.role = data[0] & 1 ? role::client : role::server;
  how.deflate = data[0] & 2;
  how.validate_utf8 = data[0] & 4;
  how.read_limit = data[0] & 8 ? 0 : data[0] & 16 ? 100 : 100'000;
  const bool direct = data[0] & 32;
  const std::size_t largest = data[0] & 64 ? 8 : data[0] & 128 ? 300 : 40'000;
  std::minstd_rand random(data[1] + 1u);
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const wire input(bytes + 2, bytes + size);

  assembler pieces(how);
  const auto in_pieces = transcript(
      pieces, input, [&] { return random() % largest; }, direct);

  coax::require(transcript(how, input) == in_pieces, "whole and in pieces the events are the same");
  for (const auto& line : in_pieces) {
    if ((line.starts_with("text ") || line.starts_with("compressed text ")) && how.validate_utf8)
      coax::require(is_valid_utf8(line), "text is UTF-8");
  }
  const bool failed = !in_pieces.empty() && in_pieces.back().starts_with("failed ");
  coax::require(!failed || pieces.error().text.size() <= max_close_reason, "the failure fits into a close frame");
  return 0;
}
