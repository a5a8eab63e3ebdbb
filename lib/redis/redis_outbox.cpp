#include "redis/redis_outbox.hpp"

#include "redis/scripts.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace coax::detail {

redis::command redis_outbox::append_to(const redis_names& names, std::string_view topic, const std::string& memory,
                                       const publication& what, std::chrono::nanoseconds remember) const {
  const auto& limits = what.history().value_or(site_.options.history());
  redis::command c(redis::publish_script());
  c.key(names.state(topic)).key(names.log(topic)).key(memory).key(names.channel(topic));
  c.arg(site_.new_history()).arg(to_hex(tags_.next())).arg(pack(what));
  c.arg(limits.size()).arg(to_milliseconds(limits.ttl())).arg(what.history() ? "1" : "0");
  c.arg(to_milliseconds(site_.options.idle_time())).arg(to_milliseconds(remember)).arg(site_.verb);
  return c;
}

std::optional<steady::time_point> redis_outbox::publish(const redis_names& names, std::string_view topic,
                                                        publication what, std::shared_ptr<awaited<position>> done) {
  const auto& options = site_.options;
  const bool numbered = what.idempotency_key().empty();
  const auto memory = numbered ? names.sent(topic, site_.id) : names.once(topic, what.idempotency_key());
  // Numbers are of no use when their publications cannot be repeated any more.
  auto append =
      append_to(names, topic, memory, what, numbered ? 2 * options.publish_time() : options.idempotency_time());
  const auto expires = after(now(), options.publish_time());
  append.idempotent().expires_at(expires);
  waiting next{std::move(append), numbered, 0, expires, std::move(done)};
  next.bytes = next.append.bytes();
  {
    const std::lock_guard lock(mutex_);
    if (messages_ < options.queue_messages() && bytes_ + next.bytes <= options.queue_bytes()) {
      ++messages_;
      bytes_ += next.bytes;
      const auto to = lanes_.try_emplace(names.channel(topic)).first;
      to->second.queue.push_back(std::move(next));
      send_waiting(to);
      if (to->second.holds == 0 || expires >= expiry_) return std::nullopt;
      return expiry_ = expires;
    }
  }
  if (next.done) next.done->fail(errc::broker_unavailable);
  return std::nullopt;
}

void redis_outbox::send_waiting(lane_map::iterator from) {
  auto& [holds, sent, queue] = from->second;
  while (holds == 0 && sent < window && !queue.empty()) {
    auto next = std::move(queue.front());
    queue.pop_front();
    send(*from, std::move(next));
  }
  if (holds == 0 && sent == 0) lanes_.erase(from);
}

void redis_outbox::send(lane_map::value_type& to, waiting next) {
  ++to.second.sent;
  next.append.arg(next.numbered ? ++last_number_ : 0).arg(window);
  site_.send(std::move(next.append), [this, channel = to.first, bytes = next.bytes, done = std::move(next.done)](
                                         const result<redis::value>& r) { on_reply(channel, bytes, done, r); });
}

void redis_outbox::on_reply(const std::string& channel, std::size_t bytes,
                            const std::shared_ptr<awaited<position>>& done, const result<redis::value>& r) {
  {
    const std::lock_guard lock(mutex_);
    --messages_;
    bytes_ -= bytes;
    const auto found = lanes_.find(channel);
    --found->second.sent;
    send_waiting(found);
  }
  if (r && !r->is_error())
    if (const auto where = parse_place(r->text())) {
      site_.used(where->epoch());
      if (done) done->finish(*where);
      return;
    }
  // A script may fail behind what it has stored.
  if (done) done->fail(r ? error_code(errc::publication_in_doubt) : error_code(r.error()));
}

void redis_outbox::hold(std::string_view channel) {
  const std::lock_guard lock(mutex_);
  ++lanes_.try_emplace(std::string(channel)).first->second.holds;
}

void redis_outbox::release(std::string_view channel, std::size_t times) {
  const std::lock_guard lock(mutex_);
  const auto found = lanes_.find(channel);
  assert(found != lanes_.end() && found->second.holds >= times);
  found->second.holds -= times;
  send_waiting(found);
}

std::optional<steady::time_point> redis_outbox::expire(steady::time_point now) {
  std::vector<std::shared_ptr<awaited<position>>> late;
  {
    const std::lock_guard lock(mutex_);
    if (expiry_ <= now) {
      expiry_ = steady::time_point::max();
      for (auto& [channel, l] : lanes_) {
        if (l.holds == 0) continue;
        for (; !l.queue.empty() && l.queue.front().expires <= now; l.queue.pop_front()) {
          --messages_;
          bytes_ -= l.queue.front().bytes;
          if (l.queue.front().done) late.push_back(std::move(l.queue.front().done));
        }
        if (!l.queue.empty()) expiry_ = std::min(expiry_, l.queue.front().expires);
      }
    }
    if (late.empty()) return expiry_ == steady::time_point::max() ? std::nullopt : std::optional(expiry_);
  }
  for (const auto& done : late) done->fail(errc::broker_unavailable);
  return expire(now);
}

void redis_outbox::probe(std::string_view route, std::uint64_t number, std::function<void()> answered) {
  const auto& names = site_.probes;
  publication what(prepared_message(std::to_string(number)));
  what.history(history_limits());
  auto c = append_to(names, route, names.sent(route, site_.id), what, site_.options.probe_interval());
  c.arg(number).arg(1).expires_at(after(now(), site_.options.probe_interval()));
  site_.send(std::move(c), [answered = std::move(answered)](const result<redis::value>& r) {
    if (r && !r->is_error()) answered();
  });
}

}  // namespace coax::detail
