/// Judges whether a Redis broker hears what is published.
#pragma once

#include "core/clock.hpp"
#include <coax/broker.hpp>

#include <cstdint>
#include <optional>

namespace coax::detail {

/// A state machine without I/O. The only proof that entries come is one that has come: every interval a publication of
/// the node's own goes the way of all publications and has to come back. Whatever may have cost messages - a connection
/// that is gone, a subscription that has ended, a probe that is late - is a trouble: the link is degraded from that
/// moment, until a probe that was sent when all was well again has come back.
class redis_link {
 public:
  /// @param interval  between probes, and how long one may take.
  /// @param routes    how many ways each probe goes: it is back when it has come by all of them.
  redis_link(std::chrono::nanoseconds interval, unsigned routes) : interval_(interval), routes_(routes) {}

  link_state state() const noexcept { return state_; }
  /// The number of the last probe; 0 before the first.
  std::uint64_t last() const noexcept { return last_; }

  /// Something may have been missed. What is under way of a probe does not count any more.
  void trouble() noexcept {
    state_ = link_state::degraded;
    waiting_ = 0;
    next_ = steady::time_point::min();
  }

  /// What has to be done now.
  struct action {
    /// A probe of this number is to be sent, by all routes; 0 for none.
    std::uint64_t probe = 0;
    /// The last one is late: whoever should have heard it may be deaf.
    bool late = false;
  };
  /// @param calm  all subscriptions stand.
  action poll(steady::time_point now, bool calm) {
    action what;
    if (waiting_ != 0 && now >= deadline_) {
      trouble();
      what.late = true;
      next_ = after(now, pause);  // what is done about it takes a moment
      return what;
    }
    if (waiting_ != 0 || !calm || now < next_) return what;
    waiting_ = (std::uint64_t{1} << routes_) - 1;
    deadline_ = after(now, interval_);
    what.probe = ++last_;
    return what;
  }

  /// A probe has come back by a route.
  void back(std::uint64_t probe, unsigned route, steady::time_point now) noexcept {
    if (probe != last_ || waiting_ == 0 || route >= routes_) return;
    waiting_ &= ~(std::uint64_t{1} << route);
    if (waiting_ != 0) return;
    state_ = link_state::ready;
    next_ = after(now, interval_);
  }

  /// When `poll` has something to do though nothing has happened.
  std::optional<steady::time_point> due(bool calm) const noexcept {
    if (waiting_ != 0) return deadline_;
    if (calm) return next_;
    return std::nullopt;
  }

 private:
  static constexpr std::chrono::milliseconds pause{100};

  const std::chrono::nanoseconds interval_;
  const unsigned routes_;
  link_state state_ = link_state::degraded;
  std::uint64_t last_ = 0;     // probe
  std::uint64_t waiting_ = 0;  // routes by which it has not come back, a bit each
  steady::time_point deadline_;
  steady::time_point next_ = steady::time_point::min();
};

}  // namespace coax::detail
