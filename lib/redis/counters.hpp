/// What a client counts, for readers on other threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace coax::redis {

/// @see client_stats
struct counters {
  using counter = std::atomic<std::uint64_t>;

  counter commands_sent{0};
  counter replies{0};
  counter writes{0};
  counter messages{0};
  counter connects{0};
  std::atomic<std::size_t> queued{0};
  std::atomic<std::size_t> queued_bytes{0};
  std::atomic<std::size_t> subscriptions{0};
  std::atomic<std::size_t> confirmed{0};
};

inline void count(counters::counter& c) noexcept { c.fetch_add(1, std::memory_order_relaxed); }

}  // namespace coax::redis
