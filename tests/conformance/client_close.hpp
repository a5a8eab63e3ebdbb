/// How a client has closed.
#pragma once

#include "protocol/frame.hpp"
#include "protocol/mask.hpp"

#include <string>

namespace coax::test {

/// The status of the close frame that a client has sent last, perhaps behind pongs; 0 for anything else.
inline unsigned client_close_status(std::string all) {
  protocol::frame_rules rules;
  rules.role = protocol::role::server;
  for (;;) {
    protocol::frame_header head;
    const auto d = protocol::decode_header(std::as_bytes(std::span(all)), rules, head);
    if (!d.complete || d.error != protocol::frame_error::none || all.size() < d.size + head.length) return 0;
    const auto payload = std::as_writable_bytes(std::span(all)).subspan(d.size, head.length);
    if (head.op == protocol::opcode::close) {
      if (payload.size() < 2 || all.size() != d.size + head.length) return 0;
      protocol::mask(payload.data(), payload.size(), head.key);
      return std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]);
    }
    if (head.op != protocol::opcode::pong) return 0;
    all.erase(0, d.size + head.length);
  }
}

}  // namespace coax::test
