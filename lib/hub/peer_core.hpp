/// The state behind `coax::peer`: a connection and its queue, on the connection's executor.
#pragma once

#include "hub/peer_link.hpp"
#include "hub/resume_token.hpp"
#include "hub/send_queue.hpp"
#include "hub/token_bucket.hpp"
#include "hub/topic.hpp"
#include <coax/peer_options.hpp>

#include <boost/intrusive/set.hpp>

#include <cstdint>
#include <vector>

namespace coax::detail {

class registry;
class shard;
class subscription;

/// A message for the members of a topic on one executor, while it is given to one after the other, and held for them.
class offering {
 public:
  /// @param before  that each member gets before this one; may be null.
  offering(const shared_delivery& what, const shared_ring& log, steady::time_point time, std::uint64_t excepted,
           std::uint64_t number, offering* before) noexcept
      : except(excepted), serial(number), what_(what), log_(log), time_(time), before_(before) {}
  offering(const offering&) = delete;
  offering& operator=(const offering&) = delete;
  ~offering() {
    if (at_) log_->release(*at_);
  }

  const std::uint64_t except;  // the id of a peer that is not to get it
  const std::uint64_t serial;  // by which a peer that is in several matching topics gets it once

  const shared_delivery& what() const noexcept { return what_; }
  const shared_ring& log() const noexcept { return log_; }
  /// Its place in the log; it is put there, behind those before it, when the first member has to wait for it.
  ring::number at() {
    if (at_) return *at_;
    if (before_) before_->at();
    return at_.emplace(log_->append(what_, time_));
  }

 private:
  const shared_delivery& what_;
  const shared_ring& log_;
  const steady::time_point time_;
  offering* const before_;
  std::optional<ring::number> at_;
};

class peer_core final : public drain_observer, public std::enable_shared_from_this<peer_core> {
 public:
  peer_core(std::uint64_t id, peer_socket s, const peer_options& options, std::shared_ptr<registry> r,
            std::shared_ptr<shard> home);

  // From any thread -----------------------------------------------------------------------------------------------

  const std::uint64_t id;
  const peer_options options;
  const std::shared_ptr<registry> hub;
  const std::shared_ptr<shard> home;
  conn socket;  // one of these two
  sse::event_stream events;
  const std::shared_ptr<peer_link> link;

  /// Whether the hub has closed it for being slow.
  bool evicted() const noexcept { return evicted_.load(std::memory_order_acquire); }
  overflow default_policy() const noexcept { return limits_.on_full(); }

  /// Whether its bounds allow one more message that was published under `overflow::block`.
  bool has_block_room(std::size_t size) const noexcept;
  /// Such a message is on its way to the inbox of its shard.
  void blocks_on(std::size_t size) noexcept;

  /// For whoever reads, one at a time: whether a message of that size keeps to the rate.
  bool admits(std::size_t size) noexcept;

  // Guarded by the registry: the parts it has in topics, and whether it may have any more.
  std::vector<std::shared_ptr<subscription>> subscriptions;
  bool has_left = false;
  std::size_t place = 0;  // among the peers of the hub

  // From its executor, called by its shard ------------------------------------------------------------------------

  void attached();
  void joined(subscription& s, const join_options& o);
  void left(subscription& s) noexcept;
  /// A message of a topic: to the connection if that has room, otherwise to the queue as far as its limits allow.
  void take(offering& o, subscription& s);
  /// The same for a message to it alone.
  void take(const shared_delivery& direct);
  void on_page(subscription& s, std::uint64_t reader, std::uint64_t question, const result<history_page>& page);
  /// The history of a topic may have been lost.
  void on_reset(subscription& s);
  /// It has come back, and had these names before.
  void resumed(const std::vector<origin>& former);
  /// A resumable client is to be told anew where it is.
  void place_changed();
  /// For where it is.
  resume_token make_token() const;
  /// The end of a turn: what was offered leaves.
  void send_offered();
  /// Closes the connection, usually behind what is queued.
  void close(const close_request& request);
  /// The same at a time, and cuts the connection when it is still there at another.
  void close_later(std::shared_ptr<const close_request> with, steady::time_point at, steady::time_point by);
  /// The handle has gone.
  void detached();
  /// Something in the hub went wrong while a message was for it: rather an end than a silent hole.
  void fail() noexcept;
  /// Whether that was so in one of its topics (`topic_part::lost`).
  bool has_lost() const noexcept;
  void forget_losses() noexcept;
  /// Until a publisher that waits for it may try again.
  task<error_code> wait_for_room(std::size_t size, const context& ctx);
  /// Until it is known whether the past that was asked for is there.
  task<error_code> wait_for_recovery(std::shared_ptr<subscription> s, const context& ctx);
  /// Until the topic is told; `errc::closed` if it is not any more.
  task<error_code> wait_for_news(std::shared_ptr<subscription> s, const context& ctx);

  /// Deals with messages that have grown too old, and with questions to the log that were not answered.
  void on_time(steady::time_point time);
  /// When `on_time` is due; never if nothing waits for it.
  steady::time_point due() const noexcept;

  std::size_t index = 0;    // among the peers of its shard
  bool offered_to = false;  // in this turn of the shard
  using watch_hook = boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  watch_hook watched;  // by the shard
  steady::time_point watched_until;

 private:
  void on_drained() override;
  void on_ended() override;

  // peer_resume.cpp
  bool was(const origin& o) const noexcept;
  position place_in(const subscription& s) const;
  void tell_place();

  bool wants(subscription& s, const log_entry& e) noexcept;
  void enqueue(offering& o, subscription& s);
  void drop(const offering& o, overflow policy) noexcept;
  void go_back(subscription& s, const position& to);
  void read_on();
  bool read_on(subscription& s);
  void become_live(subscription& s);
  bool tell_hole(subscription& s, const topic_feed::reset& hole);
  void tell_recovery(subscription& s, bool whole) noexcept;
  void ask_log(subscription& s);
  bool hand_over(const delivery& what);
  bool tell_losses();
  void pass_on();
  void go_on();
  /// Whether the past is still for it.
  bool reads_on() const noexcept {
    return state_ == state::open || (state_ == state::closing && close_with_.time == close_request::when::read);
  }
  void settle_close();
  void say_farewell(steady::time_point time);
  void evict();
  void end_queue() noexcept;
  void unblock(send_queue::amount n) noexcept;
  void wake_publishers() noexcept;
  subscription* part_of(const ring& log) const noexcept;

  enum class state : unsigned char {
    open,
    closing,  // once the queue has left
    over      // the connection is closing or has ended
  };

  const queue_limits limits_;
  send_queue queue_;
  std::vector<subscription*> parts_;    // from joining to leaving
  std::vector<subscription*> readers_;  // those of them that are not live
  std::vector<waiter*> awaits_room_;
  std::atomic<std::size_t> blocking_messages_{0}, blocking_bytes_{0};
  std::uint64_t last_serial_ = 0;  // of the message that it has got last
  std::uint64_t last_reader_ = 0;
  close_request close_with_{};
  std::shared_ptr<const close_request> farewell_;
  steady::time_point close_at_ = steady::time_point::max();
  steady::time_point cut_at_ = steady::time_point::max();
  token_bucket messages_in_, bytes_in_;
  std::vector<origin> was_;  // the peers that the client has been before
  // Of a resumable one: when the next message takes a new token along, and when there is a new one without any.
  steady::time_point token_at_ = steady::time_point::max();
  steady::time_point renew_at_ = steady::time_point::max();
  bool token_due_ = false;
  std::atomic<state> state_{state::open};  // changed by the executor; publishers look whether it is open
  bool detached_ = false;
  bool was_told_to_go_ = false;
  std::atomic<bool> evicted_{false};
};

}  // namespace coax::detail
