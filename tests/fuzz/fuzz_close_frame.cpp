// What was parsed may be sent, and its encoding is what was received.
#include "fuzz/require.hpp"
#include "protocol/close_frame.hpp"
#include "protocol/utf8.hpp"

#include <algorithm>
#include <cstdint>

using namespace coax::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = std::as_bytes(std::span(data, size));
  const auto payload = all.first(std::min(size, max_control_payload));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (is_valid_utf8(text)) {
    const auto fitting = fit_reason(text);
    coax::require(fitting.size() <= max_close_reason && is_valid_utf8(fitting), "a reason is cut between characters");
    coax::require(fitting.size() + 3 >= std::min(size, max_close_reason), "as much as possible is kept");
  }

  const auto parsed = parse_close(payload);
  if (!parsed) {
    coax::require(!parsed.error().text.empty(), "a failure has a text");
    return 0;
  }
  std::array<std::byte, max_control_payload> out;
  const auto written = encode_close(out, *parsed);
  coax::require(std::ranges::equal(std::span(out).first(written), payload), "the encoding is what was received");
  return 0;
}
