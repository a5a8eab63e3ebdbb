/// A client of one server: a fixed one, or whatever the Sentinels call master.
#pragma once

#include "redis/client_core.hpp"
#include "redis/sentinel_watch.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace coax::redis {

class single_core final : public client_core {
 public:
  single_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan, std::weak_ptr<client_events> events);

 private:
  void begin() override;
  void route(pending_command c) override { server_.commands->push(std::move(c)); }
  void place(channel_kind kind, std::string_view name) override { server_.subscriptions->want(kind, name); }
  void remove(channel_kind kind, std::string_view name) override { server_.subscriptions->unwant(kind, name); }
  std::vector<const node*> nodes() const override { return {&server_}; }
  std::string name_of(const link&) const override { return where_->name(); }
  void end() override;

  bool follows_redirects() const noexcept override { return false; }
  void slot_moved(command_link&, std::uint16_t, std::string_view) override {}
  void slot_is_moving(command_link&, pending_command, std::string_view) override {}
  void commands_refused(command_link& l, refusal gravest) override;
  void channel_moved(subscription_link&, std::string_view) override {}
  void master_switched(const endpoint& to);

  std::shared_ptr<endpoint> where_;  // shared with attempts to connect, which find the master
  node server_;
  std::optional<sentinel_watch> watch_;
};

}  // namespace coax::redis
