/// Spreads what would happen to many connections at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace coax::detail {

/// Of this thread.
inline std::minstd_rand& random_engine() {
  static thread_local std::minstd_rand engine{std::random_device{}()};
  return engine;
}

/// A time between both, each as likely.
template <class Rep, class Period>
std::chrono::duration<Rep, Period> between(std::chrono::duration<Rep, Period> least,
                                           std::chrono::duration<Rep, Period> most) {
  if (most <= least) return least;
  std::uniform_int_distribution<Rep> any(least.count(), most.count());
  return std::chrono::duration<Rep, Period>(any(random_engine()));
}

/// Between nothing and `most`.
template <class Rep, class Period>
std::chrono::duration<Rep, Period> random_up_to(std::chrono::duration<Rep, Period> most) {
  return between(std::chrono::duration<Rep, Period>::zero(), most);
}

/// `d` with a jitter of 10 %: connections that opened together must not ping together for ever.
inline std::chrono::nanoseconds with_jitter(std::chrono::nanoseconds d) {
  if (d > std::chrono::hours(24 * 365 * 200)) return d;  // never: the figure is not to overflow
  std::uniform_real_distribution<double> spread(0.9, 1.1);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(d.count()) * spread(random_engine())));
}

}  // namespace coax::detail
