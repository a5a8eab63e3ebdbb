/// The state behind `coax::hub`: who is in which topic, under one short-held mutex, and the shards.
#pragma once

#include "hub/shard.hpp"
#include "hub/topic.hpp"
#include <coax/hub.hpp>

#include <unordered_map>

namespace coax::detail {

/// The mutex also makes the order of a topic: under it a message is appended to the inbox of every shard with members,
/// and so is every joining and leaving; so all shards see them in one order. Nothing is framed, posted or sent under
/// it.
class registry final : public std::enable_shared_from_this<registry> {
 public:
  explicit registry(const queue_limits& queue) : queue_(queue), counts_(std::make_shared<hub_counts>()) {}

  const queue_limits& default_limits() const noexcept { return queue_; }

  std::shared_ptr<peer_core> attach(conn c, const queue_limits& limits);
  void detach(const std::shared_ptr<peer_core>& p);
  /// Null if the peer has been closed.
  std::shared_ptr<subscription> join(const std::shared_ptr<peer_core>& p, std::string_view name,
                                     const join_options& options);
  void leave(const std::shared_ptr<subscription>& s);
  /// Takes the peer out of all topics for good.
  void leave_all(peer_core& p);
  std::size_t publish(std::string_view name, message_kind kind, asio::const_buffer bytes,
                      const std::shared_ptr<peer_core>& except);
  void send(const std::shared_ptr<peer_core>& p, message_kind kind, asio::const_buffer bytes);
  void close(status code, std::string_view reason);

  std::vector<topic_count> topics() const;
  hub_stats stats() const;

  /// The executor of `s` is going down.
  void forget(const shard& s) noexcept;

 private:
  struct name_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using topic_map = std::unordered_map<std::string, std::shared_ptr<topic>, name_hash, std::equal_to<>>;

  // With the mutex held; whom to wake afterwards.
  std::shared_ptr<shard> shard_for(const asio::any_io_executor& ex);
  std::shared_ptr<topic_part> part_for(topic& t, const std::shared_ptr<shard>& s);
  bool take_out(const std::shared_ptr<subscription>& s);
  bool take_out_all(peer_core& p);

  mutable std::mutex mutex_;
  topic_map topics_;
  std::vector<std::shared_ptr<shard>> shards_;
  std::uint64_t last_id_ = 0;
  std::size_t peers_ = 0;
  std::shared_ptr<const close_request> closed_with_;

  const queue_limits queue_;
  const std::shared_ptr<hub_counts> counts_;
};

}  // namespace coax::detail
