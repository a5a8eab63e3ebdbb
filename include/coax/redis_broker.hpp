/// @file
/// The broker of many processes: topics that live in Redis, or Valkey.
///
///     auto broker = std::make_shared<coax::redis_broker>(ioc.get_executor(), "redis://127.0.0.1:6379");
///     coax::hub hub(coax::hub_options().broker(broker));
#pragma once

#include <coax/broker.hpp>
#include <coax/detail/export.hpp>
#include <coax/redis_options.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace coax {

/// What a Redis broker keeps there, and how patient it is. All brokers that share topics should have the same.
class COAX_EXPORT redis_broker_options {
 public:
  redis_broker_options() = default;

  /// How to get to Redis. Its limits of the queue and of time are for what is asked; publications have those below.
  redis_broker_options& redis(const redis_options& o) { return redis_ = o, *this; }
  /// What the names of all keys and channels begin with, without braces; default "coax:".
  redis_broker_options& prefix(std::string p) { return prefix_ = std::move(p), *this; }
  /// Of topics whose publications do not say; default nothing.
  redis_broker_options& history(const history_limits& limits) noexcept { return history_ = limits, *this; }
  /// How long a topic that is not used is remembered beyond its history; default a day. Topics that somebody is
  /// subscribed to are in use.
  redis_broker_options& idle_time(std::chrono::nanoseconds t) noexcept { return idle_time_ = t, *this; }
  /// How long idempotency keys are remembered; default 5 min.
  redis_broker_options& idempotency(std::chrono::nanoseconds time) noexcept { return idempotency_time_ = time, *this; }
  /// How many publications, and bytes of them, may be without an answer; beyond, `errc::broker_unavailable`. Default
  /// 10,000 and 64 MiB.
  redis_broker_options& queue(std::size_t messages, std::size_t bytes) noexcept {
    return queue_messages_ = messages, queue_bytes_ = bytes, *this;
  }
  /// How long a publication may take while Redis cannot be reached; default 10 s. Then it fails:
  /// `errc::broker_unavailable` if it was never sent, otherwise `errc::publication_in_doubt`.
  redis_broker_options& publish_time(std::chrono::nanoseconds t) noexcept { return publish_time_ = t, *this; }
  /// How often it is tried whether a publication comes back, and how long that may take; default 2 s.
  redis_broker_options& probe_interval(std::chrono::nanoseconds t) noexcept { return probe_interval_ = t, *this; }
  /// How often a node says that it is alive, and how long it is believed; default 3 s and 10 s.
  redis_broker_options& lease(std::chrono::nanoseconds refresh, std::chrono::nanoseconds expiry) noexcept {
    return lease_refresh_ = refresh, lease_expiry_ = expiry, *this;
  }
  /// How long a topic that nobody here is subscribed to any more stays subscribed, for those who come back at once;
  /// default 1 s.
  redis_broker_options& unsubscribe_delay(std::chrono::nanoseconds t) noexcept { return unsubscribe_delay_ = t, *this; }
  /// In a Cluster: whether messages go by sharded Pub/Sub, to the node of the topic alone. Default true. Without, each
  /// message goes to all nodes, and `watch` works.
  redis_broker_options& sharded(bool on) noexcept { return sharded_ = on, *this; }
  /// How this process is known to the others (`redis_broker::nodes`).
  redis_broker_options& node(std::string name, std::string address) {
    return node_name_ = std::move(name), node_address_ = std::move(address), *this;
  }
  /// Tells, from any thread, how many connections this process has.
  redis_broker_options& connections(std::function<std::size_t()> count) {
    return connections_ = std::move(count), *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const redis_options& redis() const noexcept { return redis_; }
  const std::string& prefix() const noexcept { return prefix_; }
  const history_limits& history() const noexcept { return history_; }
  std::chrono::nanoseconds idle_time() const noexcept { return idle_time_; }
  std::chrono::nanoseconds idempotency_time() const noexcept { return idempotency_time_; }
  std::size_t queue_messages() const noexcept { return queue_messages_; }
  std::size_t queue_bytes() const noexcept { return queue_bytes_; }
  std::chrono::nanoseconds publish_time() const noexcept { return publish_time_; }
  std::chrono::nanoseconds probe_interval() const noexcept { return probe_interval_; }
  std::chrono::nanoseconds lease_refresh() const noexcept { return lease_refresh_; }
  std::chrono::nanoseconds lease_expiry() const noexcept { return lease_expiry_; }
  std::chrono::nanoseconds unsubscribe_delay() const noexcept { return unsubscribe_delay_; }
  bool sharded() const noexcept { return sharded_; }
  const std::string& node_name() const noexcept { return node_name_; }
  const std::string& node_address() const noexcept { return node_address_; }
  const std::function<std::size_t()>& connections() const noexcept { return connections_; }
  /// @}

 private:
  redis_options redis_;
  std::string prefix_ = "coax:";
  history_limits history_;
  std::chrono::nanoseconds idle_time_ = std::chrono::hours(24);
  std::chrono::nanoseconds idempotency_time_ = std::chrono::minutes(5);
  std::size_t queue_messages_ = 10'000;
  std::size_t queue_bytes_ = std::size_t{64} << 20;
  std::chrono::nanoseconds publish_time_ = std::chrono::seconds(10);
  std::chrono::nanoseconds probe_interval_ = std::chrono::seconds(2);
  std::chrono::nanoseconds lease_refresh_ = std::chrono::seconds(3);
  std::chrono::nanoseconds lease_expiry_ = std::chrono::seconds(10);
  std::chrono::nanoseconds unsubscribe_delay_ = std::chrono::seconds(1);
  bool sharded_ = true;
  std::string node_name_;
  std::string node_address_;
  std::function<std::size_t()> connections_;
};

/// A process that shares the topics and is alive.
struct redis_node {
  std::string id;                                 ///< Random, of this run of the process.
  std::string name;                               ///< As given to `redis_broker_options::node`.
  std::string address;                            ///< As given to `redis_broker_options::node`.
  std::size_t connections = 0;                    ///< What `redis_broker_options::connections` has told last.
  std::chrono::system_clock::time_point started;  ///< When its broker was made, by its own clock.
  std::chrono::milliseconds seen{0};              ///< So long ago.
};

namespace detail {
class redis_broker_core;
}

/// A broker over Redis. It connects when it is made and for ever after, and lives as long as one of its sessions.
///
/// Events and replies come on its executor. `broker_session::link` is `ready` when both connections stand, whatever was
/// subscribed is so again, and a publication of its own has come back over them; it is `degraded` from the moment
/// that one of these is in doubt. Meanwhile what is published waits, within bounds; subscriptions are replied to when
/// it is over; questions fail with `errc::broker_unavailable` when their time is up.
///
/// A publication without an idempotency key is stored once all the same, however often a lost connection makes it
/// necessary to send it. In a Cluster `watch` replies `std::errc::operation_not_supported` unless `sharded` is off.
class COAX_EXPORT redis_broker final : public broker {
 public:
  /// @param ex   runs one handler at a time: a strand, or an io_context of one thread. It has to outlive the broker.
  /// @param url  see redis_options.hpp.
  /// @throws system_error errc::bad_url. std::invalid_argument: a prefix with braces.
  redis_broker(boost::asio::any_io_executor ex, std::string_view url, const redis_broker_options& options = {});
  ~redis_broker() override;

  std::unique_ptr<broker_session> open(std::weak_ptr<broker_events> events) override;

  /// Who is alive, this process included, as of the last refresh of each.
  void nodes(broker_session::reply<std::vector<redis_node>> done);
  /// This process, as the others know it.
  const std::string& id() const noexcept;

 private:
  std::shared_ptr<detail::redis_broker_core> core_;
};

}  // namespace coax
