/// The time to a few milliseconds, for a tenth of the price.
#pragma once

#include "core/clock.hpp"

#include <time.h>

namespace coax::detail {

/// On Linux the monotonic clock as of the last tick, comparable with `now()` and never ahead of it.
inline steady::time_point coarse_now() noexcept {
#ifdef CLOCK_MONOTONIC_COARSE
  if (!current_clock.load(std::memory_order_relaxed)) {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return steady::time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
  }
#endif
  return now();
}

}  // namespace coax::detail
