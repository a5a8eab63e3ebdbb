/// The time between attempts.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace coax::redis {

/// Decorrelated jitter: each wait is drawn from between the least one and three times the one before, so that clients
/// that lost their server together come back spread. The first wait is shorter than the least one.
class backoff {
 public:
  using duration = std::chrono::nanoseconds;

  backoff(duration least, duration most, std::uint32_t seed = std::random_device{}())
      : least_(std::max(least, duration(1))), most_(std::max(most, least_)), random_(seed) {}

  duration next() {
    const bool first = last_ == duration();
    const auto from = first ? duration() : least_;
    const auto to = first ? least_ : std::min(most_, std::max(least_, last_ > most_ / 3 ? most_ : last_ * 3));
    last_ = duration(std::uniform_int_distribution<duration::rep>(from.count(), to.count())(random_));
    last_ = std::max(last_, duration(1));
    return last_;
  }
  void reset() noexcept { last_ = duration(); }

 private:
  duration least_;
  duration most_;
  duration last_{};
  std::minstd_rand random_;
};

}  // namespace coax::redis
