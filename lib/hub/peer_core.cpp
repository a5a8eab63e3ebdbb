#include "hub/peer_core.hpp"

#include "hub/registry.hpp"
#include "hub/shard.hpp"

#include <stdexcept>

namespace coax::detail {

peer_core::peer_core(std::uint64_t number, conn c, const queue_limits& limits, std::shared_ptr<registry> r,
                     std::shared_ptr<shard> s)
    : id(number),
      hub(std::move(r)),
      home(std::move(s)),
      socket(std::move(c)),
      connection_(socket.connection_),
      queue_(limits) {}

void peer_core::check(const conn& c) {
  if (!c) throw std::invalid_argument("coax: hub::attach: a handle without a connection");
  if (c.connection_->role() != protocol::role::server)
    throw std::invalid_argument("coax: hub::attach: only connections that a server has accepted");
}

void peer_core::attached() {
  connection_->observe_drain(weak_from_this());
  // One that had ended before is not told of any more.
  if (connection_->closed()) on_ended();
}

// The queue is for what the connection has no room for: it is empty whenever the connection has.
void peer_core::offer(const shared_message& frame, overflow policy) {
  if (state_ == state::open && queue_.empty() && hand_over(frame)) return home->mark_offered(*this);
  if (state_ != state::open) {
    ++home->counts.dropped;
    return;
  }
  std::size_t dropped = 0;
  const auto verdict = queue_.push(frame, policy, home->time(), dropped);
  home->counts.dropped += dropped;
  if (verdict == send_queue::verdict::overflows) {
    ++home->counts.dropped;
    return evict();
  }
  if (!queue_.empty()) home->watch_age(*this);
}

// True if the connection has taken it. When the connection has closed, nothing more is for it.
bool peer_core::hand_over(const shared_message& frame) {
  error_code ec;
  if (connection_->append_encoded(frame, ec)) {
    ++home->counts.delivered;
    return true;
  }
  if (ec) {
    state_ = state::over;
    lose_queue();
  }
  return false;
}

void peer_core::send_offered() {
  offered_to = false;
  connection_->send_appended();
}

// The connection has room again.
void peer_core::pass_on() {
  if (queue_.empty()) return;
  while (!queue_.empty() && hand_over(queue_.front())) queue_.pop();
  connection_->send_appended();
}

void peer_core::on_drained() {
  pass_on();
  settle_close();
  home->settle();
}

void peer_core::on_ended() {
  state_ = state::over;
  lose_queue();
  hub->leave_all(*this);
  if (detached_) home->remove(*this);
  home->settle();
}

void peer_core::close(const close_request& request) {
  if (state_ != state::open) return;
  state_ = state::closing;
  close_with_ = request;
  settle_close();
}

void peer_core::settle_close() {
  if (state_ != state::closing || !queue_.empty()) return;
  state_ = state::over;
  connection_->begin_close(close_with_.code, close_with_.reason);
  if (detached_) home->remove(*this);
}

// A close under way goes on, with the queue before it; the shard keeps the peer until then.
void peer_core::detached() {
  detached_ = true;
  if (state_ == state::closing) return;
  if (state_ == state::open) lose_queue();
  state_ = state::over;
  connection_->abandon();
  home->remove(*this);
}

void peer_core::check_age(steady::time_point time) {
  std::size_t dropped = 0;
  const auto verdict = queue_.expire(time, dropped);
  home->counts.dropped += dropped;
  if (verdict == send_queue::verdict::overflows) {
    if (state_ == state::open) return evict();
    lose_queue();
  }
  settle_close();
}

void peer_core::evict() {
  state_ = state::over;
  evicted_.store(true, std::memory_order_release);
  lose_queue();
  ++home->counts.disconnected;
  connection_->begin_close(queue_.limits().close_status(), "slow consumer");
  hub->leave_all(*this);
}

void peer_core::lose_queue() { home->counts.dropped += queue_.clear(); }

}  // namespace coax::detail
