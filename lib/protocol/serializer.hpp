/// The sending half of a WebSocket: frames into an output buffer.
#pragma once

#include "protocol/close_frame.hpp"
#include "protocol/frame.hpp"
#include <coax/message.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace coax::protocol {

namespace asio = boost::asio;

constexpr opcode opcode_of(message_kind kind) noexcept {
  return kind == message_kind::text ? opcode::text : opcode::binary;
}

/// What stands in the first byte of a frame.
struct frame_kind {
  opcode op = opcode::binary;
  bool fin = true;
  bool rsv1 = false;
};

/// Masks a payload piece by piece under one key. Does nothing but copy for a server.
class payload_masker {
 public:
  payload_masker() = default;
  explicit payload_masker(const frame_header& header) noexcept : key_(header.key), masked_(header.masked) {}

  /// The next `n` bytes of the payload, from `src` to `dst`, which are the same or do not overlap.
  void copy(std::byte* dst, const std::byte* src, std::size_t n) noexcept;
  void in_place(std::span<std::byte> piece) noexcept { copy(piece.data(), piece.data(), piece.size()); }

 private:
  masking_key key_{};
  bool masked_ = false;
  std::size_t offset_ = 0;
};

/// The header of a frame that `sender` sends: masked with a fresh key if it is a client.
frame_header make_header(role sender, frame_kind kind, std::uint64_t length);

/// A header in its wire form, for a payload that is sent from where it is.
class encoded_header {
 public:
  explicit encoded_header(const frame_header& header) noexcept : size_(encode_header(bytes_.data(), header)) {}
  std::span<const std::byte> bytes() const noexcept { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, max_header_size> bytes_;
  std::size_t size_;
};

/// Appends a whole frame to `out`, which grows geometrically; returns its header.
frame_header append_frame(coax::detail::storage& out, role sender, frame_kind kind, std::span<const std::byte> payload);
frame_header append_frame(coax::detail::storage& out, role sender, frame_kind kind,
                          std::span<const asio::const_buffer> payload);

/// The same for what servers mostly send: not masked, not fragmented, of less than 126 bytes.
inline void append_short_frame(coax::detail::storage& out, opcode op, asio::const_buffer payload) {
  const std::size_t size = 2 + payload.size();
  auto* const at = out.room(size).data();
  at[0] = static_cast<std::byte>(0x80u | static_cast<unsigned>(op));
  at[1] = static_cast<std::byte>(payload.size());
  if (payload.size() != 0) std::memcpy(at + 2, payload.data(), payload.size());
  out.resize(out.size() + size);
}

/// Appends a header alone; a client masks the payload that follows with a `payload_masker` of the header.
frame_header append_header(coax::detail::storage& out, role sender, frame_kind kind, std::uint64_t length);

/// Appends a close frame. Throws as `check_close` before anything happened.
frame_header append_close(coax::detail::storage& out, role sender, const close_frame& frame);

}  // namespace coax::protocol
