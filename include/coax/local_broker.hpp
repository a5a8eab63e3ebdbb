/// @file
/// The broker of one process.
///
///     auto broker = coax::local_broker(coax::local_broker_options().history(coax::history_limits().size(100)));
#pragma once

#include <coax/broker.hpp>
#include <coax/detail/export.hpp>

#include <chrono>
#include <memory>

namespace coax {

/// What a local broker keeps.
class local_broker_options {
 public:
  local_broker_options() = default;

  /// Of topics whose publications do not say; default nothing.
  local_broker_options& history(const history_limits& limits) noexcept { return history_ = limits, *this; }
  /// The most payload bytes of one topic's history, whatever its size; default 16 MiB. The last entry is kept even so.
  local_broker_options& max_history_bytes(std::size_t n) noexcept { return max_history_bytes_ = n, *this; }
  /// How long a topic that nobody is in is remembered beyond its history, so that who comes back finds it where it
  /// was; default 5 min.
  local_broker_options& idle_time(std::chrono::nanoseconds t) noexcept { return idle_time_ = t, *this; }
  /// How many topics that nobody is in are kept, with or without history; default 10,000. Beyond, those go first whose
  /// time is up soonest.
  local_broker_options& max_idle_topics(std::size_t n) noexcept { return max_idle_topics_ = n, *this; }
  /// How long, and how many for one topic, idempotency keys are remembered; default 5 min and 1,000.
  local_broker_options& idempotency(std::chrono::nanoseconds time, std::size_t keys) noexcept {
    return idempotency_time_ = time, idempotency_keys_ = keys, *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const history_limits& history() const noexcept { return history_; }
  std::size_t max_history_bytes() const noexcept { return max_history_bytes_; }
  std::chrono::nanoseconds idle_time() const noexcept { return idle_time_; }
  std::size_t max_idle_topics() const noexcept { return max_idle_topics_; }
  std::chrono::nanoseconds idempotency_time() const noexcept { return idempotency_time_; }
  std::size_t idempotency_keys() const noexcept { return idempotency_keys_; }
  /// @}

 private:
  history_limits history_;
  std::size_t max_history_bytes_ = 16 * 1024 * 1024;
  std::chrono::nanoseconds idle_time_ = std::chrono::minutes(5);
  std::size_t max_idle_topics_ = 10'000;
  std::chrono::nanoseconds idempotency_time_ = std::chrono::minutes(5);
  std::size_t idempotency_keys_ = 1'000;
};

/// A broker in memory, for one process; hubs that share it share their topics.
///
/// Publishing tells all sessions inside the call and replies inside it; every entry is told to each once, in the order
/// of its topic's log, the same for all. So does presence. Events are told under a lock that makes that order: do not
/// hold, while publishing, entering, leaving or closing a session, a lock that an event takes. What is published from
/// inside an event is stored at once and told when the event has returned. There is no timer: what has expired is freed
/// by the next call, whatever its topic.
///
/// Topics that a session only watches are nobody's: they are forgotten when there are too many, not when they are old.
COAX_EXPORT std::shared_ptr<broker> local_broker(const local_broker_options& options = {});

}  // namespace coax
