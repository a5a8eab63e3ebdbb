#include "protocol/assembler.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

namespace coax::protocol {
namespace {

/// How far memory may run ahead of what has been received.
constexpr std::size_t allocation_step = 1024 * 1024;

/// Large payloads are unmasked and validated in pieces that stay in the first-level cache.
constexpr std::size_t hot_chunk = 16 * 1024;

/// What can be held in memory at all.
constexpr std::uint64_t addressable = std::numeric_limits<std::ptrdiff_t>::max();

constexpr std::size_t least_room = 1024;

std::uint64_t effective(std::size_t limit) noexcept {
  return limit == 0 ? addressable : std::min<std::uint64_t>(limit, addressable);
}

// Where text ceases to be UTF-8: in `chunk`, which begins at byte `at` of the message and in the state `validator`.
failure not_utf8(utf8_validator validator, std::span<const std::byte> chunk, std::uint64_t at) {
  std::size_t bad = 0;
  while (bad + 1 < chunk.size() && validator.push(chunk.subspan(bad, 1))) ++bad;
  char byte[8];
  std::snprintf(byte, sizeof byte, "%02x", std::to_integer<unsigned>(chunk[bad]));
  return {
      errc::invalid_utf8, status::invalid_data,
      std::string("text message that is not UTF-8 (RFC 6455 8.1): ") + byte + " at byte " + std::to_string(at + bad)};
}

}  // namespace

assembler::assembler(const options& how)
    : options_(how), inflater_(how.deflate ? std::make_unique<inflater>(how.window_bits, how.takeover) : nullptr) {}

assembler::event assembler::feed(std::span<std::byte> in, std::size_t& consumed) {
  consumed = 0;
  if (take_whole(in, consumed, message_)) [[likely]]
    return event::message;
  do {
    if (stage_ == stage::header && !read_header(in, consumed)) break;
    if (stage_ == stage::failed) return event::failed;
    const auto what = stage_ == stage::data ? take_data(in, consumed) : take_control(in, consumed);
    if (what != event::need_more) return what;
  } while (consumed != in.size());
  if (stage_ == stage::failed) [[unlikely]]
    return event::failed;
  return in_parts() && in_message_ && !message_.empty() ? event::part : event::need_more;
}

bool assembler::take_whole(std::span<const std::byte> in, std::size_t& consumed, coax::detail::storage& to) {
  if (stage_ != stage::header || in_message_ || !header_.empty() || in_parts() || tap_) return false;
  if (in.size() < 2) return false;
  const auto b0 = std::to_integer<unsigned>(in[0]), b1 = std::to_integer<unsigned>(in[1]);
  // A final frame of text or binary without reserved bits, masked as it must be.
  const bool masked = options_.role == role::server;
  if ((b0 != 0x81 && b0 != 0x82) || ((b1 & 0x80) != 0) != masked) return false;
  std::size_t n = b1 & 0x7f;
  std::size_t header = masked ? 6 : 2;
  if (n >= 126) {
    header += 2;
    if (n == 127 || in.size() < header) return false;
    n = static_cast<std::size_t>(detail::read_length(in.data() + 2, b1));
    if (n < 126 || n > hot_chunk) return false;
  }
  if (in.size() < header + n || n > effective(options_.read_limit)) return false;

  const auto* const from = in.data() + header;
  to.clear();
  to.reserve(n);
  if (masked) {
    masking_key key;
    std::memcpy(key.data(), from - key.size(), key.size());
    mask_copy(to.data(), from, n, key);
  } else if (n != 0) {
    std::memcpy(to.data(), from, n);
  }
  const auto kind = static_cast<message_kind>(b0 & 0x0f);
  if (kind == message_kind::text && options_.validate_utf8) {
    utf8_.reset();
    if (!utf8_.push({to.data(), n}) || !utf8_.complete()) return false;
  }
  to.resize(n);

  kind_ = kind;
  compressed_ = false;
  ++statistics_.frames;
  ++statistics_.messages;
  statistics_.bytes += n;
  consumed = header + n;
  return true;
}

void assembler::discard() noexcept {
  discarding_ = in_message_;
  message_.release();
}

bool assembler::read_header(std::span<const std::byte> in, std::size_t& consumed) {
  frame_header frame;
  const auto progress = header_.feed(in.subspan(consumed), {options_.role, options_.deflate, in_message_}, frame);
  consumed += progress.size;
  if (progress.error != frame_error::none) [[unlikely]] {
    fail(describe(progress.error, frame));
    return false;
  }
  if (!progress.complete) return false;

  ++statistics_.frames;
  if (tap_) [[unlikely]]
    (*tap_)(frame);
  key_ = frame.key;
  length_ = frame.length;
  taken_ = 0;
  if (is_control(frame.op)) {
    begin_control(frame);
    return true;
  }
  return begin_data(frame);
}

void assembler::begin_control(const frame_header& frame) noexcept {
  stage_ = stage::control;
  control_op_ = frame.op;
  control_size_ = 0;
}

bool assembler::begin_data(const frame_header& frame) {
  if (frame.op != opcode::continuation) {
    kind_ = static_cast<message_kind>(frame.op);
    compressed_ = frame.rsv1;
    check_text_ = options_.validate_utf8 && frame.op == opcode::text;
    fragmented_ = !frame.fin;
    in_message_ = true;
    utf8_.reset();
    message_.clear();
    size_ = 0;
  }
  fin_ = frame.fin;
  if (!within_limit(frame.length)) [[unlikely]]
    return false;
  stage_ = stage::data;
  return true;
}

bool assembler::within_limit(std::uint64_t length) {
  // What counts of a compressed message is what it is inflated to.
  if (compressed_) return true;
  const auto limit = effective(options_.read_limit);
  const std::uint64_t size = size_;
  if (size <= limit && length <= limit - size) [[likely]]
    return true;
  fail({errc::message_too_big, status::message_too_big,
        "message of " + std::string(fin_ ? "" : "at least ") + std::to_string(size + length) +
            " bytes exceeds the read limit of " + std::to_string(limit) + " bytes"});
  return false;
}

assembler::event assembler::take_data(std::span<std::byte> in, std::size_t& consumed) {
  if (compressed_) return take_compressed(in, consumed);
  const auto* from = in.data() + consumed;
  auto n = static_cast<std::size_t>(std::min<std::uint64_t>(length_ - taken_, in.size() - consumed));
  if (discarding_ || in_parts()) n = std::min(n, part_size - std::min(part_size, message_.size()));
  if (n != 0) make_room(n);
  consumed += n;
  return advance(from, n);
}

/// Adds `n` bytes to the message, whose storage has room for them, and ends the frame with its last byte. `from` may be
/// that room itself.
assembler::event assembler::advance(const std::byte* from, std::size_t n) {
  for (std::size_t done = 0; done != n;) {
    const auto chunk = std::min(n - done, hot_chunk);
    const auto before = utf8_;
    if (!add_chunk(message_.data() + message_.size(), from + done, chunk)) [[unlikely]] {
      return fail(not_utf8(before, std::span(message_.data(), message_.size()).last(chunk), size_ - chunk));
    }
    done += chunk;
  }
  if (discarding_) message_.clear();
  if (taken_ == length_) return finish_data();
  return in_parts() && message_.size() >= part_size ? event::part : event::need_more;
}

bool assembler::add_chunk(std::byte* to, const std::byte* from, std::size_t n) {
  if (options_.role == role::server) {
    mask_copy(to, from, n, key_, static_cast<std::size_t>(taken_));
  } else if (to != from) {
    std::memcpy(to, from, n);
  }
  message_.resize(message_.size() + n);
  taken_ += n;
  size_ += n;
  statistics_.bytes += n;
  return !check_text_ || utf8_.push({to, n});
}

/// Unmasks and inflates piece by piece, until the input is used up or there is enough for a part.
assembler::event assembler::take_compressed(std::span<std::byte> in, std::size_t& consumed) {
  for (;;) {
    if (in_parts() && message_.size() >= part_size) return event::part;
    const auto n = std::min<std::uint64_t>(std::min<std::uint64_t>(length_ - taken_, in.size() - consumed), hot_chunk);
    const auto piece = in.subspan(consumed, static_cast<std::size_t>(n));
    const bool ending = fin_ && taken_ == length_ && !output_pending_;
    const auto unmask = [this](std::span<std::byte> bytes) {
      if (options_.role == role::server && !bytes.empty())
        mask_copy(bytes.data(), bytes.data(), bytes.size(), key_, static_cast<std::size_t>(taken_));
    };
    unmask(piece);
    const auto room = inflating_room();
    const auto step = ending ? inflater_->finish(room) : inflater_->add(piece, room);
    consumed += step.consumed;
    taken_ += step.consumed;
    statistics_.bytes += step.consumed;
    statistics_.inflated_from += step.consumed;
    unmask(piece.subspan(step.consumed));  // which masks again what is left for later
    if (!add_inflated(step.produced)) return event::failed;
    if (discarding_) message_.clear();
    if (step.now == inflater::state::corrupt) {
      return fail({errc::corrupt_data, status::invalid_data,
                   std::string("compressed message that cannot be inflated (RFC 7692 7.2.2): ") + inflater_->error()});
    }
    output_pending_ = step.now == inflater::state::has_output;
    if (output_pending_) continue;
    if (ending || (!fin_ && taken_ == length_)) return finish_data();
    if (taken_ != length_ && consumed == in.size()) return event::need_more;
  }
}

/// Where the inflater may write: never more than one byte beyond the limit.
std::span<std::byte> assembler::inflating_room() {
  const auto size = message_.size();
  const auto limit = effective(options_.read_limit);
  auto most = limit - std::min(size_, limit) + 1;
  if (discarding_ || in_parts()) {
    most = std::min<std::uint64_t>(most, part_size - size);
    message_.reserve(part_size);
  } else if (message_.capacity() == size) {
    // For a start what text often comes to.
    const auto wanted = size == 0 ? std::clamp<std::uint64_t>(4 * length_, least_room, part_size) : size;
    message_.reserve(size + static_cast<std::size_t>(std::min(wanted, most)));
  }
  return {message_.data() + size, static_cast<std::size_t>(std::min<std::uint64_t>(message_.capacity() - size, most))};
}

bool assembler::add_inflated(std::size_t n) {
  const std::span chunk(message_.data() + message_.size(), n);
  message_.resize(message_.size() + n);
  size_ += n;
  statistics_.inflated_to += n;
  const auto limit = effective(options_.read_limit);
  const auto over = static_cast<std::size_t>(std::min<std::uint64_t>(n, size_ - std::min(size_, limit)));
  const auto within = chunk.first(n - over);
  const auto before = utf8_;
  if (check_text_ && !utf8_.push(within)) {
    fail(not_utf8(before, within, size_ - n));
  } else if (over != 0) {
    fail({errc::message_too_big, status::message_too_big,
          "compressed message of at least " + std::to_string(size_) + " bytes exceeds the read limit of " +
              std::to_string(limit) + " bytes"});
  }
  return stage_ != stage::failed;
}

assembler::event assembler::finish_data() {
  stage_ = stage::header;
  if (!fin_) return event::need_more;
  in_message_ = false;
  if (check_text_ && !utf8_.complete()) [[unlikely]] {
    return fail(
        {errc::invalid_utf8, status::invalid_data, "text message that ends within a UTF-8 character (RFC 6455 8.1)"});
  }
  ++statistics_.messages;
  if (!discarding_) return event::message;
  discarding_ = false;
  message_.release();
  return event::need_more;
}

assembler::event assembler::take_control(std::span<const std::byte> in, std::size_t& consumed) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(length_ - taken_, in.size() - consumed));
  const auto* from = in.data() + consumed;
  if (options_.role == role::server) {
    mask_copy(control_.data() + control_size_, from, n, key_, control_size_);
  } else if (n != 0) {
    std::memcpy(control_.data() + control_size_, from, n);
  }
  consumed += n;
  taken_ += n;
  control_size_ = static_cast<std::uint8_t>(taken_);
  return taken_ == length_ ? finish_control() : event::need_more;
}

assembler::event assembler::finish_control() {
  stage_ = stage::header;
  if (control_op_ == opcode::ping) return event::ping;
  if (control_op_ == opcode::pong) return event::pong;
  auto parsed = parse_close(control_payload());
  if (!parsed) return fail(std::move(parsed).error());
  close_ = *parsed;
  return event::close;
}

/// Memory for `n` more bytes at least; ahead of them only what is announced, within `allocation_step` or as much again
/// as is there.
void assembler::make_room(std::size_t n) {
  const auto size = message_.size();
  if (message_.capacity() - size >= n) return;
  if (discarding_ || in_parts()) return message_.reserve(std::max(size + n, part_size));
  const auto ahead = std::min<std::uint64_t>(length_ - taken_, std::max(size, allocation_step));
  auto target = size + std::max(n, static_cast<std::size_t>(ahead));
  // Many small fragments must not copy the message once for each of them.
  if (fragmented_) target = std::max(target, 2 * size);
  message_.reserve(target);
}

std::span<std::byte> assembler::direct_buffer() {
  if (stage_ != stage::data || compressed_ || discarding_ || in_parts() || length_ - taken_ < direct_threshold)
    return {};
  make_room(1);
  const auto room = message_.capacity() - message_.size();
  return {message_.data() + message_.size(), static_cast<std::size_t>(std::min<std::uint64_t>(room, length_ - taken_))};
}

assembler::event assembler::commit_direct(std::size_t n) { return advance(message_.data() + message_.size(), n); }

bool assembler::frame_ahead(std::span<const std::byte> rest) const noexcept {
  if (stage_ == stage::failed) return false;
  if (stage_ != stage::header) return rest.size() >= length_ - taken_;
  return header_.frame_ahead(rest);
}

assembler::event assembler::fail(failure why) noexcept {
  stage_ = stage::failed;
  failure_ = std::move(why);
  message_.release();
  inflater_.reset();
  return event::failed;
}

}  // namespace coax::protocol
