/// What an assembler makes of bytes, in words, however they are cut.
#pragma once

#include "protocol/assembler.hpp"
#include "protocol/wire.hpp"

#include <algorithm>
#include <functional>

namespace coax::protocol {

/// "text Hello", "ping x", "close 1000 bye", "failed 1002 ..."; one line an event.
inline std::string describe_event(assembler& a, assembler::event event) {
  using enum assembler::event;
  switch (event) {
    case need_more: return "need more";
    case part: {
      const auto m = a.take_message();
      return std::string(m.is_text() ? "text" : "binary") + " part " + m.str();
    }
    case message: {
      const auto m = a.take_message();
      return std::string(a.compressed() ? "compressed " : "") + (m.is_text() ? "text " : "binary ") + m.str();
    }
    case ping: return "ping " + text_of(a.control_payload());
    case pong: return "pong " + text_of(a.control_payload());
    case close:
      return "close " + std::to_string(static_cast<unsigned>(a.close_status())) + " " + std::string(a.close_reason());
    case failed: return "failed " + std::to_string(static_cast<unsigned>(a.error().status)) + " " + a.error().text;
  }
  return "unknown event";
}

/// Feeds `bytes` in pieces, whose sizes `next_size` tells, and as an option through the direct buffer where there is
/// one. Ends at the first failure.
inline std::vector<std::string> transcript(assembler& a, wire bytes, const std::function<std::size_t()>& next_size,
                                           bool direct = false) {
  using enum assembler::event;
  std::vector<std::string> lines;
  const auto note = [&](assembler::event e) {
    if (e != need_more) lines.push_back(describe_event(a, e));
    return e != failed;
  };
  for (std::span<std::byte> rest(bytes); !rest.empty();) {
    const auto size = std::min(std::max<std::size_t>(next_size(), 1), rest.size());
    auto piece = rest.first(size);
    rest = rest.subspan(size);
    while (!piece.empty()) {
      std::size_t consumed = 0;
      assembler::event event;
      if (const auto room = direct ? a.direct_buffer() : std::span<std::byte>(); !room.empty()) {
        consumed = std::min(room.size(), piece.size());
        std::copy_n(piece.begin(), consumed, room.begin());
        event = a.commit_direct(consumed);
      } else {
        event = a.feed(piece, consumed);
      }
      piece = piece.subspan(consumed);
      if (!note(event)) return lines;
    }
  }
  return lines;
}

inline std::vector<std::string> transcript(const assembler::options& how, const wire& bytes,
                                           std::size_t piece = std::size_t(-1)) {
  assembler a(how);
  return transcript(a, bytes, [=] { return piece; });
}

inline assembler::options receiving(role self) {
  assembler::options how;
  how.role = self;
  return how;
}

}  // namespace coax::protocol
