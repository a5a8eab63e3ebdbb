#include "protocol/serializer.hpp"

#include "protocol/masking_key.hpp"

namespace coax::protocol {
namespace {

/// Writes the header and makes room for the whole frame; the payload goes behind it.
std::byte* begin_frame(coax::detail::storage& out, const frame_header& header) {
  auto* const at = out.room(max_header_size + static_cast<std::size_t>(header.length)).data();
  const auto size = encode_header(at, header);
  out.resize(out.size() + size);
  return at + size;
}

}  // namespace

void payload_masker::copy(std::byte* dst, const std::byte* src, std::size_t n) noexcept {
  if (masked_) {
    mask_copy(dst, src, n, key_, offset_);
  } else if (n != 0 && dst != src) {
    std::memcpy(dst, src, n);
  }
  offset_ += n;
}

frame_header make_header(role sender, frame_kind kind, std::uint64_t length) {
  const bool masked = sender == role::client;
  return {.fin = kind.fin,
          .rsv1 = kind.rsv1,
          .op = kind.op,
          .masked = masked,
          .key = masked ? next_masking_key() : masking_key{},
          .length = length};
}

frame_header append_frame(coax::detail::storage& out, role sender, frame_kind kind,
                          std::span<const std::byte> payload) {
  const auto header = make_header(sender, kind, payload.size());
  auto* const to = begin_frame(out, header);
  payload_masker(header).copy(to, payload.data(), payload.size());
  out.resize(out.size() + payload.size());
  return header;
}

frame_header append_frame(coax::detail::storage& out, role sender, frame_kind kind,
                          std::span<const asio::const_buffer> payload) {
  std::size_t length = 0;
  for (const auto& piece : payload) length += piece.size();
  const auto header = make_header(sender, kind, length);
  auto* to = begin_frame(out, header);
  payload_masker masker(header);
  for (const auto& piece : payload) {
    masker.copy(to, static_cast<const std::byte*>(piece.data()), piece.size());
    to += piece.size();
  }
  out.resize(out.size() + length);
  return header;
}

frame_header append_header(coax::detail::storage& out, role sender, frame_kind kind, std::uint64_t length) {
  const auto header = make_header(sender, kind, length);
  const auto size = encode_header(out.room(max_header_size).data(), header);
  out.resize(out.size() + size);
  return header;
}

frame_header append_close(coax::detail::storage& out, role sender, const close_frame& frame) {
  std::array<std::byte, max_control_payload> payload;
  const auto size = encode_close(payload, frame);
  return append_frame(out, sender, {.op = opcode::close}, std::span<const std::byte>(payload).first(size));
}

}  // namespace coax::protocol
