/// The time to a few milliseconds, on Linux for a tenth of the price.
#pragma once

#include "core/clock.hpp"
#include "io/system.hpp"

namespace coax::detail {

/// Comparable with `now()` and never ahead of it.
inline steady::time_point coarse_now() noexcept {
  return current_clock.load(std::memory_order_relaxed) ? now() : last_tick();
}

}  // namespace coax::detail
