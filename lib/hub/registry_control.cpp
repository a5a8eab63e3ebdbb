// Who has to go: kick, shed, drain.
#include "core/clock.hpp"
#include "hub/kick_order.hpp"
#include "hub/registry.hpp"

#include <algorithm>
#include <random>

namespace coax::detail {
namespace {

std::mt19937_64& generator() {
  static thread_local std::mt19937_64 g{std::random_device{}()};
  return g;
}

// Uniform in [0, most].
template <class Rep, class Period>
std::chrono::duration<Rep, Period> random_up_to(std::chrono::duration<Rep, Period> most) {
  if (most.count() <= 0) return {};
  return std::chrono::duration<Rep, Period>(std::uniform_int_distribution<Rep>(0, most.count())(generator()));
}

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
  const auto with = std::make_shared<const close_request>(close_request{code, std::string(reason), true});
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
    const auto n = static_cast<std::size_t>(static_cast<double>(peers_.size()) * std::clamp(fraction, 0.0, 1.0) + 0.5);
    std::sample(peers_.begin(), peers_.end(), std::back_inserter(chosen), n, generator());
    const auto start = now();
    for (auto* p : chosen) schedule(*p, after(start, random_up_to(over)), steady::time_point::max(), how, out);
  }
  out.wake();
  return chosen.size();
}

void registry::drain(const drain_options& how, broker_session::reply<std::size_t> done) {
  outcome out;
  std::size_t n = 0;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    n = peers_.size();
    const auto start = now();
    const auto end = after(start, how.limit());
    for (auto* p : peers_) schedule(*p, std::min(after(start, random_up_to(how.over())), end), end, how, out);
    if (n != 0) when_empty_.push_back(std::move(done));
  }
  out.wake();
  if (n == 0) done(std::size_t{0});
}

void registry::schedule(peer_core& p, steady::time_point at, steady::time_point by, const drain_options& how,
                        outcome& to) {
  const auto retry = hint(how.retry());
  auto reason = retry ? "retry in " + std::to_string(retry->count()) + " ms" : std::string();
  const auto with =
      std::make_shared<const close_request>(close_request{how.close_status(), std::move(reason), false, retry});
  push(to, p.home, commands::farewell{p.shared_from_this(), with, at, by});
}

hub_state registry::state() const {
  {
    const std::lock_guard lock(mutex_);
    if (closed_with_) return hub_state::closed;
    if (draining_) return hub_state::draining;
  }
  return session_->link() == link_state::ready ? hub_state::ready : hub_state::degraded;
}

}  // namespace coax::detail
