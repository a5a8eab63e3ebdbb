/// How much of something may come in a time. No clock.
#pragma once

#include "core/clock.hpp"

#include <algorithm>

namespace coax::detail {

/// Fills with `rate` tokens a second up to `burst`; 0 is no limit.
class token_bucket {
 public:
  token_bucket(double rate, double burst) noexcept : rate_(rate), burst_(burst), level_(burst) {}

  /// Takes `n` tokens; false, and takes none, if there are not enough.
  bool take(double n, steady::time_point now) noexcept {
    if (rate_ <= 0) return true;
    if (now > last_) level_ = std::min(burst_, level_ + rate_ * std::chrono::duration<double>(now - last_).count());
    last_ = std::max(last_, now);
    if (level_ < n) return false;
    level_ -= n;
    return true;
  }

 private:
  double rate_, burst_, level_;
  steady::time_point last_{};
};

}  // namespace coax::detail
