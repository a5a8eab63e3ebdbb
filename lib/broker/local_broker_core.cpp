#include "broker/local_broker_core.hpp"

#include "broker/topic_filter.hpp"
#include "core/clock.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coax::detail {
namespace {

class telling {
 public:
  telling(std::atomic<std::thread::id>& teller, std::thread::id me) noexcept : teller_(teller) {
    teller_.store(me, std::memory_order_relaxed);
  }
  telling(const telling&) = delete;
  telling& operator=(const telling&) = delete;
  ~telling() { teller_.store({}, std::memory_order_relaxed); }

 private:
  std::atomic<std::thread::id>& teller_;
};

}  // namespace

// What is told ---------------------------------------------------------------------------------------------------

// `change` queues what is to be told of it.
template <class Change>
void local_broker_core::in_order(Change change) {
  const auto me = std::this_thread::get_id();
  if (teller_.load(std::memory_order_relaxed) == me) {
    const std::lock_guard state(state_);
    change();
    return;
  }
  const std::lock_guard order(order_);
  const telling guard(teller_, me);
  {
    const std::lock_guard state(state_);
    change();
  }
  tell_queued();
}

void local_broker_core::tell_queued() {
  while (!queued_.empty()) {
    being_told_.clear();  // what an event has thrown out of
    being_told_.swap(queued_);
    for (const auto& a : being_told_) tell(a);
    being_told_.clear();
  }
}

void local_broker_core::tell(const announcement& a) {
  for (const auto& part : *a.to) {
    if (!part.who->open.load(std::memory_order_relaxed)) continue;
    const auto events = part.who->events.lock();
    if (!events) continue;
    if (!a.about) {
      events->on_control(a.message);
    } else if (a.entry) {
      events->on_entry(a.about->name, a.epoch, a.entry);
    } else if (part.subscribed) {
      events->on_presence(a.about->name, a.change);
    }
  }
}

void local_broker_core::announce(const topic_ptr& t, presence_table::changes changes) {
  for (auto& c : changes) queued_.push_back({t, t->parts, {}, nullptr, std::move(c)});
}

position local_broker_core::publish(std::string_view topic, publication what) {
  position where;
  in_order([&] {
    const auto now = detail::now();
    const auto t = use(topic, now);
    const std::string key = what.idempotency_key();
    if (!key.empty()) {
      if (const auto* before = t->keys.find(key, now)) {
        where = *before;
        return;
      }
    }
    auto entry = t->log.append(std::move(what), now);
    where = t->log.end();
    if (!key.empty()) t->keys.add(key, where, now);
    schedule(*t);
    if (!t->parts->empty()) queued_.push_back({t, t->parts, t->log.epoch(), std::move(entry), {}});
  });
  return where;
}

void local_broker_core::broadcast(std::string_view message) {
  in_order([&] {
    queued_.push_back({nullptr, std::make_shared<const local_parts>(sessions_), {}, nullptr, {}, std::string(message)});
  });
}

void local_broker_core::enter(const listener_ptr& who, std::string_view topic, presence_member member) {
  in_order([&] {
    const auto t = use(topic, detail::now());
    who->entered.emplace(topic, member.handle());
    announce(t, t->present.enter(std::move(member), who.get()));
    schedule(*t);
  });
}

void local_broker_core::leave(const listener_ptr& who, std::string_view topic, std::string_view handle) {
  in_order([&] {
    drop_member(who, topic, handle);
    who->entered.erase({std::string(topic), std::string(handle)});
  });
}

void local_broker_core::drop_member(const listener_ptr& who, std::string_view topic, std::string_view handle) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  const auto t = found->second;
  announce(t, t->present.leave(handle, who.get()));
  schedule(*t);
}

// The lock of the order is taken for its own sake: whoever is telling this session something has then finished.
void local_broker_core::close(const listener_ptr& who) {
  who->open.store(false, std::memory_order_relaxed);
  in_order([&] {
    for (const auto& topic : std::exchange(who->subscribed, {})) drop_part(who, topic);
    for (const auto& filter : std::exchange(who->watched, {})) drop_watch(who, filter);
    for (const auto& [topic, handle] : std::exchange(who->entered, {})) drop_member(who, topic, handle);
    std::erase_if(sessions_, [&](const local_part& p) { return p.who == who; });
  });
}

// Who hears of what ----------------------------------------------------------------------------------------------

local_broker_core::listener_ptr local_broker_core::add(std::weak_ptr<broker_events> events) {
  const std::lock_guard state(state_);
  return sessions_.emplace_back(local_part{std::make_shared<local_listener>(std::move(events))}).who;
}

position local_broker_core::subscribe(const listener_ptr& who, std::string_view topic) {
  const std::lock_guard state(state_);
  const auto t = use(topic, detail::now());
  if (who->subscribed.emplace(topic).second) {
    ++t->subscribers;
    change_part(*t, who, [](local_part& p) { p.subscribed = true; });
  }
  return t->log.end();
}

void local_broker_core::unsubscribe(const listener_ptr& who, std::string_view topic) {
  const std::lock_guard state(state_);
  const auto found = who->subscribed.find(topic);
  if (found == who->subscribed.end()) return;
  who->subscribed.erase(found);
  drop_part(who, topic);
}

void local_broker_core::drop_part(const listener_ptr& who, std::string_view topic) {
  auto& t = *find(topic);  // it is subscribed to, so it is there
  --t.subscribers;
  t.last_used = detail::now();
  change_part(t, who, [](local_part& p) { p.subscribed = false; });
  schedule(t);
}

void local_broker_core::watch(const listener_ptr& who, std::string_view filter) {
  if (!is_filter(filter)) throw std::invalid_argument("broker_session::watch: not a filter: " + std::string(filter));
  const std::lock_guard state(state_);
  if (!who->watched.emplace(filter).second) return;
  watches_.emplace_back(filter, who);
  for (const auto& [name, t] : topics_)
    if (matches(filter, name)) change_part(*t, who, [](local_part& p) { ++p.filters; });
}

void local_broker_core::unwatch(const listener_ptr& who, std::string_view filter) {
  const std::lock_guard state(state_);
  const auto found = who->watched.find(filter);
  if (found == who->watched.end()) return;
  who->watched.erase(found);
  drop_watch(who, filter);
}

void local_broker_core::drop_watch(const listener_ptr& who, std::string_view filter) {
  std::erase_if(watches_, [&](const auto& w) { return w.second == who && w.first == filter; });
  for (const auto& [name, t] : topics_) {
    if (!matches(filter, name)) continue;
    change_part(*t, who, [](local_part& p) { --p.filters; });
    // The time of a topic that was watched is never.
    if (t->farewell) farewells_.erase({*t->farewell, t.get()}), t->farewell.reset();
    schedule(*t);
  }
}

void local_broker_core::watch_new(local_topic& t) {
  for (const auto& [filter, who] : watches_)
    if (matches(filter, t.name)) change_part(t, who, [](local_part& p) { ++p.filters; });
}

void local_broker_core::change_part(local_topic& t, const listener_ptr& who,
                                    const std::function<void(local_part&)>& change) {
  auto parts = std::make_shared<local_parts>(*t.parts);
  auto* part = t.part_of(*who, *parts);
  if (!part) part = &parts->emplace_back(local_part{who});
  change(*part);
  std::erase_if(*parts, [](const local_part& p) { return !p.subscribed && p.filters == 0; });
  t.parts = std::move(parts);
}

// What is asked --------------------------------------------------------------------------------------------------

history_page local_broker_core::history(std::string_view topic, const position& since, std::size_t limit) {
  const std::lock_guard state(state_);
  const auto now = detail::now();
  const auto t = use(topic, now);
  schedule(*t);
  return t->log.read(since, limit, now);
}

std::vector<present_user> local_broker_core::members(std::string_view topic) {
  const std::lock_guard state(state_);
  const auto* t = find(topic);
  return t ? t->present.users() : std::vector<present_user>();
}

void local_broker_core::fork(std::string_view topic, std::size_t n) {
  const std::lock_guard state(state_);
  const auto t = use(topic, detail::now());
  t->log.lose_last(n);
  schedule(*t);
}

void local_broker_core::lose(std::string_view topic) {
  const std::lock_guard state(state_);
  const auto t = use(topic, detail::now());
  t->log.lose_all();
  schedule(*t);
}

std::size_t local_broker_core::topics() {
  const std::lock_guard state(state_);
  return topics_.size();
}

// Time -----------------------------------------------------------------------------------------------------------

local_topic* local_broker_core::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

local_broker_core::topic_ptr local_broker_core::use(std::string_view name, steady::time_point now) {
  sweep(now);
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    found = topics_.emplace(name, std::make_shared<local_topic>(name, options_)).first;
    watch_new(*found->second);
  }
  found->second->last_used = now;
  return found->second;
}

// A topic is in a timetable under the time that it was first told to look; when that comes, it looks again, and so a
// topic in steady use touches no timetable.
void local_broker_core::schedule(local_topic& t) {
  if (!t.expiry && (t.expiry = t.log.expires())) expiries_.emplace(*t.expiry, &t);
  if (!t.farewell && t.idle()) {
    t.farewell = farewell_of(t);
    farewells_.emplace(*t.farewell, &t);
  }
}

steady::time_point local_broker_core::farewell_of(const local_topic& t) const {
  if (!t.parts->empty()) return steady::time_point::max();
  const auto beyond = after(t.last_used, options_.idle_time());
  return std::max({beyond, after(t.log.ends(t.last_used), options_.idle_time()), t.keys.ends().value_or(beyond)});
}

void local_broker_core::sweep(steady::time_point now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    auto& t = *expiries_.begin()->second;
    expiries_.erase(expiries_.begin());
    t.expiry.reset();
    t.log.expire(now);
    schedule(t);
  }
  while (!farewells_.empty() && (farewells_.begin()->first <= now || farewells_.size() > options_.max_idle_topics())) {
    auto& t = *farewells_.begin()->second;
    farewells_.erase(farewells_.begin());
    t.farewell.reset();
    const bool too_many = farewells_.size() >= options_.max_idle_topics();
    if (t.idle() && (too_many || farewell_of(t) <= now)) {
      forget(t);
    } else {
      schedule(t);
    }
  }
}

void local_broker_core::forget(local_topic& t) {
  if (t.expiry) expiries_.erase({*t.expiry, &t});
  topics_.erase(topics_.find(t.name));
}

}  // namespace coax::detail
