#include "core/buffer_pool.hpp"

#include <coax/message.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace coax::detail {
namespace {

// Powers of two from 64 B to 1 MiB; a class keeps at most 256 KiB (but two blocks at least), the thread 4 MiB in all.
constexpr std::size_t min_shift = 6;
constexpr std::size_t max_shift = 20;
constexpr std::size_t class_budget = 256 * 1024;

struct free_block {
  free_block* next;
};

struct size_class {
  free_block* head = nullptr;
  std::size_t count = 0;
};

class pool {
 public:
  pool() noexcept { current = this; }
  ~pool() {
    current = nullptr;
    gone = true;
    for (auto& c : classes_)
      while (c.head) std::free(std::exchange(c.head, c.head->next));
  }

  void* take(std::size_t shift) noexcept {
    auto& c = classes_[shift - min_shift];
    if (!c.head) return nullptr;
    --c.count;
    bytes_ -= std::size_t{1} << shift;
    return std::exchange(c.head, c.head->next);
  }

  bool give(void* p, std::size_t shift) noexcept {
    auto& c = classes_[shift - min_shift];
    if (c.count >= std::max<std::size_t>(2, class_budget >> shift)) return false;
    c.head = new (p) free_block{c.head};
    ++c.count;
    bytes_ += std::size_t{1} << shift;
    return true;
  }

  std::size_t bytes() const noexcept { return bytes_; }

  // Constant-initialised, so that a look at them costs no guard.
  static thread_local constinit pool* current;
  // Blocks may be given back after the thread's pool was destroyed, by objects of static lifetime.
  static thread_local constinit bool gone;

 private:
  std::array<size_class, max_shift - min_shift + 1> classes_{};
  std::size_t bytes_ = 0;
};

thread_local constinit pool* pool::current = nullptr;
thread_local constinit bool pool::gone = false;
thread_local pool this_thread_pool;

// The pool of this thread; null once the thread is on its way out.
pool* thread_pool() noexcept {
  if (pool::current) [[likely]]
    return pool::current;
  return pool::gone ? nullptr : &this_thread_pool;
}

std::size_t shift_for(std::size_t n) noexcept {
  return n <= (std::size_t{1} << min_shift) ? min_shift : static_cast<std::size_t>(std::bit_width(n - 1));
}

}  // namespace

block take_block(std::size_t n) {
  const std::size_t shift = shift_for(n);
  const bool pooled = shift <= max_shift;
  const std::size_t size = pooled ? std::size_t{1} << shift : n;
  if (pooled)
    if (auto* p = thread_pool())
      if (void* memory = p->take(shift)) return {static_cast<std::byte*>(memory), size};
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return {static_cast<std::byte*>(memory), size};
}

void give_block(block b) noexcept {
  if (b.size <= (std::size_t{1} << max_shift) && (b.size & (b.size - 1)) == 0)
    if (auto* p = thread_pool(); p && p->give(b.data, shift_for(b.size))) return;
  std::free(b.data);
}

std::size_t pooled_bytes() noexcept {
  auto* p = thread_pool();
  return p ? p->bytes() : 0;
}

void storage::grow(std::size_t n) {
  block larger = take_block(n);
  if (data_) {
    std::memcpy(larger.data, data_, size_);
    give_block({data_, capacity_});
  }
  data_ = larger.data;
  capacity_ = larger.size;
}

void storage::append(const void* from, std::size_t n) {
  if (n == 0) return;
  std::memcpy(room(n).data(), from, n);
  size_ += n;
}

void storage::free_memory() noexcept {
  give_block({data_, capacity_});
  data_ = nullptr;
  size_ = capacity_ = 0;
}

}  // namespace coax::detail
