/// Spreads what would happen to many connections at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace coax::detail {

/// `d` with a jitter of 10 %: connections that opened together must not ping together for ever.
inline std::chrono::nanoseconds with_jitter(std::chrono::nanoseconds d) {
  if (d > std::chrono::hours(24 * 365 * 200)) return d;  // never: the figure is not to overflow
  static thread_local std::minstd_rand engine{std::random_device{}()};
  std::uniform_real_distribution<double> spread(0.9, 1.1);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(d.count()) * spread(engine)));
}

}  // namespace coax::detail
