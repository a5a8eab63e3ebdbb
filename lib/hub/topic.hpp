/// A topic, its part on each executor, and the parts of the peers in it.
#pragma once

#include <coax/hub_options.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coax::detail {

class shard;
class subscription;

/// The members of one topic on one executor.
struct topic_part {
  explicit topic_part(std::shared_ptr<shard> s) noexcept : home(std::move(s)) {}

  const std::shared_ptr<shard> home;
  std::size_t count = 0;  // of the members, as the registry knows them; guarded by it
  /// From the executor. They hold the part in turn: they leave through a command, or when the executor is dead.
  std::vector<std::shared_ptr<subscription>> members;
};

/// A topic with at least one member.
struct topic {
  explicit topic(std::string_view n) : name(n) {}

  const std::string name;
  std::size_t members = 0;  // this and the next guarded by the registry
  std::vector<std::shared_ptr<topic_part>> parts;
};

/// A peer's part in a topic.
class subscription {
 public:
  subscription(std::shared_ptr<peer_core> p, std::shared_ptr<detail::topic> t, std::shared_ptr<topic_part> l) noexcept
      : peer(std::move(p)), topic(std::move(t)), part(std::move(l)) {}

  const std::shared_ptr<peer_core> peer;
  const std::shared_ptr<detail::topic> topic;
  const std::shared_ptr<topic_part> part;
  std::atomic<overflow> policy{overflow::disconnect};
  std::size_t handles = 1;  // guarded by the registry, as is the next
  bool left = false;
  std::size_t index = 0;  // in part->members, from the executor
};

}  // namespace coax::detail
