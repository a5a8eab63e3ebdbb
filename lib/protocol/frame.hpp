/// Frame headers of RFC 6455 section 5.2: decoding, checking, encoding.
///
///     header_parser parser;
///     const auto head = parser.feed(bytes, {.role = role::server}, header);
///     bytes = bytes.subspan(head.size);
///     if (head.error != frame_error::none) fail(describe(head.error, header));
#pragma once

#include "protocol/failure.hpp"
#include "protocol/mask.hpp"
#include "protocol/opcode.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

namespace coax::protocol {

struct frame_header {
  bool fin = true;
  bool rsv1 = false;
  opcode op = opcode::continuation;
  bool masked = false;
  masking_key key{};
  std::uint64_t length = 0;
  std::array<std::byte, 2> start{};  ///< The first two bytes of a header that was received.
};

inline constexpr std::size_t max_header_size = 14;

/// Who wants to know of each frame.
using frame_tap = std::function<void(const frame_header&)>;

/// What the next frame may be, which depends on the receiver and on what came before.
struct frame_rules {
  protocol::role role = role::server;  ///< The receiving end.
  bool deflate = false;                ///< RSV1 is allowed on the first frame of a message (RFC 7692 section 6).
  bool in_message = false;             ///< A fragmented message has begun and not ended.
};

/// All of them are answered with 1002.
enum class frame_error : std::uint8_t {
  none,
  rsv1,
  rsv2,
  rsv3,
  reserved_opcode,
  fragmented_control,
  long_control,
  unmasked,
  masked,
  stray_continuation,
  interleaved_data,
  padded_length,
  huge_length,
};

/// The failure for `error`, found in the header that was decoded as far as `header` tells.
failure describe(frame_error error, const frame_header& header);

/// What decoding a header came to: complete when `complete`, broken when `error` is set, else more bytes are needed.
struct header_progress {
  std::size_t size = 0;  ///< Bytes used of those that were offered.
  bool complete = false;
  frame_error error = frame_error::none;
};

namespace detail {

/// The rules that the first two bytes tell.
constexpr frame_error check_start(unsigned b0, unsigned b1, frame_rules rules) noexcept {
  const unsigned op = b0 & 0x0f;
  const bool control = (op & 0x8) != 0;
  if (b0 & 0x70) [[unlikely]] {
    if ((b0 & 0x40) && (!rules.deflate || control || op == 0)) return frame_error::rsv1;
    if (b0 & 0x20) return frame_error::rsv2;
    if (b0 & 0x10) return frame_error::rsv3;
  }
  if ((op & 0x7) > 2) [[unlikely]]
    return frame_error::reserved_opcode;
  if (control) {
    if (!(b0 & 0x80)) return frame_error::fragmented_control;
    if ((b1 & 0x7f) > 125) return frame_error::long_control;
  } else if ((op == 0) != rules.in_message) [[unlikely]] {
    return op == 0 ? frame_error::stray_continuation : frame_error::interleaved_data;
  }
  if (((b1 & 0x80) != 0) != (rules.role == role::server)) [[unlikely]] {
    return rules.role == role::server ? frame_error::unmasked : frame_error::masked;
  }
  return frame_error::none;
}

constexpr std::size_t extended_length_size(unsigned b1) noexcept {
  const unsigned code = b1 & 0x7f;
  return code < 126 ? 0 : code == 126 ? 2 : 8;
}

inline std::uint64_t read_length(const std::byte* at, unsigned b1) noexcept {
  std::uint64_t length = b1 & 0x7f;
  if (const auto size = extended_length_size(b1)) {
    length = 0;
    for (std::size_t i = 0; i != size; ++i) length = length << 8 | std::to_integer<std::uint64_t>(at[i]);
  }
  return length;
}

constexpr frame_error check_length(std::size_t extended, std::uint64_t length) noexcept {
  if (extended == 0) return frame_error::none;
  if (length >> 63) return frame_error::huge_length;
  return length < (extended == 2 ? 126u : 65536u) ? frame_error::padded_length : frame_error::none;
}

}  // namespace detail

/// Decodes the header at the front of `in`. Keeps no state; an incomplete header uses no byte. Errors are found in the
/// order of the bytes, so that the answer does not depend on how they were cut.
inline header_progress decode_header(std::span<const std::byte> in, frame_rules rules, frame_header& out) noexcept {
  if (in.size() < 2) return {};
  const auto b0 = std::to_integer<unsigned>(in[0]), b1 = std::to_integer<unsigned>(in[1]);
  out.op = static_cast<opcode>(b0 & 0x0f);
  out.start = {in[0], in[1]};
  if (const auto e = detail::check_start(b0, b1, rules); e != frame_error::none) return {0, false, e};

  const auto extended = detail::extended_length_size(b1);
  if (in.size() < 2 + extended) return {};
  out.length = detail::read_length(in.data() + 2, b1);
  if (const auto e = detail::check_length(extended, out.length); e != frame_error::none) return {0, false, e};

  out.fin = (b0 & 0x80) != 0;
  out.rsv1 = (b0 & 0x40) != 0;
  out.masked = (b1 & 0x80) != 0;
  const std::size_t size = 2 + extended + (out.masked ? 4 : 0);
  if (in.size() < size) return {};
  if (out.masked) std::memcpy(out.key.data(), in.data() + size - 4, 4);
  return {size, true, frame_error::none};
}

/// Decodes headers that arrive in pieces, and keeps what has arrived.
class header_parser {
 public:
  /// Uses bytes from the front of `in`: up to the end of the header, or all of them.
  header_progress feed(std::span<const std::byte> in, frame_rules rules, frame_header& out) noexcept {
    if (kept_ == 0) [[likely]] {
      const auto whole = decode_header(in, rules, out);
      if (whole.complete || whole.error != frame_error::none) [[likely]]
        return whole;
    }
    return feed_kept(in, rules, out);
  }

  /// Whether no beginning of a header is kept.
  bool empty() const noexcept { return kept_ == 0; }

  /// Whether what is kept and `rest` hold a whole frame, be it allowed or not.
  bool frame_ahead(std::span<const std::byte> rest) const noexcept {
    if (kept_ != 0 || rest.size() < max_header_size) return kept_frame_ahead(rest);
    const auto b1 = std::to_integer<unsigned>(rest[1]);
    return holds_frame(rest.data(), rest.size(), b1);
  }

 private:
  /// Whether `size` bytes, of which the first ones are at `front`, hold the header and the payload that `b1` begins.
  static bool holds_frame(const std::byte* front, std::size_t size, unsigned b1) noexcept {
    const std::size_t header = 2 + detail::extended_length_size(b1) + ((b1 & 0x80) ? 4 : 0);
    return size >= header && size - header >= detail::read_length(front + 2, b1);
  }
  bool kept_frame_ahead(std::span<const std::byte> rest) const noexcept;
  header_progress feed_kept(std::span<const std::byte> in, frame_rules rules, frame_header& out) noexcept;

  std::array<std::byte, max_header_size> bytes_{};
  std::uint8_t kept_ = 0;
};

/// Writes the header of a frame, its length in the shortest form, and returns its size. `out` has room for
/// `max_header_size` bytes.
inline std::size_t encode_header(std::byte* out, const frame_header& header) noexcept {
  const unsigned mask_bit = header.masked ? 0x80 : 0;
  const auto put = [&](std::size_t at, std::uint64_t value) { out[at] = static_cast<std::byte>(value); };
  put(0, (header.fin ? 0x80u : 0u) | (header.rsv1 ? 0x40u : 0u) | static_cast<unsigned>(header.op));
  std::size_t size = 2;
  if (header.length < 126) {
    put(1, mask_bit | header.length);
  } else {
    const bool two = header.length < 65536;
    put(1, mask_bit | (two ? 126u : 127u));
    for (int shift = two ? 8 : 56; shift >= 0; shift -= 8) put(size++, header.length >> shift);
  }
  if (header.masked) {
    std::memcpy(out + size, header.key.data(), 4);
    size += 4;
  }
  return size;
}

}  // namespace coax::protocol
