#include "hub/registry.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>

namespace coax::detail {

std::shared_ptr<peer_core> registry::attach(conn c, const queue_limits& limits) {
  peer_core::check(c);
  std::shared_ptr<peer_core> p;
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    const auto s = shard_for(c.get_executor());
    p = std::make_shared<peer_core>(++last_id_, std::move(c), limits, shared_from_this(), s);
    ++s->peers_attached;
    ++peers_;
    asleep = s->push(commands::attach{p}) == shard::pushed::asleep;
    if (closed_with_) s->push(commands::close{p, closed_with_});
  }
  if (asleep) p->home->wake();
  return p;
}

void registry::detach(const std::shared_ptr<peer_core>& p) {
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    asleep = take_out_all(*p);
    if (p->home->push(commands::detach{p}) == shard::pushed::asleep) asleep = true;
    --peers_;
    if (--p->home->peers_attached == 0) std::erase(shards_, p->home);
  }
  if (asleep) p->home->wake();
}

std::shared_ptr<subscription> registry::join(const std::shared_ptr<peer_core>& p, std::string_view name,
                                             const join_options& options) {
  const overflow policy = options.on_full().value_or(p->default_policy());
  std::shared_ptr<subscription> joined;
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    if (p->has_left) return nullptr;
    for (const auto& s : p->subscriptions) {
      if (s->topic->name != name) continue;
      ++s->handles;
      s->policy.store(policy, std::memory_order_relaxed);
      return s;
    }
    auto found = topics_.find(name);
    if (found == topics_.end()) found = topics_.emplace(name, std::make_shared<topic>(name)).first;
    const auto& t = found->second;
    const auto part = part_for(*t, p->home);
    joined = std::make_shared<subscription>(p, t, part);
    joined->policy.store(policy, std::memory_order_relaxed);
    p->subscriptions.push_back(joined);
    ++part->count;
    ++t->members;
    asleep = p->home->push(commands::join{joined}) == shard::pushed::asleep;
  }
  if (asleep) p->home->wake();
  return joined;
}

void registry::leave(const std::shared_ptr<subscription>& s) {
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    if (--s->handles != 0 || s->left) return;
    std::erase(s->peer->subscriptions, s);
    asleep = take_out(s);
  }
  if (asleep) s->peer->home->wake();
}

void registry::leave_all(peer_core& p) {
  bool asleep = false;
  {
    const std::lock_guard lock(mutex_);
    asleep = take_out_all(p);
  }
  if (asleep) p.home->wake();
}

// The message is framed before the lock is taken, but only if there is somebody to get it.
std::size_t registry::publish(std::string_view name, message_kind kind, asio::const_buffer bytes,
                              const std::shared_ptr<peer_core>& except) {
  counts_->published.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (!topics_.contains(name)) return 0;
  }
  const auto frame = encode(kind, bytes);
  boost::container::small_vector<std::shared_ptr<shard>, 16> asleep;
  std::size_t members = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    if (found == topics_.end()) return 0;
    bool to_excepted = false;
    if (except)
      for (const auto& s : except->subscriptions) to_excepted |= s->topic == found->second;
    for (const auto& part : found->second->parts) {
      const auto pushed = part->home->push(commands::publish{part, frame, except});
      if (pushed == shard::pushed::dead) continue;
      members += part->count - (to_excepted && part->home == except->home ? 1 : 0);
      if (pushed == shard::pushed::asleep) asleep.push_back(part->home);
    }
    counts_->handed_out.fetch_add(members, std::memory_order_relaxed);
  }
  for (const auto& s : asleep) s->wake();
  return members;
}

void registry::send(const std::shared_ptr<peer_core>& p, message_kind kind, asio::const_buffer bytes) {
  counts_->handed_out.fetch_add(1, std::memory_order_relaxed);
  p->home->submit(commands::send{p, encode(kind, bytes)});
}

void registry::close(status code, std::string_view reason) {
  const auto with = std::make_shared<const close_request>(close_request{code, std::string(reason)});
  std::vector<std::shared_ptr<shard>> all;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_with_) closed_with_ = with;
    all = shards_;
  }
  for (const auto& s : all) s->submit(commands::close{nullptr, with});
}

std::vector<topic_count> registry::topics() const {
  std::vector<topic_count> list;
  const std::lock_guard lock(mutex_);
  list.reserve(topics_.size());
  for (const auto& [name, t] : topics_) list.push_back({name, t->members});
  return list;
}

// What was handed out is read last, so that nothing is counted as delivered before.
hub_stats registry::stats() const {
  hub_stats s;
  s.published = counts_->published.load(std::memory_order_relaxed);
  s.delivered = counts_->delivered.load(std::memory_order_relaxed);
  s.dropped = counts_->dropped.load(std::memory_order_relaxed);
  s.disconnected = counts_->disconnected.load(std::memory_order_relaxed);
  const auto settled = s.delivered + s.dropped;
  s.queued = std::max(counts_->handed_out.load(std::memory_order_acquire), settled) - settled;
  const std::lock_guard lock(mutex_);
  s.topics = topics_.size();
  s.peers = peers_;
  return s;
}

void registry::forget(const shard& s) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(shards_, [&](const auto& mine) { return mine.get() == &s; });
}

std::shared_ptr<shard> registry::shard_for(const asio::any_io_executor& ex) {
  for (const auto& s : shards_)
    if (s->executor() == ex) return s;
  return shards_.emplace_back(std::make_shared<shard>(ex, weak_from_this(), counts_));
}

std::shared_ptr<topic_part> registry::part_for(topic& t, const std::shared_ptr<shard>& s) {
  for (const auto& part : t.parts)
    if (part->home == s) return part;
  return t.parts.emplace_back(std::make_shared<topic_part>(s));
}

bool registry::take_out(const std::shared_ptr<subscription>& s) {
  s->left = true;
  auto& t = *s->topic;
  if (--s->part->count == 0) std::erase(t.parts, s->part);
  if (--t.members == 0) topics_.erase(topics_.find(t.name));
  const auto pushed = s->part->home->push(commands::leave{s});
  if (pushed == shard::pushed::dead) s->part->members.clear();
  return pushed == shard::pushed::asleep;
}

bool registry::take_out_all(peer_core& p) {
  p.has_left = true;
  bool asleep = false;
  for (const auto& s : std::exchange(p.subscriptions, {})) asleep |= take_out(s);
  return asleep;
}

}  // namespace coax::detail
