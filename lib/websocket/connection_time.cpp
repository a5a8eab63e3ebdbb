#include "io/coarse_clock.hpp"
#include "io/jitter.hpp"
#include "websocket/connection.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace coax::detail {
namespace {

// After so long without a message a connection gives back what compression does not need in order to go on.
constexpr std::chrono::seconds rest_after(30);

}  // namespace

void connection::start_timers() {
  last_heard_ = used_at_ = now();
  if (keepalive_idle_ > keepalive_idle_.zero()) {
    keepalive_idle_ = with_jitter(keepalive_idle_);
    keepalive_timeout_ = with_jitter(keepalive_timeout_);
    keep_due_ = after(last_heard_, keepalive_idle_);
    wake_at(keep_due_);
  }
  if (idle_timeout_ > idle_timeout_.zero()) {
    use_due_ = after(used_at_, idle_timeout_ / 4);
    wake_at(use_due_);
  }
  if (outbox_.deflates()) {
    rest_due_ = used_at_ + rest_after;
    wake_at(rest_due_);
  }
  if (max_lifetime_ > max_lifetime_.zero()) {
    life_due_ = after(used_at_, with_jitter(max_lifetime_));
    wake_at(life_due_);
  }
}

// The one timer of the connection: everything that has a time looks whether it has come, and asks for the next one.
void connection::on_time(clock::time_point time) {
  if (finished_) return;
  if (time >= stall_due_) {
    if (!ended_) end({close_initiator::timeout, status::abnormal, {}, false, errc::write_stalled}, errc::write_stalled);
    return finish();
  }
  if (time >= close_due_) {
    if (!ended_) {
      const bool ours = info_.initiator == close_initiator::local;
      const error_code cause = ours ? make_error_code(errc::peer_timeout) : write_error_;
      end({ours ? close_initiator::timeout : close_initiator::transport, status::abnormal, {}, false, cause},
          errc::closed);
    }
    return finish();
  }
  if (time >= use_due_) check_use(time);
  if (time >= rest_due_) check_rest(time);
  if (time >= life_due_) {
    life_due_ = clock::time_point::max();
    begin_close(status::service_restart, "the connection has come of age");
  }
  if (time >= keep_due_) check_keepalive(time);
  if (finished_) return;
  for (const auto due : {stall_due_, close_due_, keep_due_, use_due_, life_due_, rest_due_})
    if (due != clock::time_point::max()) wake_at(due);
}

// Grows with each message, and each part of one, either way.
std::uint64_t connection::use() const noexcept {
  return messages_received_.get() + messages_sent_.get() + assembler_.stats().bytes + streamed_;
}

// The messages themselves note no time: whether there were any is looked at four times in the idle time.
void connection::check_use(clock::time_point time) {
  // What is on its way out is in use as well; how long it may stand still is write_stall_timeout's business.
  if (use() != used_ || !outbox_.empty() || outbox_.waiting() != 0) {
    used_ = use();
    used_at_ = time;
  }
  if (time - used_at_ >= idle_timeout_) {
    use_due_ = clock::time_point::max();
    return begin_close(status::going_away, "the connection was idle");
  }
  use_due_ = std::min(after(time, idle_timeout_ / 4), after(used_at_, idle_timeout_));
}

void connection::check_rest(clock::time_point time) {
  rest_due_ = time + rest_after;
  if (std::exchange(rested_, use()) != use()) return;
  outbox_.rest();
  assembler_.rest();
}

// Any byte of the peer is a sign of life. On the hot path the timer is left alone: it looks at `last_heard_` when it
// fires.
void connection::heard() {
  last_heard_ = coarse_now();
  if (!keep_probing_) return;
  keep_probing_ = false;
  keep_due_ = after(last_heard_, keepalive_idle_);
  wake_at(keep_due_);
}

void connection::check_keepalive(clock::time_point time) {
  // Input that waits for the application is a sign of life, and keeps further ones from being seen.
  if (has_ready_) {
    last_heard_ = time;
    keep_probing_ = false;
  }
  // While it closes no ping can be sent; the close has a time of its own.
  if (outbox_.close_requested() && !half_sent_) {
    keep_due_ = clock::time_point::max();
    return;
  }
  if (keep_probing_) {
    end({close_initiator::timeout, status::abnormal, {}, false, errc::peer_timeout}, errc::peer_timeout);
    return finish();
  }
  keep_due_ = after(last_heard_, keepalive_idle_);
  if (keep_due_ > time) return;
  keep_probing_ = true;
  keep_due_ = after(time, keepalive_timeout_);
  const std::uint64_t id = ++last_ping_;
  outbox_.ping(std::as_bytes(std::span(&id, 1)));
  control_changed();
  // Without a reader nothing is received: now it is.
  if (!read_waiting_) post_turn();
}

}  // namespace coax::detail
