// Messages in parts are the messages: however they are cut, with parts put back, and with some dropped half-way.
//
// Input: a byte of options, a byte that seeds what the reader does, then what the peer sends.
#include "fuzz/require.hpp"
#include "protocol/transcript.hpp"

#include <cstdint>
#include <random>

using namespace coax::protocol;
using event = assembler::event;

namespace {

// A reader that takes parts, puts some back, and gives up some messages.
std::vector<std::string> read_in_parts(assembler& a, wire input, unsigned seed, std::vector<bool>& dropped) {
  std::minstd_rand random(seed);
  std::vector<std::string> lines;
  std::string text;
  a.deliver(assembler::delivery::parts);
  for (std::span<std::byte> rest(input); !rest.empty();) {
    auto piece = rest.first(std::min<std::size_t>(1 + random() % 50, rest.size()));
    rest = rest.subspan(piece.size());
    while (!piece.empty() || a.has_more()) {
      std::size_t consumed = 0;
      const auto e = a.feed(piece, consumed);
      piece = piece.subspan(consumed);
      if (e == event::part && random() % 4 == 0) {
        a.put_back(a.take_message());
      } else if (e == event::part && random() % 8 == 0) {
        // The rest of this message will not be told of.
        a.take_message();
        a.discard();
        dropped.push_back(true);
        text.clear();
      } else if (e == event::part || e == event::message) {
        const auto m = a.take_message();
        text += m.text();
        if (e == event::part) continue;
        lines.push_back((a.compressed() ? "compressed " : "") + std::string(m.is_text() ? "text " : "binary ") + text);
        dropped.push_back(false);
        text.clear();
      } else if (e != event::need_more) {
        lines.push_back(describe_event(a, e));
        if (e == event::failed) return lines;
      }
    }
  }
  return lines;
}

bool is_data(std::string_view line) {
  return line.starts_with("text ") || line.starts_with("binary ") || line.starts_with("compressed ");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  assembler::options how;
  how.role = data[0] & 1 ? role::client : role::server;
  how.validate_utf8 = data[0] & 2;
  how.read_limit = data[0] & 4 ? 0 : 100;
  how.deflate = data[0] & 8;
  how.takeover = data[0] & 16;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const wire input(bytes + 2, bytes + size);

  auto whole = transcript(how, input);
  assembler a(how);
  std::vector<bool> dropped;
  const auto parts = read_in_parts(a, input, data[1] + 1u, dropped);

  // The events are the same, but for the messages that were given up.
  std::vector<std::string> expected;
  std::size_t message = 0;
  for (const auto& line : whole) {
    if (is_data(line) && message < dropped.size() && dropped[message++]) continue;
    expected.push_back(line);
  }
  coax::require(parts == expected, "in parts and whole the events are the same");
  return 0;
}
