#include "io/parking_lot.hpp"

#include "io/lot_service.hpp"

#include <boost/asio/strand.hpp>

#include <stdexcept>
#include <stop_token>

namespace coax::detail {

void stop_link::attach(const std::stop_token& token, const std::shared_ptr<parking_lot>& lot) {
  if (token == token_) return;
  callback_.reset();
  token_ = token;
  if (token.stop_possible()) callback_.emplace(token, poke{lot});
}

// Runs on whatever thread stops the token, inside request_stop() or even inside attach(): it may only post.
void stop_link::poke::operator()() const noexcept {
  auto target = lot.lock();
  if (!target || target->shut_down()) return;
  auto& home = *target;
  home.post([target = std::move(target)] { target->parking_lot::poke(); });
}

parking_lot::parking_lot(asio::any_io_executor ex)
    : executor_(std::move(ex)),
      io_(executor_.target<asio::io_context::executor_type>()),
      service_(asio::use_service<lot_service>(asio::query(executor_, asio::execution::context))) {
  service_.add(*this);
}

parking_lot::~parking_lot() {
  if (!shut_down_) service_.remove(*this);
}

void parking_lot::check_home() const {
#ifndef NDEBUG
  using io_executor = asio::io_context::executor_type;
  bool home = true;
  if (const auto* io = executor_.target<io_executor>()) home = io->running_in_this_thread();
  if (const auto* strand = executor_.target<asio::strand<io_executor>>()) home = strand->running_in_this_thread();
  if (const auto* strand = executor_.target<asio::strand<asio::any_io_executor>>())
    home = strand->running_in_this_thread();
  if (!home) throw std::logic_error("coax: called from outside the executor that the object belongs to");
#endif
}

void parking_lot::begin_wait(waiter& w) {
  if (shut_down_) {
    w.result_ = errc::shut_down;
    return w.handler_.resume();
  }
  if (!w.lot_) w.lot_ = shared_from_this();
  if (w.ctx_.stop_token().stop_possible()) w.link_.attach(w.ctx_.stop_token(), w.lot_);
  if (w.ctx_.has_deadline()) wake_at(*w.ctx_.deadline());
  waiters_.push_back(w);
}

void parking_lot::wake(waiter& w, error_code result) {
  if (!w.parked()) return;
  w.unlink();
  w.result_ = result;
  w.handler_.post(executor_);
}

void parking_lot::wake_inline(waiter& w, error_code result) {
  if (!w.parked()) return;
  w.unlink();
  w.result_ = result;
  w.handler_.resume();
}

void parking_lot::wake_all(error_code result) {
  while (!waiters_.empty()) wake(waiters_.front(), result);
}

task<error_code> parking_lot::wait_until(const bool& done, const context& ctx) {
  const auto keep = shared_from_this();
  while (!done) {
    if (const auto ec = ctx.stopped()) co_return ec;
    plain_waiter w(ctx);
    co_await park(w);
    const error_code ec = w.result();
    if (ec) co_return ec;
  }
  co_return error_code();
}

void parking_lot::poke() {
  if (waiters_.empty()) return;
  std::optional<steady::time_point> time;
  for (auto i = waiters_.begin(); i != waiters_.end();) {
    waiter& w = *i++;
    error_code why;
    if (w.slot_fired_) {
      why = errc::canceled;
    } else {
      if (w.ctx_.has_deadline() && !time) time = now();
      why = w.ctx_.stopped(time.value_or(steady::time_point{}));
    }
    if (!why) continue;
    w.slot_fired_ = false;
    if (const auto result = w.leaving(why)) wake(w, result);
  }
}

void parking_lot::wake_at(steady::time_point at) {
  if (!shut_down_) service_.schedule(*this, at);
}

void parking_lot::wake_never() noexcept {
  if (!shut_down_) service_.unschedule(*this);
}

void parking_lot::time_is_up() {
  if (shut_down_) return;
  poke();
  for (auto& w : waiters_)
    if (w.ctx_.has_deadline()) wake_at(*w.ctx_.deadline());
  on_time(now());
}

void parking_lot::drop() noexcept {
  on_shutdown();
  while (!waiters_.empty()) {
    waiter& w = waiters_.front();
    w.unlink();
    w.link_.detach();
    // Destroying the coroutine may destroy the waiter itself: nothing of it is touched afterwards.
    w.handler_.reset();
  }
}

}  // namespace coax::detail
