/// What a client is inside: its inbox, its books, and the nodes that it talks to.
#pragma once

#include "redis/command_link.hpp"
#include "redis/connect.hpp"
#include "redis/counters.hpp"
#include "redis/subscription_link.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

namespace coax::redis {

/// Calls from any thread go through the inbox, which one post empties: what a turn brings leaves in one write. All else
/// is confined to the executor. Where commands and subscriptions go is for the derived class: `single_core` has one
/// node, `cluster_core` one for each master.
///
/// Owned by shared_ptr; owns the links, which know it as their owner: `close` closes them before it goes.
class client_core : public coax::detail::parking_lot, public command_link::owner, public subscription_link::owner {
 public:
  static std::shared_ptr<client_core> create(asio::any_io_executor ex, std::string_view url,
                                             const redis_options& options, std::weak_ptr<client_events> events);
  ~client_core() override;

  // From any thread.
  void send(command c, reply_handler done);
  void subscribe(channel_kind kind, std::string_view name) { put(subscribe_request{kind, std::string(name)}); }
  void unsubscribe(channel_kind kind, std::string_view name) { put(unsubscribe_request{kind, std::string(name)}); }
  void reset(link_kind kind) { put(reset_request{kind}); }
  void close();
  bool cluster() const noexcept { return plan_->url().kind == deployment::cluster; }
  client_stats stats() const noexcept;

 protected:
  using time_point = coax::detail::steady::time_point;

  /// The two connections to a node.
  struct node {
    std::string name;
    std::shared_ptr<command_link> commands;
    std::shared_ptr<subscription_link> subscriptions;

    void start() const;
    void close() const noexcept;
    void pump() const;
  };

  client_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan, std::weak_ptr<client_events> events);

  node make_node(std::string name, link::opener for_commands, link::opener for_subscriptions);
  /// Closes the links of a node that is no longer needed.
  void retire(const node& n);
  const std::shared_ptr<const connect_plan>& plan() const noexcept { return plan_; }
  bool closing() const noexcept { return closing_.load(std::memory_order_relaxed); }

  virtual void begin() = 0;
  virtual void route(pending_command c) = 0;
  virtual void place(channel_kind kind, std::string_view name) = 0;
  virtual void remove(channel_kind kind, std::string_view name) = 0;
  virtual std::vector<const node*> nodes() const = 0;
  /// Ends commands that are with no link and whose time is up; when the next one's is.
  virtual time_point expire_unrouted(time_point) { return time_point::max(); }
  /// Drops them without a reply.
  virtual void forget_unrouted() noexcept {}
  /// The name of the node at the other end of a link.
  virtual std::string name_of(const link& l) const = 0;
  /// Closes what the derived class has beside its nodes, ending its commands.
  virtual void end() {}
  virtual void link_lost(const link&) {}
  /// Called at `tick_at`, or earlier.
  virtual void on_tick(time_point) {}
  void tick_at(time_point at) { wake_at(at); }

  void complete(pending_command& c, const result<value>& r) override;

 private:
  struct refuse_request {
    reply_handler done;
  };
  struct subscribe_request {
    channel_kind kind;
    std::string name;
  };
  struct unsubscribe_request {
    channel_kind kind;
    std::string name;
  };
  struct reset_request {
    link_kind kind;
  };
  using request = std::variant<pending_command, refuse_request, subscribe_request, unsubscribe_request, reset_request>;

  void put(request r);
  void process();
  void serve(pending_command& c);
  void serve(refuse_request& r);
  void serve(subscribe_request& r) { place(r.kind, r.name); }
  void serve(unsubscribe_request& r) { remove(r.kind, r.name); }
  void serve(reset_request& r);
  void finish();
  void expire(time_point now);
  void on_time(time_point now) override;
  void on_shutdown() noexcept override;
  template <class Call>
  void tell(Call call);
  void link_changed(const link& l, link_kind kind, link_event event, std::string_view why);

  void command_link_changed(command_link& l, link_event event, std::string_view why) override;
  void subscription_link_changed(subscription_link& l, link_event event, std::string_view why) override;
  void message(channel_kind kind, std::string_view matched, std::string_view channel,
               std::string_view payload) override;
  void subscribed(channel_kind kind, std::string_view name) override;
  void lost(channel_kind kind, std::string_view name) override;
  void subscription_refused(channel_kind kind, std::string_view name, std::string_view why) override;

  std::shared_ptr<const connect_plan> plan_;
  std::weak_ptr<client_events> events_;
  counters counters_;
  std::atomic<bool> closing_{false};
  time_point next_expiry_ = time_point::max();

  std::mutex mutex_;
  std::vector<request> inbox_;
};

}  // namespace coax::redis
