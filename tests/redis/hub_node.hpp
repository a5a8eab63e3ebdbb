/// A process of a server: a hub over a broker, with one client.
#pragma once

#include "hub/hub_fixture.hpp"
#include "redis/redis_broker_world.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <future>

namespace coax::test {

/// The client hears what its peer is sent. The far end of its pipe takes as much as comes.
class hub_node {
 public:
  explicit hub_node(std::shared_ptr<broker> b, const peer_options& who = {})
      : hub(hub_options().broker(std::move(b)).queue(queue_limits().messages(1'000'000).bytes(std::size_t{1} << 30))),
        end_(thread_.executor(), testing::faults().capacity(std::size_t{1} << 28)),
        peer_(std::make_unique<peer>(hub.attach(end_.accept(), who))) {}
  hub_node(const hub_node&) = delete;
  hub_node& operator=(const hub_node&) = delete;
  ~hub_node() {
    parts_.clear();
    peer_.reset();
  }

  void join(std::string_view topic, const join_options& o = {}) { parts_.push_back(peer_->join(topic, o)); }
  /// Until the hub is ready, and what others publish comes as well.
  void wait_ready() {
    test::wait_until([&] { return hub.state() == hub_state::ready; }, "the hub is ready");
    for (auto& p : parts_)
      asio::co_spawn(
          thread_.executor(), [&p] { return p.live(); }, asio::use_future)
          .get();
  }
  /// The frames so far.
  names heard() {
    std::promise<names> read;
    asio::post(thread_.executor(), [&] {
      for (auto& f : end_.frames()) heard_.push_back(std::move(f));
      read.set_value(heard_);
    });
    return read.get_future().get();
  }

 private:
  redis_thread thread_;

 public:
  coax::hub hub;

 private:
  far_end end_;
  names heard_;
  std::unique_ptr<peer> peer_;
  std::vector<membership> parts_;
};

}  // namespace coax::test
