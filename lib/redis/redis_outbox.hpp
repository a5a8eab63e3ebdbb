/// What is on its way into the logs.
#pragma once

#include "broker/tag_source.hpp"
#include "core/string_hash.hpp"
#include "redis/redis_listener.hpp"
#include "redis/redis_site.hpp"

#include <deque>
#include <unordered_map>

namespace coax::detail {

/// Publications, numbered, so that Redis knows one that it gets again: the client sends each until it is answered or
/// its time is up. It has at most `window` of a topic at a time, and so many has Redis to remember; the others wait
/// here.
///
/// Publications to a topic leave in the order of the calls. All members may be called from any thread.
class redis_outbox {
 public:
  explicit redis_outbox(redis_site& site) noexcept : site_(site) {}

  /// @param done  null if nobody wants to know.
  void publish(const redis_names& names, std::string_view topic, publication what,
               std::shared_ptr<awaited<position>> done);

  /// Tries whether a publication comes back by a route; it is not repeated. `answered` is called if Redis has taken it.
  void probe(std::string_view route, std::uint64_t number, std::function<void()> answered);

 private:
  static constexpr std::size_t window = 128;

  struct waiting {
    redis::command append;
    bool numbered;  // otherwise it has a key of its own
    std::size_t bytes;
    std::shared_ptr<awaited<position>> done;
  };
  struct lane {
    std::size_t sent = 0;
    std::deque<waiting> queue;
  };
  using lane_map = std::unordered_map<std::string, lane, string_hash, std::equal_to<>>;

  redis::command append_to(const redis_names& names, std::string_view topic, const std::string& memory,
                           const publication& what, std::chrono::nanoseconds remember) const;
  // With the mutex held.
  void send(lane_map::value_type& to, waiting next);
  void on_reply(const std::string& channel, std::size_t bytes, const std::shared_ptr<awaited<position>>& done,
                const result<redis::value>& r);

  redis_site& site_;
  mutable tag_source tags_;
  std::mutex mutex_;
  lane_map lanes_;  // by the channel of the topic
  std::uint64_t last_number_ = 0;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coax::detail
