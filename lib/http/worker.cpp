#include "http/worker.hpp"

#include "core/exception_text.hpp"
#include "http/listener.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

#include <algorithm>
#include <utility>

namespace coax::http {

namespace {

constexpr std::chrono::milliseconds first_pause{50};
constexpr std::chrono::milliseconds longest_pause{1000};

}  // namespace

worker::worker(asio::any_io_executor ex, std::shared_ptr<site> s) : parking_lot(std::move(ex)), site_(std::move(s)) {}

worker::~worker() = default;

void worker::listen(std::shared_ptr<listener> l) {
  listeners_.push_back(l);
  ++alive_;
  asio::co_spawn(
      executor(), [w = self(), l] { return w->accept_loop(l); },
      [w = self()](std::exception_ptr error) {
        if (error) w->site_->log(log_level::error, "accepting has ended: " + detail::text_of(error));
        w->leave();
      });
}

task<> worker::accept_loop(std::shared_ptr<listener> l) {
  const auto keep = self();
  auto wait = first_pause;
  std::size_t turn = 0;
  while (!draining_) {
    co_await wait_for_slot();
    if (draining_) break;
    const auto& target = l->targets[turn++ % l->targets.size()];
    auto accepted = co_await l->accept(target->executor());
    if (accepted) {
      if (std::exchange(wait, first_pause) != first_pause) site_->log(log_level::info, "accepting connections again");
      site_->opened();
      asio::dispatch(target->executor(), [target, t = *std::move(accepted)]() mutable { target->serve(std::move(t)); });
      continue;
    }
    const auto trouble = classify(accepted.error());
    if (trouble == accept_trouble::closed) break;
    if (trouble == accept_trouble::transient) continue;
    if (wait == first_pause)
      site_->log(log_level::error, "cannot accept a connection: " + accepted.error().message() + "; trying again");
    co_await pause(wait);
    wait = std::min(wait * 2, longest_pause);
  }
}

task<> worker::pause(std::chrono::nanoseconds d) {
  const auto until = context(stop_.get_token()).with_timeout(d);
  if (until.stopped()) co_return;
  detail::plain_waiter w(until);
  co_await park(w);
}

// At the limit of connections, the system's queue holds those that come.
task<> worker::wait_for_slot() {
  const context stopping(stop_.get_token());
  if (site_->open.load() < site_->options.max_connections() / 8 * 7) told_full_ = false;
  if (full() && !std::exchange(told_full_, true)) site_->log(log_level::warning, "the limit of connections is reached");
  for (;;) {
    wants_slot_ = true;
    // Looked at again after the flag was set: who frees a slot either sees the flag or has freed it before.
    if (!full() || stopping.stopped()) break;
    detail::plain_waiter w(stopping);
    slot_waiter_ = &w;
    co_await park(w);
    slot_waiter_ = nullptr;
  }
  wants_slot_ = false;
}

void worker::slot_freed() {
  if (!wants_slot_.load()) return;
  asio::post(executor(), [w = self()] {
    if (w->slot_waiter_) w->wake(*w->slot_waiter_);
  });
}

void worker::serve(std::shared_ptr<transport> t) {
  if (draining_) {
    // The listener of another thread was quicker than the order to drain.
    t->close();
    --site_->open;
    return;
  }
  auto s = std::make_shared<session>(site_, std::move(t));
  sessions_.push_back(*s);
  ++alive_;
  asio::co_spawn(
      executor(), [s] { return s->run(); },
      asio::bind_cancellation_slot(s->slot(),
                                   [w = self(), s](std::exception_ptr error) { w->session_ended(*s, error); }));
}

void worker::session_ended(session& s, std::exception_ptr error) {
  if (error && !s.aborted()) site_->log(log_level::error, "a connection has failed: " + detail::text_of(error));
  s.unlink();
  --site_->open;
  for (const auto& other : site_->workers)
    if (const auto w = other.lock()) w->slot_freed();
  leave();
}

void worker::leave() {
  if (--alive_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

// Stopping a session runs callbacks of users, which may end others.
std::vector<std::shared_ptr<session>> worker::sessions() {
  std::vector<std::shared_ptr<session>> all;
  for (auto& s : sessions_) all.push_back(s.shared_from_this());
  return all;
}

void worker::close_listeners() {
  for (const auto& weak : listeners_)
    if (const auto l = weak.lock()) l->close();
}

void worker::drain(std::function<void()> drained) {
  draining_ = true;
  close_listeners();
  stop_.request_stop();
  for (const auto& s : sessions()) s->drain();
  if (alive_ == 0) return drained();
  drained_ = std::move(drained);
}

void worker::abort() {
  draining_ = true;
  close_listeners();
  stop_.request_stop();
  for (const auto& s : sessions()) s->abort();
}

}  // namespace coax::http
