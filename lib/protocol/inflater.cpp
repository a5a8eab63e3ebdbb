#include "protocol/inflater.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

namespace coax::protocol {
namespace {

// RFC 7692 7.2.2: what the sender has taken away.
constexpr std::array tail{std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

// An empty block that is not compressed, from a byte's border on.
constexpr std::array empty_block{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

}  // namespace

decompressor& inflater::context() {
  if (!decompressor_) {
    auto fresh = borrow_decompressor(window_bits_);
    if (!window_.empty()) fresh->load_window({window_.data(), window_.size()});
    decompressor_ = std::move(fresh);
    window_.release();
  }
  return *decompressor_;
}

inflater::step inflater::add(std::span<const std::byte> in, std::span<std::byte> out) {
  if (!in.empty()) empty_ = false;
  return run(in, out);
}

inflater::step inflater::finish(std::span<std::byte> out) {
  if (failed_) return {0, 0, state::corrupt};
  // No sender that keeps to the rules makes an empty payload of an empty message, and none means anything else by it.
  if (empty_) return complete(0);
  if (behind_end_) return *behind_end_ <= 1 ? complete(0) : fail("the message ends within a block");
  const auto got = context().run(std::span(tail).subspan(tail_taken_), out);
  tail_taken_ = static_cast<std::uint8_t>(tail_taken_ + got.consumed);
  if (got.result == decompressor::outcome::corrupt) return fail(decompressor_->error(), got.produced);
  bool whole = decompressor_->between_blocks();
  if (got.result == decompressor::outcome::end_of_stream) {
    // A final block before the end, or one that the end belongs to.
    behind_end_ = std::uint8_t{0};
    whole = tail_taken_ == 0 || tail_taken_ == tail.size();
  } else if (got.produced == out.size()) {
    return {0, got.produced, state::has_output};
  }
  return whole ? complete(got.produced) : fail("the message ends within a block", got.produced);
}

inflater::step inflater::run(std::span<const std::byte> in, std::span<std::byte> out) {
  if (failed_) return {0, 0, state::corrupt};
  if (behind_end_) return follows_end(in) ? step{in.size(), 0} : fail("data after the final block");
  const auto got = context().run(in, out);
  step s{got.consumed, got.produced};
  switch (got.result) {
    case decompressor::outcome::corrupt: return fail(decompressor_->error(), got.produced);
    case decompressor::outcome::end_of_stream: {
      behind_end_ = std::uint8_t{0};
      const auto rest = in.subspan(got.consumed);
      if (!follows_end(rest)) return fail("data after the final block", got.produced);
      s.consumed = in.size();
      return s;
    }
    case decompressor::outcome::ok: break;
  }
  if (s.produced == out.size()) s.now = state::has_output;
  return s;
}

// RFC 7692 7.2.3.4: a final block is allowed and, so that the end of the message can be cut off, an empty block behind.
bool inflater::follows_end(std::span<const std::byte> in) noexcept {
  auto& at = *behind_end_;
  for (const auto byte : in) {
    if (byte != empty_block[at]) return false;
    at = static_cast<std::uint8_t>((at + 1) % empty_block.size());
  }
  return true;
}

// A deflate stream has ended; the window outlives it.
void inflater::begin_anew() {
  coax::detail::storage window;
  decompressor_->save_window(window);
  decompressor_->load_window({window.data(), window.size()});
}

inflater::step inflater::complete(std::size_t produced) {
  if (!takeover_) {
    decompressor_.reset();
  } else if (behind_end_) {
    begin_anew();
  }
  empty_ = true;
  tail_taken_ = 0;
  behind_end_.reset();
  return {0, produced, state::wants_input};
}

void inflater::rest() noexcept {
  if (!decompressor_ || !empty_ || failed_) return;
  try {
    if (takeover_) decompressor_->save_window(window_);
    decompressor_.reset();
  } catch (const std::bad_alloc&) {
    window_.release();
  }
}

inflater::step inflater::fail(const char* why, std::size_t produced) noexcept {
  failed_ = true;
  error_ = why;
  decompressor_.reset();
  return {0, produced, state::corrupt};
}

}  // namespace coax::protocol
