/// The state behind `coax::hub`: who is in which topic, under one short-held mutex, the shards, and the broker.
#pragma once

#include "core/string_hash.hpp"
#include "hub/shard.hpp"
#include "hub/topic.hpp"
#include <coax/hub.hpp>

#include <boost/container/small_vector.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace coax::detail {

/// Two locks. `mutex_` makes the order of a topic: under it a message is appended to the inbox of every shard with
/// members, and so is every joining and leaving; so all shards see them in one order. Nothing is framed, posted, sent
/// or asked of the broker under it, because the broker tells its events under a lock of its own, and they take this
/// one. `joining_`, which no event takes, is held while topics come and go together with the broker's subscriptions.
class registry final : public broker_events, public std::enable_shared_from_this<registry> {
 public:
  static std::shared_ptr<registry> create(const hub_options& options);
  explicit registry(const hub_options& options);

  const queue_limits& default_limits() const noexcept { return options_.queue(); }

  // registry.cpp: who is where
  std::shared_ptr<peer_core> attach(peer_socket s, const peer_options& options);
  void detach(const std::shared_ptr<peer_core>& p);
  /// Null if the peer has been closed.
  std::shared_ptr<subscription> join(const std::shared_ptr<peer_core>& p, std::string_view name,
                                     const join_options& options);
  void leave(const std::shared_ptr<subscription>& s);
  /// Takes the peer out of all topics for good.
  void leave_all(peer_core& p);
  void send(const std::shared_ptr<peer_core>& p, message_kind kind, asio::const_buffer bytes);
  void close(status code, std::string_view reason);
  /// The executor of `s` is going down; the members that it would have taken out of these parts are let go.
  void forget(const shard& s, const std::vector<std::shared_ptr<topic_part>>& left) noexcept;

  // registry_control.cpp: who has to go
  std::size_t kick(const selector& who, status code, std::string_view reason);
  /// Of this hub alone.
  std::size_t kick_here(const selector& who, status code, std::string_view reason);
  std::size_t shed(double fraction, std::chrono::nanoseconds over, const drain_options& how);
  void drain(const drain_options& how);
  /// `done` is told when the last peer has gone.
  void when_empty(broker_session::reply<std::size_t> done);
  hub_state state() const;
  std::size_t peers() const;

  // registry_publish.cpp: what is told
  struct admission {
    std::size_t members = 0;          // that are to get the message
    std::shared_ptr<peer_core> wait;  // one that has no room, instead
  };
  admission admit(std::string_view name, std::size_t size, const publish_options& options);
  void publish(std::string_view name, publication what, broker_session::reply<position> done);
  /// The same when nobody waits for the broker.
  void publish(std::string_view name, publication what);
  publication make(prepared_message m, const publish_options& options) const;
  /// Whether `o` names the peer of that number here.
  bool is_peer(const origin& o, std::uint64_t id) const noexcept { return o.peer == id && o.node == node_; }
  void read_log(const std::shared_ptr<subscription>& s, std::uint64_t reader, const topic_feed::question& q);
  void history(std::string_view name, const position& since, std::size_t limit,
               broker_session::reply<history_page> done);
  void members(std::string_view name, broker_session::reply<std::vector<present_user>> done);
  /// What was to be done by then.
  void on_time(steady::time_point time);

  // registry_resume.cpp: who comes back
  /// @throws std::logic_error  there are no keys.
  const std::optional<resume_options>& resumes() const;
  struct resumed {
    resume_refusal refused = resume_refusal::none;
    std::vector<std::shared_ptr<subscription>> joined;
  };
  resumed resume(const std::shared_ptr<peer_core>& p, std::string_view token, const rejoin& how);
  origin origin_of(const peer_core& p) const noexcept { return {node_, p.id}; }

  // registry_stats.cpp
  std::vector<topic_stats> topics() const;
  hub_stats stats() const;

  /// @throws std::invalid_argument  a name that is empty, too long, not UTF-8, or malformed as a filter. True: a
  /// filter.
  bool check_name(std::string_view name, std::string_view operation) const;
  /// The same, for what is no filter.
  void check_published(std::string_view name) const;

 private:
  using topic_map = std::unordered_map<std::string, std::shared_ptr<topic>, string_hash, std::equal_to<>>;
  using shard_list = boost::container::small_vector<std::shared_ptr<shard>, 16>;
  using topic_list = boost::container::small_vector<std::shared_ptr<topic>, 4>;

  // What is left to do when the mutex has been given back, whatever is thrown: a shard that is not woken when it was
  // said to be asleep would sleep for ever. It outlives the locks.
  struct outcome {
    outcome() = default;
    outcome(const outcome&) = delete;
    outcome& operator=(const outcome&) = delete;
    ~outcome() { wake(); }
    shard_list asleep;
    topic_list abandoned;                                                     // that nobody is in any more
    boost::container::small_vector<std::shared_ptr<subscription>, 4> absent;  // whose presence has ended
    void wake() noexcept;
  };
  static bool push(outcome& to, const std::shared_ptr<shard>& s, command c);

  // With the mutex held. What is made for an executor or for a topic there is in no list yet.
  std::shared_ptr<shard> shard_for(const asio::any_io_executor& ex);
  std::shared_ptr<topic_part> part_for(topic& t, const std::shared_ptr<shard>& s);
  std::shared_ptr<subscription> prepare(const std::shared_ptr<peer_core>& p, std::string_view name, bool filter);
  void enrol(const std::shared_ptr<subscription>& s) noexcept;
  void forget_unused(const std::shared_ptr<topic>& t) noexcept;
  void set_policy(subscription& s, const join_options& o);
  void take_out(const std::shared_ptr<subscription>& s, outcome& to);
  void take_out_all(peer_core& p, outcome& to);
  /// Gives the filters what the topic's feed has not let out: what is before its beginning, or the rest.
  void pass_by(const topic& t, bool before_begin, outcome& to);
  void deliver(std::string_view name, const std::shared_ptr<topic>& exact, const shared_delivery& what, outcome& to);
  /// Something for the topic's members could not be given to all of them, nor to those of filters: they are ended.
  void lose(std::string_view name, const topic* exact, outcome& to) noexcept;
  /// What follows from what the broker has told of a topic; a question to its log, if there is one.
  std::optional<topic_feed::question> advance(const std::shared_ptr<topic>& t, outcome& to);
  std::optional<topic_feed::question> follow(const std::shared_ptr<topic>& t, outcome& to);
  void wake_at(steady::time_point at, outcome& to);
  bool refuses() const noexcept { return drain_ && now() >= drain_->start; }
  steady::time_point random_time_to_go() const;
  static commands::farewell farewell_to(std::shared_ptr<peer_core> p, steady::time_point at, steady::time_point by,
                                        const drain_options& how);
  void schedule(peer_core& p, steady::time_point at, steady::time_point by, const drain_options& how, outcome& to);

  bool has_joined(const peer_core& p, std::string_view name) const;
  /// A resumable peer, in-band.
  void tell(const std::shared_ptr<peer_core>& p, shared_delivery notice);

  // With `joining_` held.
  void drop(const std::shared_ptr<subscription>& s, outcome& to);
  void ask_for(const std::shared_ptr<topic>& t);
  void give_up(const outcome& left);
  std::string handle_of(const peer_core& p) const;

  // broker_events
  void on_entry(std::string_view name, std::string_view epoch, const entry_ptr& entry) override;
  void on_reset(std::string_view name, const position& end) override;
  void on_presence(std::string_view name, const presence_change& change) override;
  void on_link(link_state state) override;
  void on_control(std::string_view message) override;
  void on_subscribed(const std::weak_ptr<topic>& which, const result<position>& from);
  void ask_log(const std::shared_ptr<topic>& t, const topic_feed::question& q);

  const hub_options options_;
  const std::uint64_t node_;  // a random number, by which its peers are known to other nodes
  const std::shared_ptr<hub_counts> counts_;

  std::mutex joining_;
  mutable std::mutex mutex_;
  topic_map topics_;
  std::vector<std::shared_ptr<topic>> filters_;  // those of the topics that are one
  std::vector<std::shared_ptr<shard>> shards_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_serial_ = 0;
  std::vector<peer_core*> peers_;  // whose handles live
  std::vector<broker_session::reply<std::size_t>> when_empty_;
  struct leave_taking {
    drain_options how;
    steady::time_point start, end;  // of the closes
  };
  std::optional<leave_taking> drain_;
  std::shared_ptr<const close_request> closed_with_;

  const std::shared_ptr<broker> broker_;
  std::unique_ptr<broker_session> session_;  // the first to go: nothing is told any more
};

}  // namespace coax::detail
