#include "protocol/frame.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace coax::protocol {
namespace {

std::string hex(opcode op) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%X", static_cast<unsigned>(op));
  return text;
}

std::string describe_text(frame_error error, const frame_header& header) {
  switch (error) {
    case frame_error::none: break;
    case frame_error::rsv1: return "frame with reserved bit RSV1 set (RFC 6455 5.2)";
    case frame_error::rsv2: return "frame with reserved bit RSV2 set (RFC 6455 5.2)";
    case frame_error::rsv3: return "frame with reserved bit RSV3 set (RFC 6455 5.2)";
    case frame_error::reserved_opcode: return "frame with reserved opcode " + hex(header.op) + " (RFC 6455 5.2)";
    case frame_error::fragmented_control:
      return "fragmented control frame with opcode " + hex(header.op) + " (RFC 6455 5.4)";
    case frame_error::long_control:
      return "control frame with opcode " + hex(header.op) + " of more than 125 bytes (RFC 6455 5.5)";
    case frame_error::unmasked: return "unmasked frame from a client (RFC 6455 5.1)";
    case frame_error::masked: return "masked frame from a server (RFC 6455 5.1)";
    case frame_error::stray_continuation: return "continuation frame outside a message (RFC 6455 5.4)";
    case frame_error::interleaved_data:
      return "data frame with opcode " + hex(header.op) + " inside a fragmented message (RFC 6455 5.4)";
    case frame_error::padded_length:
      return "payload length " + std::to_string(header.length) + " not in its shortest form (RFC 6455 5.2)";
    case frame_error::huge_length:
      return "payload length " + std::to_string(header.length) + " with the top bit set (RFC 6455 5.2)";
  }
  return {};
}

}  // namespace

failure describe(frame_error error, const frame_header& header) {
  char bytes[16];
  std::snprintf(bytes, sizeof bytes, ": %02x %02x", std::to_integer<unsigned>(header.start[0]),
                std::to_integer<unsigned>(header.start[1]));
  return {errc::protocol_error, status::protocol_error, describe_text(error, header) + bytes};
}

header_progress header_parser::feed_kept(std::span<const std::byte> in, frame_rules rules, frame_header& out) noexcept {
  const std::size_t before = kept_;
  const auto taken = std::min(in.size(), bytes_.size() - before);
  std::copy_n(in.begin(), taken, bytes_.begin() + static_cast<std::ptrdiff_t>(before));
  const auto now = before + taken;

  auto progress = decode_header(std::span(bytes_).first(now), rules, out);
  kept_ = progress.complete ? 0 : static_cast<std::uint8_t>(now);
  progress.size = progress.complete ? progress.size - before : taken;
  return progress;
}

bool header_parser::kept_frame_ahead(std::span<const std::byte> rest) const noexcept {
  auto front = bytes_;
  const auto taken = std::min(rest.size(), front.size() - kept_);
  std::copy_n(rest.begin(), taken, front.begin() + kept_);
  const std::size_t known = kept_ + taken;
  if (known < 2) return false;

  return holds_frame(front.data(), kept_ + rest.size(), std::to_integer<unsigned>(front[1]));
}

}  // namespace coax::protocol
