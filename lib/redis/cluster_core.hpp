/// A client of a Cluster.
#pragma once

#include "redis/client_core.hpp"
#include "redis/topology.hpp"

#include <deque>
#include <exception>
#include <map>
#include <stop_token>
#include <utility>

namespace coax::redis {

/// Sends each command to the master of its slot, and follows the slots as they move. The order of the commands to a
/// slot survives that: while a node that has lost a slot still has commands to answer, what is new goes to it as well
/// and waits there, and then all of it moves together.
///
/// The map comes of CLUSTER SLOTS, asked for on a connection of its own whenever something does not fit.
class cluster_core final : public client_core {
 public:
  cluster_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan, std::weak_ptr<client_events> events);

 private:
  struct member {
    endpoint where;
    node links;
    std::map<std::uint16_t, endpoint> moved;  // what it has said by MOVED since it began to refuse
  };
  using member_ptr = std::unique_ptr<member>;
  using channel = std::pair<channel_kind, std::string>;

  void begin() override { refresh(); }
  void route(pending_command c) override;
  void place(channel_kind kind, std::string_view name) override;
  void remove(channel_kind kind, std::string_view name) override;
  std::vector<const node*> nodes() const override;
  time_point expire_unrouted(time_point now) override;
  void forget_unrouted() noexcept override { const auto dropped = std::exchange(unrouted_, {}); }
  std::string name_of(const link& l) const override;
  void end() override;
  void link_lost(const link&) override { refresh_soon(); }
  void on_tick(time_point now) override;

  bool follows_redirects() const noexcept override { return true; }
  void slot_moved(command_link& l, std::uint16_t slot, std::string_view to) override;
  void slot_is_moving(command_link& l, pending_command c, std::string_view to) override;
  void commands_refused(command_link& l, refusal gravest) override;
  void channel_moved(subscription_link& l, std::string_view name) override;

  member& member_at(const endpoint& where);
  member* member_of(const link& l) const noexcept;
  member* member_for(std::optional<std::uint16_t> slot) const noexcept;
  member* home_of(const channel& c) const noexcept;

  void refresh();
  void refresh_soon();
  void refreshed(std::exception_ptr error, std::vector<slot_range> slots);
  void apply(const std::vector<slot_range>& slots);
  void assign(std::uint16_t slot, member& to);
  void drop_strangers(const std::vector<slot_range>& slots);
  void move_commands(member& from, const std::map<std::uint16_t, endpoint>& moved = {});
  void move_channels();
  bool settled() const noexcept;

  std::map<std::string, member_ptr> members_;
  std::vector<member*> slots_;            // where commands go
  std::vector<member*> channel_slots_;    // where shard channels are, which is sooner up to date
  member* plain_home_ = nullptr;          // where the channels are that belong to no slot
  std::deque<pending_command> unrouted_;  // whose slot is nobody's, as far as is known
  std::map<channel, member*> channels_;   // and where they are subscribed, if anywhere
  std::stop_source stop_;
  backoff backoff_;
  time_point next_refresh_ = time_point::max();
  bool refreshing_ = false;
};

}  // namespace coax::redis
