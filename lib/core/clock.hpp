/// The one clock of the library: `steady_clock`, unless a test has put a virtual one in its place.
#pragma once

#include <coax/detail/export.hpp>

#include <atomic>
#include <chrono>

namespace coax::detail {

using steady = std::chrono::steady_clock;

/// A replacement for the clock; process-wide, because contexts carry no pointer to one.
class clock_source {
 public:
  virtual steady::time_point now() const noexcept = 0;

 protected:
  ~clock_source() = default;
};

extern COAX_EXPORT std::atomic<const clock_source*> current_clock;

inline steady::time_point now() noexcept {
  const auto* source = current_clock.load(std::memory_order_acquire);
  return source ? source->now() : steady::now();
}

/// `d` after `t`; a time beyond the end of the clock never comes.
inline steady::time_point after(steady::time_point t, std::chrono::nanoseconds d) noexcept {
  return d >= steady::time_point::max() - t ? steady::time_point::max() : t + d;
}

}  // namespace coax::detail
