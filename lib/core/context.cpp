#include "core/clock.hpp"
#include <coax/context.hpp>

namespace coax {
namespace detail {

constinit std::atomic<const clock_source*> current_clock{nullptr};

}  // namespace detail

context context::with_timeout(std::chrono::nanoseconds d) const {
  return with_deadline(detail::after(detail::now(), d));
}

error_code context::why_stopped() const noexcept {
  return has_deadline() ? stopped(detail::now()) : stopped(time_point::min());
}

error_code context::stopped(time_point now) const noexcept {
  if (token_.stop_requested()) return errc::canceled;
  if (deadline_ <= now) return errc::deadline_exceeded;
  return {};
}

}  // namespace coax
