/// The state behind `coax::peer`: a connection and its queue, on the connection's executor.
#pragma once

#include "hub/send_queue.hpp"
#include "websocket/connection.hpp"

#include <vector>

namespace coax::detail {

class registry;
class shard;
class subscription;

/// What to close a peer with.
struct close_request {
  status code;
  std::string reason;
};

class peer_core final : public drain_observer, public std::enable_shared_from_this<peer_core> {
 public:
  peer_core(std::uint64_t id, conn c, const queue_limits& limits, std::shared_ptr<registry> r,
            std::shared_ptr<shard> s);

  /// Throws std::invalid_argument unless the hub can take `c`.
  static void check(const conn& c);

  // From any thread -----------------------------------------------------------------------------------------------

  const std::uint64_t id;
  const std::shared_ptr<registry> hub;
  const std::shared_ptr<shard> home;
  conn socket;

  /// Whether the hub has closed it for being slow.
  bool evicted() const noexcept { return evicted_.load(std::memory_order_acquire); }
  const std::shared_ptr<connection>& link() const noexcept { return socket.connection_; }

  // Guarded by the registry: the parts it has in topics, and whether it may have any more.
  std::vector<std::shared_ptr<subscription>> subscriptions;
  bool has_left = false;

  // From its executor, called by its shard ------------------------------------------------------------------------

  void attached();
  /// A message for the peer: to the connection if that has room, otherwise to the queue as far as its limits allow.
  void offer(const shared_message& frame, overflow policy);
  overflow default_policy() const noexcept { return queue_.limits().on_full(); }
  /// The end of a turn: what was offered leaves.
  void send_offered();
  /// Closes the connection behind what is queued.
  void close(const close_request& request);
  /// The handle has gone.
  void detached();
  /// Deals with messages that have grown too old.
  void check_age(steady::time_point time);
  bool has_backlog() const noexcept { return !queue_.empty(); }
  steady::time_point expires() const { return queue_.expires(); }

  std::size_t index = 0;     // among the peers of its shard
  bool offered_to = false;   // in this turn of the shard
  bool watched_age = false;  // by the shard

 private:
  void on_drained() override;
  void on_ended() override;

  bool hand_over(const shared_message& frame);
  void pass_on();
  void settle_close();
  void evict();
  void lose_queue();

  enum class state : unsigned char {
    open,
    closing,  // once the queue has left
    over      // the connection is closing or has ended
  };

  const std::shared_ptr<connection> connection_;
  send_queue queue_;
  close_request close_with_{};
  state state_ = state::open;
  bool detached_ = false;
  std::atomic<bool> evicted_{false};
};

}  // namespace coax::detail
