// Who has to go: kick, shed, drain.
#include "core/clock.hpp"
#include "hub/kick_order.hpp"
#include "hub/registry.hpp"
#include "io/jitter.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <mutex>
#include <vector>

namespace coax::detail {
namespace {

bool is_meant(const selector& who, const peer_core& p) {
  const auto& labels = p.options.labels();
  switch (who.by()) {
    case selector::kind::id: return p.id == who.number();
    case selector::kind::user: return p.options.user() == who.name();
    case selector::kind::label: return std::find(labels.begin(), labels.end(), who.name()) != labels.end();
    case selector::kind::all: break;
  }
  return true;
}

// When to come back, within so long; nothing for no word of it.
std::optional<std::chrono::milliseconds> hint(std::chrono::milliseconds within) {
  if (within.count() == 0) return std::nullopt;
  return random_up_to(within);
}

}  // namespace

// A peer's number is of use in its own process alone.
std::size_t registry::kick(const selector& who, status code, std::string_view reason) {
  const auto n = kick_here(who, code, reason);
  if (who.by() != selector::kind::id) session_->broadcast(to_text(kick_order{node_, who, code, std::string(reason)}));
  return n;
}

void registry::on_control(std::string_view message) {
  const auto order = parse_kick_order(message);
  if (order && order->node != node_) kick_here(order->who, order->code, order->reason);
}

std::size_t registry::kick_here(const selector& who, status code, std::string_view reason) {
  const auto with =
      std::make_shared<const close_request>(close_request{code, std::string(reason), close_request::when::at_once});
  std::size_t n = 0;
  outcome out;
  {
    const std::lock_guard lock(mutex_);
    for (auto* p : peers_) {
      if (!is_meant(who, *p)) continue;
      push(out, p->home, commands::close{p->shared_from_this(), with});
      ++n;
    }
  }
  out.wake();
  return n;
}

std::size_t registry::shed(double fraction, std::chrono::nanoseconds over, const drain_options& how) {
  outcome out;
  std::vector<peer_core*> chosen;
  {
    const std::lock_guard lock(mutex_);
    const auto share = static_cast<double>(peers_.size()) * std::clamp(fraction, 0.0, 1.0);
    const auto n = static_cast<std::size_t>(std::lround(share));
    std::sample(peers_.begin(), peers_.end(), std::back_inserter(chosen), n, random_engine());
    const auto start = now();
    for (auto* p : chosen) schedule(*p, after(start, random_up_to(over)), steady::time_point::max(), how, out);
  }
  out.wake();
  return chosen.size();
}

// A second one can only hasten the first.
void registry::drain(const drain_options& how) {
  outcome out;
  {
    const std::lock_guard lock(mutex_);
    leave_taking t{how, after(now(), how.lead()), {}};
    t.end = after(t.start, how.limit());
    if (drain_) t.start = std::min(t.start, drain_->start);
    drain_ = t;
    for (auto* p : peers_) schedule(*p, random_time_to_go(), t.end, how, out);
  }
  out.wake();
}

steady::time_point registry::random_time_to_go() const {
  return std::min(after(std::max(drain_->start, now()), random_up_to(drain_->how.over())), drain_->end);
}

void registry::when_empty(broker_session::reply<std::size_t> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!peers_.empty()) return when_empty_.push_back(std::move(done));
  }
  done(std::size_t{0});
}

void registry::schedule(peer_core& p, steady::time_point at, steady::time_point by, const drain_options& how,
                        outcome& to) {
  push(to, p.home, farewell_to(p.shared_from_this(), at, by, how));
}

commands::farewell registry::farewell_to(std::shared_ptr<peer_core> p, steady::time_point at, steady::time_point by,
                                         const drain_options& how) {
  const auto retry = hint(how.retry());
  auto reason = retry ? "retry in " + std::to_string(retry->count()) + " ms" : std::string();
  const auto with = std::make_shared<const close_request>(
      close_request{how.close_status(), std::move(reason), close_request::when::read, retry});
  return {std::move(p), with, at, by};
}

hub_state registry::state() const {
  {
    const std::lock_guard lock(mutex_);
    if (closed_with_) return hub_state::closed;
    if (drain_) return hub_state::draining;
  }
  return session_->link() == link_state::ready ? hub_state::ready : hub_state::degraded;
}

}  // namespace coax::detail
