/// What is on its way into the logs.
#pragma once

#include "broker/tag_source.hpp"
#include "core/clock.hpp"
#include "core/string_hash.hpp"
#include "redis/redis_listener.hpp"
#include "redis/redis_site.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace coax::detail {

/// Publications, numbered, so that Redis knows one that it gets again: the client sends each until it is answered or
/// its time is up. It has at most `window` of a topic at a time, and so many has Redis to remember; the others wait
/// here.
///
/// Publications to a topic leave in the order of the calls, and not before it has been found out from where on those
/// that are just subscribing to it hear: they hear what is published behind their backs. All members may be called from
/// any thread.
class redis_outbox {
 public:
  explicit redis_outbox(redis_site& site) noexcept : site_(site) {}

  /// Gives back when `expire` has to be called, if nobody knows yet.
  /// @param done  null if nobody wants to know.
  std::optional<steady::time_point> publish(const redis_names& names, std::string_view topic, publication what,
                                            std::shared_ptr<awaited<position>> done);

  /// What is published by the channel waits here until it has been released as often as it was held, never more often.
  void hold(std::string_view channel);
  void release(std::string_view channel, std::size_t times = 1);
  /// Fails what has been held for too long. When there is more to do.
  std::optional<steady::time_point> expire(steady::time_point now);

  /// Tries whether a publication comes back by a route; it is not repeated. `answered` is called if Redis has taken it.
  void probe(std::string_view route, std::uint64_t number, std::function<void()> answered);

 private:
  static constexpr std::size_t window = 128;

  struct waiting {
    redis::command append;
    bool numbered;  // otherwise it has a key of its own
    std::size_t bytes;
    steady::time_point expires;
    std::shared_ptr<awaited<position>> done;
  };
  struct lane {
    std::size_t holds = 0;
    std::size_t sent = 0;
    std::deque<waiting> queue;
  };
  using lane_map = std::unordered_map<std::string, lane, string_hash, std::equal_to<>>;

  redis::command append_to(const redis_names& names, std::string_view topic, const std::string& memory,
                           const publication& what, std::chrono::nanoseconds remember) const;
  // With the mutex held.
  void send(lane_map::value_type& to, waiting next);
  void send_waiting(lane_map::iterator from);
  void on_reply(const std::string& channel, std::size_t bytes, const std::shared_ptr<awaited<position>>& done,
                const result<redis::value>& r);

  redis_site& site_;
  mutable tag_source tags_;
  std::mutex mutex_;
  lane_map lanes_;  // by the channel of the topic
  std::uint64_t last_number_ = 0;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  steady::time_point expiry_ = steady::time_point::max();  // not behind that of anything that is held
};

}  // namespace coax::detail
