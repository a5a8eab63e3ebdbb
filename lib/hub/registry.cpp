#include "hub/registry.hpp"

#include "broker/topic_filter.hpp"
#include "hub/topic_name.hpp"
#include <coax/local_broker.hpp>

#include <algorithm>
#include <random>

namespace coax::detail {
namespace {

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device() | 1;  // 0 is nobody
}

}  // namespace

std::shared_ptr<registry> registry::create(const hub_options& options) {
  auto r = std::make_shared<registry>(options);
  r->session_ = r->broker_->open(r);
  return r;
}

registry::registry(const hub_options& options)
    : options_(options),
      node_(random_number()),
      counts_(std::make_shared<hub_counts>()),
      broker_(options.broker() ? options.broker() : local_broker()) {}

void registry::outcome::wake() noexcept {
  for (const auto& s : asleep) s->wake();
  asleep.clear();
}

// False if nothing more happens there.
bool registry::push(outcome& to, const std::shared_ptr<shard>& s, command c) {
  const auto pushed = s->push(std::move(c));
  if (pushed == shard::pushed::asleep) to.asleep.push_back(s);
  return pushed != shard::pushed::dead;
}

std::shared_ptr<peer_core> registry::attach(peer_socket socket, const peer_options& o) {
  std::shared_ptr<peer_core> p;
  outcome out;
  {
    std::unique_lock lock(mutex_);
    if (draining_) {
      lock.unlock();  // it may send at once
      // The handle goes with the call, a close that has begun goes on.
      socket.link->start_close(close_request{status::service_restart, "draining"});
      throw system_error(errc::draining, "attach");
    }
    if (peers_.size() >= options_.max_peers()) throw system_error(errc::hub_full, "attach");
    const auto s = shard_for(socket.link->executor());
    // What can fail comes first: a list must not keep a peer that nobody has.
    if (peers_.size() == peers_.capacity()) peers_.reserve(std::max<std::size_t>(16, 2 * peers_.size()));
    p = std::make_shared<peer_core>(++last_id_, std::move(socket), o, shared_from_this(), s);
    push(out, s, commands::attach{p});
    ++s->peers_attached;
    p->place = peers_.size();
    peers_.push_back(p.get());
    if (closed_with_) push(out, s, commands::close{p, closed_with_});
  }
  out.wake();
  return p;
}

void registry::detach(const std::shared_ptr<peer_core>& p) {
  outcome out;
  std::vector<broker_session::reply<std::size_t>> empty;
  std::unique_lock joining(joining_);
  {
    const std::lock_guard lock(mutex_);
    take_out_all(*p, out);
    push(out, p->home, commands::detach{p});
    peers_.back()->place = p->place;
    peers_[p->place] = peers_.back();
    peers_.pop_back();
    if (peers_.empty()) empty = std::exchange(when_empty_, {});
    if (--p->home->peers_attached == 0) {
      std::erase(shards_, p->home);
      wake_at(now(), out);  // another has to know what it was to be woken for
    }
  }
  give_up(out);
  joining.unlock();
  out.wake();
  for (const auto& done : empty) done(std::size_t{0});
}

std::shared_ptr<subscription> registry::join(const std::shared_ptr<peer_core>& p, std::string_view name,
                                             const join_options& o) {
  const bool filter = check_name(name, "join");
  const bool reads_log = o.since() || o.recent() != 0 || o.on_full() == overflow::rewind;
  if (filter && reads_log) throw std::invalid_argument("coax: join: a filter has no history");
  if (o.presence() && (filter || p->options.user().empty()))
    throw std::invalid_argument("coax: join: presence is for a user, in a topic");
  bool enters = false;
  std::shared_ptr<subscription> joined;
  outcome out;
  const std::lock_guard joining(joining_);
  {
    const std::lock_guard lock(mutex_);
    if (p->has_left) return nullptr;
    if (draining_) throw system_error(errc::draining, "join");
    for (const auto& s : p->subscriptions) {
      if (s->topic->name != name) continue;
      ++s->handles;
      joined = s;
    }
    if (!joined) {
      if (p->subscriptions.size() >= options_.max_topics()) throw system_error(errc::hub_full, "join");
      auto found = topics_.find(name);
      if (found == topics_.end()) {
        found = topics_.emplace(name, std::make_shared<topic>(name, filter)).first;
        if (filter) filters_.push_back(found->second);
      }
      const auto& t = found->second;
      const auto part = part_for(*t, p->home);
      joined = std::make_shared<subscription>(p, t, part);
      p->subscriptions.push_back(joined);
      ++part->count;
      ++t->members;
    }
    set_policy(*joined, o);
    enters = o.presence() && !std::exchange(joined->is_present, o.presence());
    if (!o.presence() && std::exchange(joined->is_present, false)) out.absent.push_back(joined);
    push(out, p->home, commands::join{joined, o});
  }
  try {
    ask_for(joined->topic);
    give_up(out);
    if (enters) session_->enter(name, presence_member(handle_of(*p), p->options.user()).data(p->options.data()));
  } catch (...) {
    drop(joined, out);
    throw;
  }
  out.wake();
  return joined;
}

void registry::set_policy(subscription& s, const join_options& o) {
  const bool blocks = o.on_full().value_or(s.peer->default_policy()) == overflow::block;
  if (s.blocks == blocks) return;
  s.blocks = blocks;
  auto& list = s.topic->blockers;
  if (blocks) {
    list.push_back(&s);
  } else {
    std::erase(list, &s);
  }
}

void registry::leave(const std::shared_ptr<subscription>& s) {
  outcome out;
  const std::lock_guard joining(joining_);
  drop(s, out);
}

// For one of its handles.
void registry::drop(const std::shared_ptr<subscription>& s, outcome& to) {
  {
    const std::lock_guard lock(mutex_);
    if (--s->handles != 0 || s->left) return;
    std::erase(s->peer->subscriptions, s);
    take_out(s, to);
  }
  give_up(to);
}

void registry::leave_all(peer_core& p) {
  outcome out;
  const std::lock_guard joining(joining_);
  {
    const std::lock_guard lock(mutex_);
    take_out_all(p, out);
  }
  give_up(out);
  out.wake();
}

void registry::send(const std::shared_ptr<peer_core>& p, message_kind kind, asio::const_buffer bytes) {
  counts_->handed_out.fetch_add(1, std::memory_order_relaxed);
  p->home->submit(commands::send{p, std::make_shared<const delivery>(encode(kind, bytes))});
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

// Its members get nothing any more; they leave when their handles go.
void registry::forget(const shard& s, const std::vector<std::shared_ptr<topic_part>>& left) noexcept {
  std::vector<std::vector<std::shared_ptr<subscription>>> gone;  // destroyed without the lock
  outcome out;
  const std::lock_guard lock(mutex_);
  if (std::erase_if(shards_, [&](const auto& mine) { return mine.get() == &s; }) != 0) wake_at(now(), out);
  for (const auto& part : left) gone.push_back(std::exchange(part->members, {}));
  for (const auto& [name, t] : topics_) {
    std::erase_if(t->parts, [&](const auto& part) { return part->home.get() == &s; });
    std::erase_if(t->blockers, [&](const auto* member) { return member->peer->home.get() == &s; });
  }
}

std::shared_ptr<shard> registry::shard_for(const asio::any_io_executor& ex) {
  for (const auto& s : shards_)
    if (s->executor() == ex) return s;
  return shards_.emplace_back(std::make_shared<shard>(ex, weak_from_this(), counts_));
}

std::shared_ptr<topic_part> registry::part_for(topic& t, const std::shared_ptr<shard>& s) {
  for (const auto& part : t.parts)
    if (part->home == s) return part;
  return t.parts.emplace_back(std::make_shared<topic_part>(s, t.tally));
}

void registry::take_out(const std::shared_ptr<subscription>& s, outcome& to) {
  s->left = true;
  if (s->is_present) to.absent.push_back(s);
  auto& t = *s->topic;
  if (s->blocks) std::erase(t.blockers, s.get());
  if (--s->part->count == 0) std::erase(t.parts, s->part);
  if (--t.members == 0) {
    to.abandoned.push_back(s->topic);
    if (t.is_filter) std::erase(filters_, s->topic);
    pass_by(t, false, to);
    topics_.erase(topics_.find(t.name));
  }
  if (!push(to, s->part->home, commands::leave{s})) s->part->members.clear();
}

void registry::take_out_all(peer_core& p, outcome& to) {
  p.has_left = true;
  for (const auto& s : std::exchange(p.subscriptions, {})) take_out(s, to);
}

bool registry::check_name(std::string_view name, std::string_view operation) const {
  const auto fault = fault_of_name(name, options_.max_name());
  if (!fault.empty()) throw std::invalid_argument("coax: " + std::string(operation) + ": " + std::string(fault));
  return has_wildcards(name);
}

std::size_t registry::peers() const {
  const std::lock_guard lock(mutex_);
  return peers_.size();
}

// Unique among all nodes.
std::string registry::handle_of(const peer_core& p) const { return std::to_string(node_) + "-" + std::to_string(p.id); }

void registry::check_published(std::string_view name) const {
  if (check_name(name, "publish")) throw std::invalid_argument("coax: publish: to a filter");
}

}  // namespace coax::detail
