#include "redis/redis_presence.hpp"

#include "core/clock.hpp"
#include "redis/scripts.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coax::detail {

redis_presence::redis_presence(redis_site& site)
    : site_(site),
      started_(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                   .count()) {
  new_lease();
}

void redis_presence::new_lease() {
  lease_ = to_hex(tag_source().next());
  known_ = false;
}

// Members ----------------------------------------------------------------------------------------------------------

void redis_presence::enter(const std::shared_ptr<redis_listener>& who, std::string_view topic, presence_member m) {
  const std::lock_guard lock(mutex_);
  auto& here = mine_[std::string(topic)];
  if (here.empty()) {
    redis::command c("SADD");
    c.key(site_.topics.lease(lease_)).arg(topic);
    say(std::string(topic), std::move(c));
  }
  who->entered.emplace(topic, m.handle());
  const auto& entered = here.insert_or_assign(m.handle(), member{who->number(), m}).first->second;
  auto c = change(topic, lease_, "enter");
  add(c, entered);
  say(std::string(topic), std::move(c));
}

void redis_presence::leave(const std::shared_ptr<redis_listener>& who, std::string_view topic,
                           std::string_view handle) {
  const std::lock_guard lock(mutex_);
  if (who->entered.erase({std::string(topic), std::string(handle)}) != 0) take_out(topic, handle, who->number());
}

void redis_presence::drop(const std::shared_ptr<redis_listener>& who) {
  const std::lock_guard lock(mutex_);
  for (const auto& [topic, handle] : std::exchange(who->entered, {})) take_out(topic, handle, who->number());
}

// Whoever entered a handle last has it.
void redis_presence::take_out(std::string_view topic, std::string_view handle, std::uint64_t session) {
  const auto here = mine_.find(topic);
  if (here == mine_.end()) return;
  const auto found = here->second.find(handle);
  if (found == here->second.end() || found->second.session != session) return;
  auto c = change(topic, lease_, "leave");
  add(c, found->second);
  here->second.erase(found);
  say(here->first, std::move(c));
  if (!here->second.empty()) return;
  redis::command s("SREM");
  s.key(site_.topics.lease(lease_)).arg(topic);
  say(here->first, std::move(s));
  mine_.erase(here);
}

redis::command redis_presence::change(std::string_view topic, std::string_view lease, std::string_view what) const {
  const auto& names = site_.topics;
  redis::command c(redis::presence_script());
  c.key(names.members(topic)).key(names.users(topic)).key(names.channel(topic));
  c.arg(site_.verb).arg(lease).arg(what);
  return c;
}

void redis_presence::add(redis::command& to, const member& m) const {
  to.arg(owner(m.session)).arg(m.who.handle()).arg(m.who.user()).arg(m.who.data());
}

void redis_presence::say(const std::string& topic, redis::command what) {
  what.idempotent().expires_at(after(now(), site_.options.lease_expiry()));
  site_.send(std::move(what), [this, topic](const result<redis::value>& r) {
    if (r && !r->is_error()) return;
    const std::lock_guard lock(mutex_);
    in_doubt_.insert(topic);
  });
}

void redis_presence::say_all_of(const std::string& topic) {
  const auto here = mine_.find(topic);
  if (here != mine_.end()) {
    redis::command c("SADD");
    c.key(site_.topics.lease(lease_)).arg(topic);
    say(topic, std::move(c));
  }
  auto c = change(topic, lease_, "only");
  if (here != mine_.end())
    for (const auto& [handle, m] : here->second) add(c, m);
  say(topic, std::move(c));
}

void redis_presence::say_all() {
  for (const auto& topic : std::exchange(in_doubt_, {}))
    if (!mine_.contains(topic)) say_all_of(topic);
  for (const auto& [topic, here] : mine_) say_all_of(topic);
}

void redis_presence::repeat() {
  const std::lock_guard lock(mutex_);
  say_all();
}

void redis_presence::members(std::string_view topic, std::shared_ptr<awaited<std::vector<present_user>>> done) const {
  redis::command c("HGETALL");
  c.key(site_.topics.members(topic)).idempotent().expires_at(after(now(), site_.options.publish_time()));
  site_.send(std::move(c), [done = std::move(done)](const result<redis::value>& r) {
    if (!r || r->is_error()) return done->fail(error_of(r));
    struct seen {
      std::uint64_t last = 0;
      present_user user;
    };
    std::map<std::string, seen, std::less<>> users;
    for (auto i = r->begin(); i != r->end(); ++i) {
      if (++i == r->end()) break;
      const auto m = parse_member((*i).text());
      if (!m) continue;
      auto& s = users[std::string(m->who.user)];
      ++s.user.handles;
      if (m->time < s.last) continue;
      s.last = m->time;
      s.user.data = m->who.data;
    }
    std::vector<present_user> all;
    all.reserve(users.size());
    for (auto& [name, s] : users) {
      s.user.user = name;
      all.push_back(std::move(s.user));
    }
    done->finish(std::move(all));
  });
}

// Leases -----------------------------------------------------------------------------------------------------------

// "started connections size-of-name name address".
std::string redis_presence::description() const {
  const auto& o = site_.options;
  const auto connections = o.connections() ? o.connections()() : 0;
  return site_.id + " " + std::to_string(started_) + " " + std::to_string(connections) + " " +
         std::to_string(o.node_name().size()) + " " + o.node_name() + o.node_address();
}

void redis_presence::renew() {
  const auto told = description();  // asks the program
  const auto& names = site_.topics;
  const std::lock_guard lock(mutex_);
  for (const auto& topic : std::exchange(in_doubt_, {})) say_all_of(topic);
  redis::command c(redis::lease_script());
  c.key(names.alive()).key(names.lost()).key(names.nodes());
  c.arg(lease_).arg(told).arg(to_milliseconds(site_.options.lease_expiry()));
  c.idempotent().expires_at(after(now(), site_.options.lease_refresh()));
  site_.send(std::move(c), [this, lease = lease_](const result<redis::value>& r) {
    if (r && !r->is_error()) on_renewed(lease, *r);
  });
}

void redis_presence::on_renewed(const std::string& lease, const redis::value& v) {
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    if (lease == lease_) {
      const bool was_there = v[0].integer() == 1;
      if (known_ && !was_there) {
        new_lease();
        say_all();
        again = true;
      } else {
        known_ = true;
      }
    }
  }
  for (const auto& lost : v[1]) bury(std::string(lost.text()));
  if (again) renew();
}

// Each step may be done twice, or by two; what is not done in time another node does.
void redis_presence::bury(const std::string& lease) {
  redis::command c("SMEMBERS");
  c.key(site_.topics.lease(lease)).idempotent();
  site_.send(std::move(c), [this, lease](const result<redis::value>& r) {
    if (!r || r->is_error()) return;
    const auto left = std::make_shared<std::size_t>(r->size() + 1);
    const auto one_done = [this, lease, left](const result<redis::value>& done) {
      // What has failed is for the next one that finds it.
      if (!done || done->is_error() || --*left != 0) return;
      const auto& names = site_.topics;
      redis::command forget("DEL");
      forget.key(names.lease(lease));
      site_.send(std::move(forget.idempotent()), [](const result<redis::value>&) {});
      redis::command gone(redis::farewell_script());
      gone.key(names.alive()).key(names.lost()).key(names.nodes()).arg(lease);
      site_.send(std::move(gone.idempotent()), [](const result<redis::value>&) {});
    };
    for (const auto& topic : *r) {
      const std::lock_guard lock(mutex_);
      site_.send(std::move(change(topic.text(), lease, "only").idempotent()), one_done);
    }
    one_done(*r);
  });
}

void redis_presence::farewell(std::function<void()> done) {
  const auto& names = site_.topics;
  const std::lock_guard lock(mutex_);
  redis::command c(redis::retire_script());
  c.key(names.alive()).key(names.lost()).key(names.nodes()).arg(lease_);
  c.expires_at(after(now(), std::chrono::seconds(1)));
  site_.send(std::move(c), [done = std::move(done)](const result<redis::value>&) { done(); });
}

void redis_presence::nodes(broker_session::reply<std::vector<redis_node>> done) const {
  redis::command c(redis::nodes_script());
  c.key(site_.topics.alive()).key(site_.topics.nodes()).idempotent();
  c.expires_at(after(now(), site_.options.publish_time()));
  site_.send(std::move(c), [done = std::move(done)](const result<redis::value>& r) {
    if (!r || r->is_error()) return done(error_of(r));
    std::vector<redis_node> all;
    for (auto i = r->begin(); i != r->end(); ++i) {
      auto text = (*i).text();
      if (++i == r->end()) break;
      redis_node n;
      n.id = take_word(text);
      const auto started = parse_number(take_word(text));
      const auto connections = parse_number(take_word(text));
      const auto named = parse_user(text);
      if (!started || !connections || !named) continue;
      n.started = std::chrono::system_clock::time_point(std::chrono::seconds(*started));
      n.connections = static_cast<std::size_t>(*connections);
      n.name = named->user;
      n.address = named->data;
      n.seen = std::chrono::milliseconds((*i).integer().value_or(0));
      all.push_back(std::move(n));
    }
    done(std::move(all));
  });
}

}  // namespace coax::detail
