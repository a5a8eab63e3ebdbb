/// Hears from a Sentinel that the master is another one, which is sooner than to find out.
#pragma once

#include "redis/connect.hpp"
#include "redis/subscription_link.hpp"

#include <functional>
#include <memory>
#include <string>

namespace coax::redis {

/// A subscription to `+switch-master` at one of the Sentinels. Nothing depends on it but speed.
class sentinel_watch final : public subscription_link::owner {
 public:
  using handler = std::function<void(const endpoint&)>;

  sentinel_watch(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan, handler switched);
  sentinel_watch(const sentinel_watch&) = delete;
  sentinel_watch& operator=(const sentinel_watch&) = delete;
  ~sentinel_watch() { close(); }

  void start() { link_->start(); }
  void close() noexcept { link_->close(); }

 private:
  void subscription_link_changed(subscription_link&, link_event, std::string_view) override {}
  void message(channel_kind kind, std::string_view matched, std::string_view channel,
               std::string_view payload) override;
  void subscribed(channel_kind, std::string_view) override {}
  void lost(channel_kind, std::string_view) override {}
  void subscription_refused(channel_kind, std::string_view, std::string_view) override {}
  void channel_moved(subscription_link&, std::string_view) override {}

  std::string master_;
  handler switched_;
  counters counters_;
  std::shared_ptr<subscription_link> link_;
};

/// The new address in a message of `+switch-master`, if it is about that master.
std::optional<endpoint> switched_master(std::string_view message, std::string_view master);

}  // namespace coax::redis
