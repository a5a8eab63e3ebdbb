// Any payloads, cut anywhere, taken out in steps of any size: the same as at once. And what we compress comes back.
#include "fuzz/require.hpp"
#include "protocol/deflater.hpp"
#include "protocol/inflater.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

using namespace coax::protocol;

namespace {

using bytes = std::vector<std::byte>;
constexpr std::size_t most = 256 * 1024;

// What becomes of one message: its bytes, and whether the inflater can go on. Gives up on a bomb.
bool inflate(inflater& i, std::span<const std::byte> payload, std::size_t cut, std::size_t room, bytes& out) {
  bytes step(room);
  const auto take = [&](const inflater::step& s) {
    out.insert(out.end(), step.begin(), step.begin() + static_cast<std::ptrdiff_t>(s.produced));
    coax::require(s.produced <= room, "no more than there is room for");
    return s.now;
  };
  for (auto piece : {payload.first(cut), payload.subspan(cut)}) {
    for (;;) {
      const auto s = i.add(piece, step);
      piece = piece.subspan(s.consumed);
      const auto now = take(s);
      if (now == inflater::state::corrupt || out.size() > most) return false;
      if (now == inflater::state::wants_input) break;
    }
    coax::require(piece.empty(), "all input was consumed");
  }
  for (;;) {
    const auto now = take(i.finish(step));
    if (now == inflater::state::corrupt || out.size() > most) return false;
    if (now == inflater::state::wants_input) return true;
  }
}

void check_any(std::span<const std::byte> in, unsigned bits, bool takeover, std::size_t cut, std::size_t room) {
  inflater whole(bits, takeover), pieces(bits, takeover);
  // Two messages: the second may refer to the first.
  const auto half = in.size() / 2;
  for (const auto& message : {in.first(half), in.subspan(half)}) {
    bytes a, b;
    const bool ok = inflate(whole, message, 0, 64 * 1024, a);
    const bool same = inflate(pieces, message, std::min(cut, message.size()), room, b);
    if (a.size() > most || b.size() > most) return;
    // zlib minds a reference beyond the window only if it goes beyond the room for the output as well.
    const bool too_far = ok && !same && pieces.error() == std::string_view("invalid distance too far back");
    coax::require(ok == same || too_far, "cuts make no difference to the verdict");
    if (!ok || !same) return;
    coax::require(a == b, "cuts make no difference to the message");
    pieces.rest();
  }
}

void check_round_trip(std::span<const std::byte> in, unsigned bits, bool takeover, unsigned level, std::size_t cut) {
  deflater d({static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(bits), 8}, takeover);
  inflater i(bits, takeover);
  for (int message = 0; message != 2; ++message) {
    const auto first = in.first(std::min(cut, in.size()));
    const auto second = in.subspan(first.size());
    coax::detail::storage payload;
    d.add({first.data(), first.size()}, payload);
    if (message == 0) d.flush(payload);
    d.add({second.data(), second.size()}, payload);
    d.finish(payload);
    bytes out;
    coax::require(inflate(i, {payload.data(), payload.size()}, 0, 512, out), "what we compress is deflate data");
    coax::require(std::ranges::equal(out, in), "what we compress comes back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const auto in = std::as_bytes(std::span(data, size)).subspan(4);
  const unsigned bits = 8 + (data[0] & 7);
  const bool takeover = (data[0] & 8) != 0;
  check_any(in, bits, takeover, data[1], std::size_t{1} + data[2]);
  check_round_trip(in, bits, takeover, 1 + data[3] % 9, data[1]);
  return 0;
}
