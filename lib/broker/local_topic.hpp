/// A topic of the local broker, and the sessions that hear of it.
#pragma once

#include "broker/presence_table.hpp"
#include "broker/recent_keys.hpp"
#include "broker/topic_log.hpp"
#include <coax/local_broker.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coax::detail {

/// What a session is for the broker. The sets are guarded by the broker.
struct local_listener {
  explicit local_listener(std::weak_ptr<broker_events> e) noexcept : events(std::move(e)) {}

  const std::weak_ptr<broker_events> events;
  std::atomic<bool> open{true};
  std::set<std::string, std::less<>> subscribed;
  std::set<std::string, std::less<>> watched;             // filters
  std::set<std::pair<std::string, std::string>> entered;  // topics, handles
};

/// A listener's part in a topic; it has one as long as it hears of the topic in one way or the other.
struct local_part {
  std::shared_ptr<local_listener> who;
  bool subscribed = false;
  std::size_t filters = 0;  // that match
};

/// Replaced as a whole when it changes, so that it can be told to without a lock.
using local_parts = std::vector<local_part>;

/// Guarded by the broker.
struct local_topic {
  local_topic(std::string_view n, const local_broker_options& options)
      : name(n),
        log(options.history(), options.max_history_bytes()),
        keys(options.idempotency_time(), options.idempotency_keys()) {}

  /// Nobody is in it.
  bool idle() const noexcept { return subscribers == 0 && present.empty(); }
  local_part* part_of(const local_listener& who, local_parts& in) const noexcept {
    for (auto& p : in)
      if (p.who.get() == &who) return &p;
    return nullptr;
  }

  const std::string name;
  topic_log log;
  recent_keys keys;
  presence_table present;
  std::shared_ptr<const local_parts> parts = std::make_shared<const local_parts>();
  std::size_t subscribers = 0;
  steady::time_point last_used;
  // Under which times it is in the broker's timetables.
  std::optional<steady::time_point> expiry, farewell;
};

}  // namespace coax::detail
