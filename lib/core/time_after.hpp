/// Times that may be beyond the end of the clock.
#pragma once

#include "core/clock.hpp"

namespace coax::detail {

/// `d` after `t`; the end of the clock if that is sooner, so that a duration may be "for ever".
inline steady::time_point time_after(steady::time_point t, std::chrono::nanoseconds d) noexcept {
  return d < steady::time_point::max() - t ? t + d : steady::time_point::max();
}

}  // namespace coax::detail
