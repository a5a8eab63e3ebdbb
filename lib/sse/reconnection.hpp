/// When an event source comes back.
#pragma once

#include "core/clock.hpp"
#include <coax/event_source_options.hpp>
#include <coax/headers.hpp>

#include <cstdint>
#include <ctime>
#include <optional>
#include <random>

namespace coax::sse {

/// The row of failures and the waits between them. No clock, no I/O.
class reconnection {
 public:
  reconnection(const event_source_options& options, std::uint32_t seed);

  /// What the stream has said of the time to wait (WHATWG HTML: the reconnection time).
  void retry(std::chrono::milliseconds d) noexcept;
  void opened(coax::detail::steady::time_point now) noexcept { opened_ = now; }
  /// An event has come: what was before does not count any more.
  void event() noexcept { failures_ = 0; }

  /// An attempt has failed or a stream has ended: how long to wait. `retry_after`: what the answer has asked for.
  std::chrono::nanoseconds failed(coax::detail::steady::time_point now,
                                  std::optional<std::chrono::seconds> retry_after = std::nullopt);
  /// In a row.
  unsigned failures() const noexcept { return failures_; }

 private:
  std::chrono::nanoseconds retry_;
  double growth_;
  std::chrono::nanoseconds cap_;
  std::chrono::nanoseconds stable_after_;
  std::chrono::nanoseconds max_retry_;
  std::optional<coax::detail::steady::time_point> opened_;
  unsigned failures_ = 0;
  std::minstd_rand random_;
};

/// What the field Retry-After asks for: seconds, or a date, which is taken against the field Date or else `now` (RFC
/// 9110 section 10.2.3); nothing if there is none or it is neither.
std::optional<std::chrono::seconds> retry_after(const headers& answer, std::time_t now);

}  // namespace coax::sse
