#include "core/clock.hpp"
#include "io/lot_service.hpp"
#include <coax/testing.hpp>

#include <stdexcept>

namespace coax::testing {

struct virtual_clock::source final : detail::clock_source {
  detail::steady::time_point now() const noexcept override {
    return detail::steady::time_point(detail::steady::duration(ticks.load(std::memory_order_acquire)));
  }
  std::atomic<detail::steady::rep> ticks{detail::steady::now().time_since_epoch().count()};
};

virtual_clock::virtual_clock() : source_(std::make_unique<source>()) {
  const detail::clock_source* none = nullptr;
  if (!detail::current_clock.compare_exchange_strong(none, source_.get()))
    throw std::logic_error("virtual_clock: there is one already");
}

virtual_clock::~virtual_clock() { detail::current_clock.store(nullptr, std::memory_order_release); }

virtual_clock::time_point virtual_clock::now() const noexcept { return source_->now(); }

void virtual_clock::advance(std::chrono::nanoseconds d) {
  source_->ticks.fetch_add(std::chrono::duration_cast<detail::steady::duration>(d).count(), std::memory_order_acq_rel);
  detail::lot_service::fire_due_everywhere();
}

}  // namespace coax::testing
