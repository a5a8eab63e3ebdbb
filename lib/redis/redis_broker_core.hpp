/// The state behind `coax::redis_broker`.
#pragma once

#include "broker/topic_feed.hpp"
#include "io/parking_lot.hpp"
#include "redis/redis_link.hpp"
#include "redis/redis_outbox.hpp"
#include "redis/redis_presence.hpp"
#include "redis/redis_subscriptions.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace coax::detail {

/// Lives as long as the broker and its sessions, and then until it has taken its leave of Redis. Each part has a mutex
/// of its own, which is held for what is sent to the client, so that commands leave in the order of the calls, but
/// never while something is told. All is told on the executor, one after the other.
class redis_broker_core final : public parking_lot, public redis::client_events {
 public:
  /// Dies with its last owner, of those who got it from here.
  static std::shared_ptr<redis_broker_core> create(asio::any_io_executor ex, std::string_view url,
                                                   const redis_broker_options& options);
  redis_broker_core(asio::any_io_executor ex, const redis_broker_options& options);

  // For the sessions; from any thread
  // ----------------------------------------------------------------------------------

  using listener_ptr = std::shared_ptr<redis_listener>;

  listener_ptr open(std::weak_ptr<broker_events> events);
  void close(const listener_ptr& who);
  void unsubscribe(const listener_ptr& who, std::string_view topic);
  void publish(std::string_view topic, publication what, std::shared_ptr<awaited<position>> done);
  void history(std::string_view topic, const position& since, std::size_t limit,
               std::shared_ptr<awaited<history_page>> done);
  void broadcast(std::string_view message);

  redis_subscriptions& subscriptions() noexcept { return subscriptions_; }
  redis_presence& presence() noexcept { return presence_; }
  link_state link() const noexcept { return state_.load(); }
  const std::string& id() const noexcept { return site_.id; }

 private:
  void start(std::string_view url);
  void begin();
  void end();

  // client_events
  void on_message(redis::channel_kind kind, std::string_view matched, std::string_view channel,
                  std::string_view payload) override;
  void on_subscribed(redis::channel_kind kind, std::string_view name) override;
  void on_lost(redis::channel_kind kind, std::string_view name) override;
  void on_link(redis::link_kind kind, redis::link_event event, std::string_view node, std::string_view why) override;

  void on_time(steady::time_point time) override;
  void on_shutdown() noexcept override { site_.ended = true; }

  // On the executor.
  std::vector<std::shared_ptr<broker_events>> everybody() const;
  bool is_repeated(std::string_view channel, std::string_view payload);
  void tell(redis::channel_kind kind, std::string_view topic, std::string_view payload);
  void tell_entry(std::string_view topic, std::string_view text);
  void trouble();
  void check();
  void tell_link();
  void arm();
  bool calm() const { return confirmed_.size() == own_.size() && subscriptions_.complete(); }
  std::string route(unsigned n) const { return site_.id + "." + std::to_string(n); }

  // What is told to all nodes: a topic like others, which the broker follows by itself.
  void begin_control();
  void advance_control();

  redis_site site_;
  redis_outbox outbox_;
  redis_subscriptions subscriptions_;
  redis_presence presence_;

  std::mutex starting_;
  mutable std::mutex mutex_;
  std::vector<listener_ptr> sessions_;
  std::uint64_t last_session_ = 0;

  std::atomic<link_state> state_{link_state::degraded};
  unsigned routes_ = 1;
  std::optional<redis_link> link_;
  unsigned answered_ = 0;                         // routes of the last probe that Redis has taken
  bool commands_lost_ = false;                    // since the link was ready
  std::set<std::string, std::less<>> own_;        // channels that the broker needs
  std::set<std::string, std::less<>> confirmed_;  // of those

  topic_feed control_;
  bool control_begun_ = false;

  std::string last_channel_, last_head_;  // of the last message
  steady::time_point renewal_, touch_;
  std::vector<std::string> to_touch_;
  bool ended_ = false;
};

}  // namespace coax::detail
