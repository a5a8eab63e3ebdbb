#include "redis/cluster_core.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace coax::redis {

using namespace std::chrono_literals;
using coax::detail::now;

namespace {

constexpr std::chrono::nanoseconds longest_pause = 500ms;  // between looks at a Cluster in which something is amiss

}  // namespace

cluster_core::cluster_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> p,
                           std::weak_ptr<client_events> events)
    : client_core(std::move(ex), std::move(p), std::move(events)),
      slots_(slot_count),
      channel_slots_(slot_count),
      backoff_(plan()->options().backoff_least(), std::min(plan()->options().backoff_most(), longest_pause)) {}

void cluster_core::end() {
  stop_.request_stop();
  for (auto& c : std::exchange(unrouted_, {})) complete(c, error_code(errc::canceled));
}

// Nodes.

cluster_core::member& cluster_core::member_at(const endpoint& where) {
  auto& found = members_[where.name()];
  if (!found) {
    found = std::make_unique<member>();
    found->where = where;
    const auto open = [p = plan(), where](context ctx) { return connect_server(p, where, role::any, std::move(ctx)); };
    found->links = make_node(where.name(), open, open);
    found->links.start();
  }
  return *found;
}

cluster_core::member* cluster_core::member_of(const link& l) const noexcept {
  for (const auto& [name, m] : members_)
    if (m->links.commands.get() == &l || m->links.subscriptions.get() == &l) return m.get();
  return nullptr;
}

// Commands without a key go to a node that answers, if there is one.
cluster_core::member* cluster_core::member_for(std::optional<std::uint16_t> slot) const noexcept {
  if (slot) return slots_[*slot];
  const auto up = std::ranges::find_if(members_, [](const auto& m) { return m.second->links.commands->up(); });
  if (up != members_.end()) return up->second.get();
  return members_.empty() ? nullptr : members_.begin()->second.get();
}

cluster_core::member* cluster_core::home_of(const channel& c) const noexcept {
  return c.first == channel_kind::shard ? channel_slots_[slot_of(c.second)] : plain_home_;
}

std::vector<const cluster_core::node*> cluster_core::nodes() const {
  std::vector<const node*> all;
  all.reserve(members_.size());
  for (const auto& [name, m] : members_) all.push_back(&m->links);
  return all;
}

std::string cluster_core::name_of(const link& l) const {
  const auto* const m = member_of(l);
  return m ? m->links.name : std::string();
}

// Commands.

void cluster_core::route(pending_command c) {
  auto* const to = member_for(c.what.slot());
  if (to) {
    to->links.commands->push(std::move(c));
  } else {
    unrouted_.push_back(std::move(c));
    refresh_soon();
  }
}

cluster_core::time_point cluster_core::expire_unrouted(time_point time) {
  auto next = time_point::max();
  for (auto& c : unrouted_) {
    if (time >= c.expiry)
      complete(c, not_executed(c));
    else
      next = std::min(next, c.expiry);
  }
  std::erase_if(unrouted_, [](const pending_command& c) { return c.ended; });
  return next;
}

void cluster_core::slot_moved(command_link& l, std::uint16_t slot, std::string_view to) {
  auto* const from = member_of(l);
  if (!from) return;
  if (const auto where = parse_node(to, from->where)) from->moved[slot] = *where;
}

void cluster_core::slot_is_moving(command_link& l, pending_command c, std::string_view to) {
  const auto* const from = member_of(l);
  const auto where = from ? parse_node(to, from->where) : std::nullopt;
  if (!where) return route(std::move(c));
  c.asking = true;
  auto& target = *member_at(*where).links.commands;
  // If it has, it pumps by itself: not for each of many commands that come here, one by one.
  const bool had_commands = target.has_commands();
  target.push(std::move(c));
  if (!had_commands) target.pump();
}

void cluster_core::commands_refused(command_link& l, refusal gravest) {
  auto* const from = member_of(l);
  if (!from) return;
  const auto moved = std::exchange(from->moved, {});
  for (const auto& [slot, where] : moved) {
    auto& to = member_at(where);
    to.links.commands->doubt(slot);
    assign(slot, to);
  }
  if (gravest == refusal::again)
    l.go_on();
  else
    l.go_on_at(now() + command_link::while_unable);
  if (!moved.empty()) move_commands(*from, moved);
  if (!moved.empty() || gravest != refusal::again) refresh_soon();
}

// What waits goes where it belongs now, in its order. What was sent here by ASK stays, as those commands will that
// follow it on the same way, unless the node has just said that it is not to be asked any more.
void cluster_core::move_commands(member& from, const std::map<std::uint16_t, endpoint>& moved) {
  const bool alive = from.links.commands->up();
  for (auto& c : from.links.commands->take_waiting()) {
    c.asking = c.asking && alive && !(c.what.slot() && moved.contains(*c.what.slot()));
    if (c.asking)
      from.links.commands->push(std::move(c));
    else
      route(std::move(c));
  }
  for (const auto* n : nodes()) n->commands->pump();
}

// Channels.

void cluster_core::place(channel_kind kind, std::string_view name) {
  const auto [at, is_new] = channels_.try_emplace(channel(kind, name), nullptr);
  if (!is_new) return;
  at->second = home_of(at->first);
  if (at->second)
    at->second->links.subscriptions->want(kind, name);
  else
    refresh_soon();
}

void cluster_core::remove(channel_kind kind, std::string_view name) {
  const auto at = channels_.find(channel(kind, name));
  if (at == channels_.end()) return;
  if (at->second) at->second->links.subscriptions->unwant(kind, name);
  channels_.erase(at);
}

void cluster_core::channel_moved(subscription_link& l, std::string_view name) {
  const auto at = channels_.find(channel(channel_kind::shard, name));
  if (at == channels_.end() || !at->second || at->second->links.subscriptions.get() != &l) return;
  at->second = nullptr;
  l.take(channel_kind::shard, at->first.second);
  refresh_soon();
}

void cluster_core::move_channels() {
  for (auto& [c, at] : channels_) {
    auto* const home = home_of(c);
    if (home == at) continue;
    if (at) at->links.subscriptions->take(c.first, c.second);
    at = home;
    if (home) home->links.subscriptions->want(c.first, c.second);
  }
  for (const auto* n : nodes()) n->subscriptions->pump();
}

// The map.

void cluster_core::refresh_soon() {
  if (closing() || refreshing_ || next_refresh_ != time_point::max()) return;
  next_refresh_ = coax::detail::after(now(), backoff_.next());
  tick_at(next_refresh_);
}

void cluster_core::on_tick(time_point time) {
  if (refreshing_ || next_refresh_ == time_point::max()) return;
  if (time < next_refresh_) return tick_at(next_refresh_);
  refresh();
}

void cluster_core::refresh() {
  refreshing_ = true;
  next_refresh_ = time_point::max();
  // Those that are up know best; the seeds may be gone for long.
  std::vector<endpoint> ask;
  for (const auto& [name, m] : members_)
    if (m->links.commands->up()) ask.push_back(m->where);
  std::shuffle(ask.begin(), ask.end(), std::minstd_rand(std::random_device{}()));
  for (const auto& seed : plan()->url().seeds) ask.push_back(seed);
  auto fetch = [p = plan(), ask = std::move(ask), ctx = context(stop_.get_token())] {
    return fetch_slots(p, ask, ctx);
  };
  const auto self = std::static_pointer_cast<cluster_core>(shared_from_this());
  asio::co_spawn(executor(), std::move(fetch),
                 [weak = std::weak_ptr(self)](std::exception_ptr error, std::vector<slot_range> slots) {
                   if (const auto core = weak.lock()) core->refreshed(error, std::move(slots));
                 });
}

void cluster_core::refreshed(std::exception_ptr error, std::vector<slot_range> slots) {
  refreshing_ = false;
  if (closing()) return;
  if (!error) apply(slots);
  if (error || !settled())
    refresh_soon();
  else
    backoff_.reset();
}

void cluster_core::apply(const std::vector<slot_range>& slots) {
  for (const auto& range : slots) {
    auto& master = member_at(range.master);
    for (std::size_t slot = range.first; slot <= range.last; ++slot) {
      channel_slots_[slot] = &master;
      assign(static_cast<std::uint16_t>(slot), master);
    }
  }
  drop_strangers(slots);
  for (const auto& [name, m] : members_)
    if (!m->links.commands->busy()) move_commands(*m);
  for (auto& c : std::exchange(unrouted_, {})) route(std::move(c));
  move_channels();
  for (const auto* n : nodes()) n->pump();
}

// A node that has yet to answer commands tells itself by MOVED that it has lost the slot; before that, new commands
// could overtake those.
void cluster_core::assign(std::uint16_t slot, member& to) {
  auto& at = slots_[slot];
  if (at != &to && (!at || !at->links.commands->busy())) at = &to;
}

// Nodes that are no masters any more and have nothing left to do.
void cluster_core::drop_strangers(const std::vector<slot_range>& slots) {
  const auto known = [&](const member& m) {
    return std::ranges::any_of(slots, [&](const slot_range& r) { return r.master == m.where; }) ||
           std::ranges::find(slots_, &m) != slots_.end() ||
           std::ranges::find(channel_slots_, &m) != channel_slots_.end();
  };
  if (!plain_home_ || !known(*plain_home_)) plain_home_ = slots.empty() ? nullptr : &member_at(slots.front().master);
  move_channels();
  std::erase_if(members_, [&](const auto& entry) {
    auto& m = *entry.second;
    if (known(m) || m.links.commands->has_commands()) return false;
    retire(m.links);
    return true;
  });
}

// Whether there is nothing to find out.
bool cluster_core::settled() const noexcept {
  return unrouted_.empty() && std::ranges::none_of(channels_, [](const auto& c) { return !c.second; }) &&
         std::ranges::all_of(members_, [](const auto& entry) {
           const auto& links = entry.second->links;
           return links.commands->up() && links.subscriptions->up();
         });
}

}  // namespace coax::redis
