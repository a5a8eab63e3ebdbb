#include "redis/redis_subscriptions.hpp"

#include "broker/topic_filter.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coax::detail {

// What waited for a subscription that nobody wants any more; told when the lock has been given back.
class redis_subscriptions::canceled_replies {
 public:
  canceled_replies() = default;
  canceled_replies(const canceled_replies&) = delete;
  canceled_replies& operator=(const canceled_replies&) = delete;
  ~canceled_replies() {
    for (const auto& r : replies_) r->fail(make_error_code(errc::canceled));
  }

  template <class Reply>
  void add(const std::vector<std::shared_ptr<Reply>>& some) {
    replies_.insert(replies_.end(), some.begin(), some.end());
  }

 private:
  std::vector<std::shared_ptr<awaited_reply>> replies_;
};

void redis_subscriptions::set(stage& at, stage now) noexcept {
  if (at == stage::lost) --lost_;
  if (now == stage::lost) ++lost_;
  at = now;
}

// Topics -----------------------------------------------------------------------------------------------------------

void redis_subscriptions::subscribe(const listener_ptr& who, std::string_view name,
                                    std::shared_ptr<awaited<position>> done) {
  {
    const std::lock_guard lock(mutex_);
    auto found = topics_.find(name);
    if (found == topics_.end()) {
      found = topics_.try_emplace(std::string(name)).first;
      site_.redis().subscribe(site_.kind, site_.topics.channel(name));
    }
    auto& t = found->second;
    t.abandoned.reset();
    if (who->subscribed.emplace(name).second) {
      auto all = std::make_shared<listeners>(*t.who);
      all->push_back(who);
      t.who = std::move(all);
    }
    if (!done) return;
    outbox_.hold(site_.topics.channel(name));
    if (t.at != stage::confirmed) {
      t.waiting.push_back(std::move(done));
      return;
    }
  }
  tell_end(name, {std::move(done)});
}

void redis_subscriptions::on_topic_subscribed(std::string_view name) {
  std::vector<std::shared_ptr<awaited<position>>> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    if (found == topics_.end()) return;
    set(found->second.at, stage::confirmed);
    waiting.swap(found->second.waiting);
  }
  if (!waiting.empty()) tell_end(name, std::move(waiting));
}

// All that is published from now on is heard: the end that the log has by then is where it begins.
void redis_subscriptions::tell_end(std::string_view name, std::vector<std::shared_ptr<awaited<position>>> waiting) {
  auto told = [this, channel = site_.topics.channel(name),
               waiting = std::move(waiting)](const result<history_page>& page) {
    for (const auto& w : waiting) w->finish(page ? result<position>(page->end) : result<position>(page.error()));
    outbox_.release(channel, waiting.size());
  };
  read_log(site_, site_.topics, name, position(), 0, std::move(told));
}

void redis_subscriptions::on_topic_lost(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(name);
  if (found != topics_.end() && found->second.at == stage::confirmed) set(found->second.at, stage::lost);
}

std::optional<steady::time_point> redis_subscriptions::unsubscribe(const listener_ptr& who, std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = who->subscribed.find(name);
  if (found == who->subscribed.end()) return std::nullopt;
  who->subscribed.erase(found);
  return leave(who, name);
}

std::optional<steady::time_point> redis_subscriptions::leave(const listener_ptr& who, std::string_view name) {
  auto& t = topics_.find(name)->second;  // it is subscribed to, so it is there
  auto all = std::make_shared<listeners>(*t.who);
  std::erase(*all, who);
  const bool last = all->empty();
  t.who = std::move(all);
  if (!last) return std::nullopt;
  t.abandoned = after(now(), site_.options.unsubscribe_delay());
  abandoned_.emplace_back(*t.abandoned, name);
  if (abandoned_.size() > 1) return std::nullopt;  // somebody is waiting already
  return t.abandoned;
}

std::optional<steady::time_point> redis_subscriptions::sweep(steady::time_point now) {
  canceled_replies canceled;
  const std::lock_guard lock(mutex_);
  for (; !abandoned_.empty(); abandoned_.pop_front()) {
    const auto& [at, name] = abandoned_.front();
    if (at > now) return at;
    const auto found = topics_.find(name);
    // Somebody may have come back, and gone again.
    if (found == topics_.end() || found->second.abandoned != at) continue;
    site_.redis().unsubscribe(site_.kind, site_.topics.channel(name));
    if (found->second.at == stage::lost) --lost_;
    canceled.add(found->second.waiting);
    if (const auto held = found->second.waiting.size()) outbox_.release(site_.topics.channel(name), held);
    topics_.erase(found);
  }
  return std::nullopt;
}

// Filters ----------------------------------------------------------------------------------------------------------

void redis_subscriptions::watch(const listener_ptr& who, std::string_view filter, broker_session::reply<void> reply) {
  if (!is_filter(filter)) throw std::invalid_argument("broker_session::watch: not a filter: " + std::string(filter));
  auto done = who->await(std::move(reply));
  // What is published by SPUBLISH matches no pattern.
  if (site_.kind == redis::channel_kind::shard) {
    if (done) done->fail(make_error_code(boost::system::errc::operation_not_supported));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto name = site_.topics.pattern(filter);
    auto& p = patterns_[name];
    if (who->watched.emplace(filter).second) {
      watches_.emplace_back(filter, who);
      if (++p.filters == 1) site_.redis().subscribe(redis::channel_kind::pattern, name);
    }
    if (!done) return;
    if (p.at != stage::confirmed) {
      p.waiting.push_back(std::move(done));
      return;
    }
  }
  done->finish(result<void>());
}

void redis_subscriptions::on_pattern_subscribed(std::string_view name) {
  std::vector<std::shared_ptr<awaited<void>>> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = patterns_.find(name);
    if (found == patterns_.end()) return;
    set(found->second.at, stage::confirmed);
    waiting.swap(found->second.waiting);
  }
  for (const auto& w : waiting) w->finish(result<void>());
}

void redis_subscriptions::on_pattern_lost(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = patterns_.find(name);
  if (found != patterns_.end() && found->second.at == stage::confirmed) set(found->second.at, stage::lost);
}

void redis_subscriptions::unwatch(const listener_ptr& who, std::string_view filter) {
  canceled_replies canceled;
  const std::lock_guard lock(mutex_);
  const auto found = who->watched.find(filter);
  if (found == who->watched.end()) return;
  who->watched.erase(found);
  drop_watch(who, filter, canceled);
}

void redis_subscriptions::drop_watch(const listener_ptr& who, std::string_view filter, canceled_replies& canceled) {
  std::erase_if(watches_, [&](const auto& w) { return w.second == who && w.first == filter; });
  const auto found = patterns_.find(site_.topics.pattern(filter));
  if (--found->second.filters != 0) return;
  site_.redis().unsubscribe(redis::channel_kind::pattern, found->first);
  if (found->second.at == stage::lost) --lost_;
  canceled.add(found->second.waiting);
  patterns_.erase(found);
}

// All --------------------------------------------------------------------------------------------------------------

std::optional<steady::time_point> redis_subscriptions::drop(const listener_ptr& who) {
  canceled_replies canceled;
  const std::lock_guard lock(mutex_);
  std::optional<steady::time_point> due;
  for (const auto& name : std::exchange(who->subscribed, {}))
    if (const auto at = leave(who, name)) due = at;  // once at most
  for (const auto& filter : std::exchange(who->watched, {})) drop_watch(who, filter, canceled);
  return due;
}

std::shared_ptr<const redis_subscriptions::listeners> redis_subscriptions::subscribed(std::string_view name) const {
  static const auto nobody = std::make_shared<const listeners>();
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? nobody : found->second.who;
}

std::shared_ptr<const redis_subscriptions::listeners> redis_subscriptions::hear(std::string_view name) const {
  auto exact = subscribed(name);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<listeners> more;
  for (const auto& [filter, who] : watches_) {
    if (!matches(filter, name)) continue;
    if (!more) more = std::make_shared<listeners>(*exact);
    if (std::find(more->begin(), more->end(), who) == more->end()) more->push_back(who);
  }
  if (more) return more;
  return exact;
}

bool redis_subscriptions::complete() const {
  const std::lock_guard lock(mutex_);
  return lost_ == 0;
}

std::vector<std::string> redis_subscriptions::topics() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  names.reserve(topics_.size());
  for (const auto& [name, t] : topics_) names.push_back(name);
  return names;
}

}  // namespace coax::detail
