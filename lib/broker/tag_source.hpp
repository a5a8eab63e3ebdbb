/// Draws the tags of entries.
#pragma once

#include "protocol/masking_key.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>

namespace coax::detail {

/// Gives each number but 0 at most once, from a sequence that begins at random; so two sources give different ones to
/// the same offset. `next` may be called from any thread.
class tag_source {
 public:
  tag_source() {
    const auto random = protocol::random_nonce();
    std::uint64_t start = 0;
    std::memcpy(&start, random.data(), sizeof start);
    state_.store(start, std::memory_order_relaxed);
  }

  /// A copy gives the numbers that the original will give, as the copy of a log does whose history forks.
  tag_source(const tag_source& other) noexcept : state_(other.state_.load(std::memory_order_relaxed)) {}
  tag_source& operator=(const tag_source& other) noexcept {
    state_.store(other.state_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return *this;
  }

  std::uint64_t next() noexcept {
    std::uint64_t tag = 0;
    while (tag == 0) tag = mix(state_.fetch_add(step, std::memory_order_relaxed) + step);
    return tag;
  }

 private:
  static constexpr std::uint64_t step = 0x9e3779b97f4a7c15ULL;

  // The finaliser of splitmix64: over a counter it gives each number once.
  static std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  std::atomic<std::uint64_t> state_{0};
};

}  // namespace coax::detail
