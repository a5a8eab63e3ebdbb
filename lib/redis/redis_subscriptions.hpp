/// Who is subscribed to what, here and at Redis.
#pragma once

#include "core/string_hash.hpp"
#include "redis/redis_listener.hpp"
#include "redis/redis_outbox.hpp"
#include "redis/redis_site.hpp"

#include <deque>
#include <map>
#include <unordered_map>

namespace coax::detail {

/// Redis is subscribed to once for all sessions, and a while longer than they are. `on_...` is called on the executor,
/// all else from any thread.
class redis_subscriptions {
 public:
  using listener_ptr = std::shared_ptr<redis_listener>;
  using listeners = std::vector<listener_ptr>;

  redis_subscriptions(redis_site& site, redis_outbox& outbox) noexcept : site_(site), outbox_(outbox) {}

  void subscribe(const listener_ptr& who, std::string_view topic, std::shared_ptr<awaited<position>> done);
  /// Gives back when `sweep` has to be called.
  std::optional<steady::time_point> unsubscribe(const listener_ptr& who, std::string_view topic);
  void watch(const listener_ptr& who, std::string_view filter, broker_session::reply<void> reply);
  void unwatch(const listener_ptr& who, std::string_view filter);
  /// A session ends. As `unsubscribe`.
  std::optional<steady::time_point> drop(const listener_ptr& who);

  void on_topic_subscribed(std::string_view topic);
  void on_topic_lost(std::string_view topic);
  void on_pattern_subscribed(std::string_view pattern);
  void on_pattern_lost(std::string_view pattern);

  /// Who is to be told of an entry; of what else happens in a topic, those that are subscribed to it.
  std::shared_ptr<const listeners> hear(std::string_view name) const;
  std::shared_ptr<const listeners> subscribed(std::string_view name) const;

  /// Unsubscribes from what nobody has come back to. When there is more to do.
  std::optional<steady::time_point> sweep(steady::time_point now);
  /// Nothing is missing that Redis had confirmed before.
  bool complete() const;
  /// For their time to live, all topics that are subscribed to.
  std::vector<std::string> topics() const;

 private:
  class canceled_replies;
  enum class stage : unsigned char { asked, confirmed, lost };

  struct topic {
    std::shared_ptr<const listeners> who = std::make_shared<const listeners>();
    stage at = stage::asked;
    std::vector<std::shared_ptr<awaited<position>>> waiting;
    std::optional<steady::time_point> abandoned;
  };
  struct pattern {
    std::size_t filters = 0;
    stage at = stage::asked;
    std::vector<std::shared_ptr<awaited<void>>> waiting;
  };
  using topic_map = std::unordered_map<std::string, topic, string_hash, std::equal_to<>>;

  /// Replies with the end of the log, and lets go what was published meanwhile.
  void tell_end(std::string_view topic, std::vector<std::shared_ptr<awaited<position>>> waiting);

  // With the mutex held.
  std::optional<steady::time_point> leave(const listener_ptr& who, std::string_view name);
  void drop_watch(const listener_ptr& who, std::string_view filter, canceled_replies& canceled);
  void set(stage& at, stage now) noexcept;

  redis_site& site_;
  redis_outbox& outbox_;
  mutable std::mutex mutex_;
  topic_map topics_;
  std::vector<std::pair<std::string, listener_ptr>> watches_;  // filters
  std::map<std::string, pattern, std::less<>> patterns_;
  std::deque<std::pair<steady::time_point, std::string>> abandoned_;  // topics, in the order of their times
  std::size_t lost_ = 0;
};

}  // namespace coax::detail
