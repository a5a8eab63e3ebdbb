#include "io/parking_lot.hpp"
#include <coax/context.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace coax {

// A lot without waiters: it only uses the timer.
struct stop_scope::state final : detail::parking_lot {
  struct forward {
    state* self;
    void operator()() const noexcept { self->source.request_stop(); }
  };

  state(asio::any_io_executor ex, const context& parent)
      : parking_lot(std::move(ex)), parent_deadline(parent.deadline()) {
    if (parent.stop_token().stop_possible()) link.emplace(parent.stop_token(), forward{this});
  }
  ~state() override { link.reset(); }

  void arm() {
    if (const auto at = due()) wake_at(*at);
  }

  std::optional<detail::steady::time_point> due() {
    const std::lock_guard lock(mutex);
    if (own_deadline && parent_deadline) return std::min(*own_deadline, *parent_deadline);
    return own_deadline ? own_deadline : parent_deadline;
  }

  void on_time(detail::steady::time_point time) override {
    if (abandoned.load(std::memory_order_relaxed)) return;
    const auto at = due();
    if (at && *at <= time)
      source.request_stop();
    else
      arm();
  }

  std::stop_source source;
  std::mutex mutex;
  std::optional<detail::steady::time_point> own_deadline;
  const std::optional<detail::steady::time_point> parent_deadline;
  std::atomic<bool> abandoned{false};
  std::optional<std::stop_callback<forward>> link;
};

stop_scope::stop_scope(asio::any_io_executor ex, context parent)
    : state_(std::make_shared<state>(std::move(ex), parent)) {
  state_->arm();
}

stop_scope::stop_scope(stop_scope&&) noexcept = default;

stop_scope& stop_scope::operator=(stop_scope&& other) noexcept {
  stop_scope(std::move(other)).state_.swap(state_);
  return *this;
}

stop_scope::~stop_scope() {
  if (!state_) return;
  // A timer just due may hold the state for a moment: it must not fire any more.
  state_->abandoned = true;
  state_->link.reset();
}

void stop_scope::expires_after(std::chrono::nanoseconds d) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->own_deadline = detail::after(detail::now(), d);
  }
  state_->arm();
}

void stop_scope::request_stop() { state_->source.request_stop(); }

std::stop_token stop_scope::get_token() const noexcept { return state_->source.get_token(); }

}  // namespace coax
