#include "io/coarse_clock.hpp"
#include "websocket/connection.hpp"

#include <random>

namespace coax::detail {
namespace {

// Connections that opened together must not ping together for ever.
std::chrono::nanoseconds with_jitter(std::chrono::nanoseconds d) {
  static thread_local std::minstd_rand engine{std::random_device{}()};
  std::uniform_real_distribution<double> spread(0.9, 1.1);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(d.count()) * spread(engine)));
}

}  // namespace

void connection::start_keepalive() {
  last_heard_ = now();
  if (keepalive_idle_ <= keepalive_idle_.zero()) return;
  keepalive_idle_ = with_jitter(keepalive_idle_);
  keepalive_timeout_ = with_jitter(keepalive_timeout_);
  keep_due_ = last_heard_ + keepalive_idle_;
  wake_at(keep_due_);
}

// The one timer of the connection: everything that has a time looks whether it has come, and asks for the next one.
void connection::on_time(clock::time_point time) {
  if (finished_) return;
  if (time >= stall_due_) {
    if (!ended_)
      end({close_initiator::timeout, status::abnormal, {}, false, errc::write_stalled}, errc::write_stalled, {});
    return finish();
  }
  if (time >= close_due_) {
    if (!ended_) {
      const bool ours = info_.initiator == close_initiator::local;
      const error_code cause = ours ? make_error_code(errc::peer_timeout) : write_error_;
      end({ours ? close_initiator::timeout : close_initiator::transport, status::abnormal, {}, false, cause},
          errc::closed, {});
    }
    return finish();
  }
  if (time >= keep_due_) check_keepalive(time);
  for (const auto due : {stall_due_, close_due_, keep_due_})
    if (due != clock::time_point::max()) wake_at(due);
}

// Any byte of the peer is a sign of life. On the hot path the timer is left alone: it looks at `last_heard_` when it
// fires.
void connection::heard() {
  last_heard_ = coarse_now();
  if (!keep_probing_) return;
  keep_probing_ = false;
  keep_due_ = last_heard_ + keepalive_idle_;
  wake_at(keep_due_);
}

void connection::check_keepalive(clock::time_point time) {
  // Input that waits for the application is a sign of life, and keeps further ones from being seen.
  if (has_ready_) {
    last_heard_ = time;
    keep_probing_ = false;
  }
  if (keep_probing_) {
    end({close_initiator::timeout, status::abnormal, {}, false, errc::peer_timeout}, errc::peer_timeout, {});
    return finish();
  }
  keep_due_ = last_heard_ + keepalive_idle_;
  if (keep_due_ > time) return;
  keep_probing_ = true;
  keep_due_ = time + keepalive_timeout_;
  const std::uint64_t id = ++last_ping_;
  if (!outbox_.close_requested()) {
    outbox_.ping(std::as_bytes(std::span(&id, 1)));
    output_changed();
  }
  // Without a reader nothing is received: now it is.
  if (!read_waiting_) post_turn();
}

}  // namespace coax::detail
