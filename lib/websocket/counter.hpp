/// Counters that other threads may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace coax::detail {

/// A counter with one writer and any readers.
class counter {
 public:
  void add(std::uint64_t n = 1) noexcept { set(get() + n); }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace coax::detail
