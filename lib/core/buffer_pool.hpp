/// Byte blocks recycled per thread. The free lists are LIFO, so that a block comes back while it is warm in the cache.
#pragma once

#include <cstddef>

namespace coax::detail {

struct block {
  std::byte* data = nullptr;
  std::size_t size = 0;
};

/// A block of at least `n` bytes, uninitialised: from the current thread's pool when it has one.
block take_block(std::size_t n);

/// Gives a block back to the current thread's pool (of whatever thread it came from), or to the heap when the pool is
/// full or the block is not of a pooled size.
void give_block(block b) noexcept;

/// How many bytes the current thread's pool holds.
std::size_t pooled_bytes() noexcept;

/// A borrowed receive buffer: 64 KiB of the thread's pool, held only while there is something in it.
class borrowed_buffer {
 public:
  static constexpr std::size_t size = 64 * 1024;

  borrowed_buffer() noexcept = default;
  borrowed_buffer(const borrowed_buffer&) = delete;
  borrowed_buffer& operator=(const borrowed_buffer&) = delete;
  ~borrowed_buffer() { give_back(); }

  /// Borrows if there is nothing borrowed yet.
  std::byte* borrow() {
    if (!block_.data) block_ = take_block(size);
    return block_.data;
  }
  void give_back() noexcept {
    if (block_.data) give_block(block_);
    block_ = {};
  }
  std::byte* data() const noexcept { return block_.data; }
  explicit operator bool() const noexcept { return block_.data != nullptr; }

 private:
  block block_;
};

}  // namespace coax::detail
