/// @file
/// What keeps the logs of the topics and tells the nodes that subscribe to them: the interface between a hub and a
/// broker. Programs that use a hub need `local_broker` (or another) and nothing of this; docs/broker.md tells how to
/// write a broker.
///
///     auto session = broker->open(hub_events);
///     session->subscribe("lobby", [](coax::result<coax::position> live_from) { ... });
///     session->publish("lobby", coax::publication(coax::prepared_message("hello")));   // hub_events->on_entry(...)
#pragma once

#include <coax/detail/export.hpp>
#include <coax/error.hpp>
#include <coax/log_entry.hpp>

#include <functional>
#include <string>
#include <vector>

namespace coax {

/// Whether a history goes on from a position.
enum class continuity : unsigned char {
  whole,    ///< The position is in it: what follows is all that came after.
  too_old,  ///< It may be in it, but entries behind it are no longer kept: there is a hole.
  forked    ///< It is not: another epoch, another tag at its offset, or an offset that is not there yet. What was seen
            ///< up to it is, in part or in whole, not what this history holds.
};

/// An answer of `broker_session::history`.
struct history_page {
  history_page() = default;

  continuity found = continuity::whole;  ///< Whether the log goes on from the position that was asked for.
  /// Consecutive, oldest first: those behind the position asked for if it is whole, otherwise all that are kept, from
  /// the oldest on.
  std::vector<entry_ptr> entries;
  /// Whether there are more behind them.
  bool more = false;
  /// The end of the log when it was read, also if there is `more`; its epoch is that of the entries.
  position end;
};

/// Somebody who is present in a topic through one handle: a tab, a connection.
class presence_member {
 public:
  presence_member() = default;
  /// @param handle  unique in the topic, across all nodes.
  /// @param user    whoever it is; may be present through many handles.
  presence_member(std::string handle, std::string user) : handle_(std::move(handle)), user_(std::move(user)) {}

  /// Anything that others are to know, such as a name to show.
  presence_member& data(std::string d) { return data_ = std::move(d), *this; }

  /// @name As made
  /// @{

  /// What it was made with.
  const std::string& handle() const noexcept { return handle_; }
  const std::string& user() const noexcept { return user_; }
  const std::string& data() const noexcept { return data_; }
  /// @}

 private:
  std::string handle_;
  std::string user_;
  std::string data_;
};

/// A user who is present in a topic.
struct present_user {
  std::string user;         ///< As `presence_member::user`.
  std::string data;         ///< Of the handle that entered last.
  std::size_t handles = 0;  ///< Through how many.
};

/// A user has come with the first of its handles, or gone with the last.
struct presence_change {
  /// Which of both it was.
  enum class kind : unsigned char {
    joined,  ///< With the first handle.
    left     ///< With the last handle.
  };

  kind what = kind::joined;  ///< Come or gone.
  std::string user;          ///< As `presence_member::user`.
  std::string data;          ///< Of that handle.
};

/// Whether a broker can be reached. A local one always can.
enum class link_state : unsigned char {
  ready,    ///< Entries come as they are published, as far as the broker knows.
  degraded  ///< It may be deaf: entries may be missing until it is ready again.
};

/// What a broker tells: the other end of a `broker_session`, which a hub implements.
///
/// Called from any thread, one call at a time for a session unless said otherwise by the broker; a call must be short
/// and not block. It may use the session, though what it causes is told after it has returned. Views are valid inside
/// the call.
///
/// An entry is stored before it is told: a `history` begun inside `on_entry` has it, unless its history is lost by
/// then. Nothing else is promised about the entries of a topic that come over a network: each comes once as a rule,
/// but also late, twice, out of order or not at all, and those of a history that has forked among those of the new
/// one. Offsets, tags and epochs are there to tell. A local broker tells each entry once, in order.
class COAX_EXPORT broker_events {
 public:
  /// An entry of a topic that the session is subscribed to, or watches. Also, for a moment, of one that it was.
  virtual void on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) = 0;
  /// The topic's history as it was told may have been lost, wholly or at its end, and the log now ends at `end`.
  /// A broker tells what it notices; that it says nothing does not mean that there was no fork.
  virtual void on_reset(std::string_view topic, const position& end) = 0;
  /// Somebody has come to, or gone from, a topic that the session is subscribed to. In one order with the entries only
  /// if the broker is local.
  virtual void on_presence(std::string_view topic, const presence_change& change) = 0;
  /// The link is what it was not before. When it is ready again, each topic has to be compared with its log (`history`
  /// from where one stands), because the last entry of a topic may be among what was missed, and so may changes of
  /// presence (`members`).
  virtual void on_link(link_state state) = 0;
  /// What a session has told all (`broker_session::broadcast`).
  virtual void on_control(std::string_view) {}

 protected:
  /// @name For classes derived from it
  /// @{

  /// Nothing is held here that would have to be copied.
  broker_events() = default;
  broker_events(const broker_events&) = default;
  broker_events& operator=(const broker_events&) = default;
  ~broker_events() = default;
  /// @}
};

/// A node's part in a broker. Destroying it unsubscribes from all, takes its members out of presence, and ends what is
/// under way with `errc::canceled`. Events are not begun any more when the destructor has returned, though one that
/// another thread is in may still be running.
///
/// All members may be called from any thread, also from inside an event or a reply, and never block on a network.
/// A reply is called exactly once, from any thread, often inside the call; it must not throw. Topics are any bytes.
class COAX_EXPORT broker_session {
 public:
  /// How a call answers: a value, or what went wrong.
  template <class T>
  using reply = std::function<void(result<T>)>;

  broker_session() = default;
  broker_session(const broker_session&) = delete;
  broker_session& operator=(const broker_session&) = delete;
  virtual ~broker_session() = default;

  /// From the position that the reply names, the end of the log at that time, all entries of the topic are told. They
  /// may come before the reply does. What is published by this node after the call is behind that position, whichever
  /// session does it. Subscribing to what one is subscribed to names the end of the log, no more.
  ///
  /// A broker that is not reachable may take the subscription all the same and reply late, when it is; or reply with
  /// `errc::broker_unavailable`, and is then to be asked again.
  virtual void subscribe(std::string_view topic, reply<position> done) = 0;
  /// What is under way may still be told.
  virtual void unsubscribe(std::string_view topic) = 0;

  /// Subscribes to all topics, there or to come, that a filter matches, for `on_entry` alone: levels end at `/`, `+`
  /// is any one level, `#` at the end all further ones. An entry is told once, however many ways a session asks for it.
  /// @throws std::invalid_argument  not a filter.
  virtual void watch(std::string_view filter, reply<void> done) = 0;
  /// Ends `watch` for the same filter. What is under way may still be told.
  virtual void unwatch(std::string_view filter) = 0;

  /// Appends to the topic's log and tells all sessions that are subscribed, this one as well. `done`, which may be
  /// null, gets the position of the entry; that of the first one if the idempotency key has been used before.
  ///
  /// An error does not say that the entry is not stored, except for `errc::broker_unavailable`, which says so. What one
  /// thread publishes to a topic is appended in the order of the calls, as far as it does not fail.
  virtual void publish(std::string_view topic, publication what, reply<position> done) = 0;

  /// What the log holds behind `since`, at most `limit` entries of it; `position()` asks for all that is kept. A
  /// limit of 0 compares `since` with the log. A topic that nobody has used has an empty log.
  virtual void history(std::string_view topic, const position& since, std::size_t limit, reply<history_page> done) = 0;

  /// Somebody is present in the topic until `leave`, or as long as the session is alive (by a lease, over a network).
  /// The same handle again replaces its data. Unreachable brokers are told later.
  virtual void enter(std::string_view topic, presence_member member) = 0;
  /// The end of `enter` for that handle; nothing for one that is not there.
  virtual void leave(std::string_view topic, std::string_view handle) = 0;
  /// Who is present, in no particular order.
  virtual void members(std::string_view topic, reply<std::vector<present_user>> done) = 0;

  /// Tells all sessions of all nodes, this one as well: for orders that have nothing to do with topics, such as who has
  /// to go. Rare, and best effort: over a network, a node that cannot be reached for longer than a minute misses it.
  virtual void broadcast(std::string_view message) = 0;

  /// Whether the broker can be reached now.
  virtual link_state link() const noexcept = 0;
};

/// Logs of topics that nodes share. All members may be called from any thread.
class COAX_EXPORT broker {
 public:
  broker() = default;
  broker(const broker&) = delete;
  broker& operator=(const broker&) = delete;
  virtual ~broker() = default;

  /// A session that tells `events` for as long as both live; the session keeps the broker alive, and a call keeps the
  /// events alive.
  virtual std::unique_ptr<broker_session> open(std::weak_ptr<broker_events> events) = 0;
};

}  // namespace coax
