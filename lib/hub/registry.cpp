#include "hub/registry.hpp"

#include "broker/topic_filter.hpp"
#include "hub/topic_name.hpp"
#include <coax/local_broker.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coax::detail {
namespace {

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device() | 1;  // 0 is nobody
}

// So that the next `push_back` cannot fail.
template <class T>
void make_room(std::vector<T>& list) {
  if (list.size() == list.capacity()) list.reserve(std::max<std::size_t>(4, 2 * list.size()));
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
  if (o.resumable()) resumes();
  std::shared_ptr<peer_core> p;
  outcome out;
  {
    std::unique_lock lock(mutex_);
    if (refuses()) {
      lock.unlock();  // it may send at once
      // The handle goes with the call, a close that has begun goes on.
      socket.link->start_close(close_request{status::service_restart, "draining"});
      throw system_error(errc::draining, "attach");
    }
    if (peers_.size() >= options_.max_peers()) throw system_error(errc::hub_full, "attach");
    const auto s = shard_for(socket.link->executor());
    // What can fail comes first: a list must not keep what nobody has.
    make_room(peers_);
    make_room(shards_);
    p = std::make_shared<peer_core>(++last_id_, std::move(socket), o, shared_from_this(), s);
    commands::attach arrival{p, closed_with_, std::nullopt};
    if (drain_) arrival.farewell = farewell_to(p, random_time_to_go(), drain_->end, drain_->how);
    push(out, s, std::move(arrival));
    if (s->peers_attached++ == 0) shards_.push_back(s);
    p->place = peers_.size();
    peers_.push_back(p.get());
  }
  out.wake();
  return p;
}

void registry::detach(const std::shared_ptr<peer_core>& p) {
  outcome out;
  std::vector<broker_session::reply<std::size_t>> unheard;
  std::unique_lock joining(joining_);
  {
    const std::lock_guard lock(mutex_);
    take_out_all(*p, out);
    peers_.back()->place = p->place;
    peers_[p->place] = peers_.back();
    peers_.pop_back();
    // Who waits is told when it has been counted how the peer has ended, unless nobody counts any more.
    std::vector<broker_session::reply<std::size_t>> then;
    if (peers_.empty()) then = std::exchange(when_empty_, {});
    if (!push(out, p->home, commands::detach{p, then})) unheard = std::move(then);
    if (--p->home->peers_attached == 0) {
      std::erase(shards_, p->home);
      wake_at(now(), out);  // another has to know what it was to be woken for
    }
  }
  give_up(out);
  joining.unlock();
  out.wake();
  for (const auto& done : unheard) done(std::size_t{0});
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
    if (refuses()) throw system_error(errc::draining, "join");
    for (const auto& s : p->subscriptions)
      if (s->topic->name == name) joined = s;
    const bool is_new = !joined;
    if (is_new) joined = prepare(p, name, filter);
    try {
      push(out, p->home, commands::join{joined, o});
    } catch (...) {
      if (is_new) forget_unused(joined->topic);
      throw;
    }
    if (is_new) enrol(joined);
    ++joined->handles;
    set_policy(*joined, o);
    enters = o.presence() && !std::exchange(joined->is_present, o.presence());
    if (!o.presence() && std::exchange(joined->is_present, false)) out.absent.push_back(joined);
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

// A part in a topic that nobody knows of yet. Whatever can fail is done before anything is changed that others see.
std::shared_ptr<subscription> registry::prepare(const std::shared_ptr<peer_core>& p, std::string_view name,
                                                bool filter) {
  if (p->subscriptions.size() >= options_.max_topics()) throw system_error(errc::hub_full, "join");
  const auto found = topics_.find(name);
  const bool known = found != topics_.end();
  const auto t = known ? found->second : std::make_shared<topic>(name, filter);
  auto s = std::make_shared<subscription>(p, t, part_for(*t, p->home));
  make_room(p->subscriptions);
  make_room(t->parts);
  make_room(t->blockers);
  make_room(filters_);
  if (!known) topics_.emplace(name, t);
  return s;
}

void registry::enrol(const std::shared_ptr<subscription>& s) noexcept {
  auto& t = *s->topic;
  if (s->part->count++ == 0) t.parts.push_back(s->part);
  if (t.members++ == 0 && t.is_filter) filters_.push_back(s->topic);
  s->peer->subscriptions.push_back(s);
}

void registry::forget_unused(const std::shared_ptr<topic>& t) noexcept {
  if (t->members == 0) topics_.erase(topics_.find(t->name));
}

void registry::set_policy(subscription& s, const join_options& o) {
  const bool blocks = o.on_full().value_or(s.peer->default_policy()) == overflow::block;
  if (s.blocks == blocks) return;
  s.blocks = blocks;
  auto& list = s.topic->blockers;
  if (blocks) {
    list.push_back(&s);  // there is room
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
  gone.reserve(left.size());
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
  return std::make_shared<shard>(ex, weak_from_this(), counts_);
}

std::shared_ptr<topic_part> registry::part_for(topic& t, const std::shared_ptr<shard>& s) {
  for (const auto& part : t.parts)
    if (part->home == s) return part;
  auto part = std::make_shared<topic_part>(s, t.tally);
  part->told = history_cursor(t.name, t.feed.at());
  return part;
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
