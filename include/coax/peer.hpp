/// @file
/// A connection in a hub, and its part in a topic.
///
///     auto me = hub.attach(std::move(c));
///     auto joined = me.join("lobby");
///     me.send_text("welcome");
///     while (auto m = co_await me.next(ctx)) hub.publish("lobby", m->kind(), m->data());
#pragma once

#include <coax/conn.hpp>
#include <coax/detail/export.hpp>
#include <coax/event_stream.hpp>
#include <coax/join_options.hpp>
#include <coax/peer_options.hpp>

namespace coax {

namespace detail {
class peer_core;
class subscription;
}  // namespace detail

/// A peer's part in a topic, as long as it lives; destroying it leaves the topic. From any thread; may outlive its peer
/// and its hub, and means nothing then.
class COAX_EXPORT membership {
 public:
  /// No part in any topic.
  membership() noexcept;
  /// For the library.
  explicit membership(std::shared_ptr<detail::subscription> s) noexcept;
  /// Takes the part of another handle over.
  membership(membership&&) noexcept;
  /// The same; what this one took part in is left.
  membership& operator=(membership&&) noexcept;
  ~membership();

  /// Whether this is a part in a topic, until `leave`.
  explicit operator bool() const noexcept { return subscription_ != nullptr; }

  /// The name of the topic; empty for a default-made membership and after `leave`.
  std::string_view topic() const noexcept;

  /// Whether the past that was asked for is there: true if the peer gets everything from `join_options::since` on, and
  /// always for `recent`; false once there is a hole, also one that comes later (a history that was lost, or left
  /// behind under `overflow::rewind`). Waits until that is known; true for a membership that has left or asked for no
  /// past. The membership must stay until completion. @throws system_error `errc::canceled`, `errc::deadline_exceeded`.
  task<bool> recovered(context ctx = {});

  /// Waits until everything that anybody publishes from then on comes: over a network that takes a moment after `join`,
  /// for a local broker it is so at once. True unless the membership, or the peer's connection, has ended before. The
  /// membership must stay until completion. @throws system_error `errc::canceled`, `errc::deadline_exceeded`.
  task<bool> live(context ctx = {});

  /// Leaves. What was published before still comes, nothing else.
  void leave() noexcept;

 private:
  std::shared_ptr<detail::subscription> subscription_;
};

/// A connection that takes part in a hub: a movable handle, made by `hub::attach`.
///
/// All that is sent to it, by `send` or through its topics, goes through one bounded queue (`queue_limits`) and arrives
/// in one order. All members may be called from any thread. A peer that is closed by `overflow::disconnect` leaves its
/// topics, and its reads fail with `errc::slow_consumer`; one whose connection has ended leaves its topics as well.
///
/// Destroying the handle leaves all topics and ends the connection as `conn::close_now` does, unless a close is under
/// way, which goes on in the background. The hub may be gone by then. A moved-from handle may only be destroyed or
/// assigned to.
class COAX_EXPORT peer {
 public:
  /// A handle without a peer.
  peer() noexcept;
  /// For the library.
  explicit peer(std::shared_ptr<detail::peer_core> core) noexcept;
  /// Takes the peer of another handle over.
  peer(peer&&) noexcept;
  /// The same; a peer that this handle had ends as it does when the handle is destroyed.
  peer& operator=(peer&&) noexcept;
  ~peer();

  /// Whether this handle has a peer, whose connection may have ended.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// A number of this peer alone, in its hub: counted from 1, never used again.
  std::uint64_t id() const noexcept;
  /// What it was attached with.
  const peer_options& options() const noexcept;

  /// Takes part in `topic`: the peer gets what is published after this call returned, until it leaves. Over a network
  /// that goes for what this hub publishes; what other nodes do, and what comes by a filter, from a moment later on
  /// (`membership::live`). Joining a topic again gives another handle on the same part, under the options given last:
  /// messages still come once, and the peer leaves with the last handle. A peer whose connection has ended, or that was
  /// too slow, joins nothing.
  ///
  /// With `join_options::since` or `recent` it gets the past of the topic first, at the pace of its socket, and then
  /// what comes, without hole or duplicate. That is ordered with the topic's messages, not with those of others.
  ///
  /// @throws std::invalid_argument  not the name of a topic, nor a filter; a filter with a past or `overflow::rewind`.
  /// @throws system_error           `errc::hub_full`.
  [[nodiscard]] membership join(std::string_view topic, const join_options& options = {});

  /// Sends a message to this peer alone, behind what is queued for it. Never waits; whether it fits is decided by the
  /// queue's limits and their policy. Text must be UTF-8; debug builds check (`std::invalid_argument`).
  void send(message_kind kind, asio::const_buffer bytes);
  /// The same for a text message.
  void send_text(std::string_view text);

  /// The next message from the peer whole, as `conn::next` and `conn::read`.
  /// Of a stream of events nothing comes but its end: `next` waits for it, `read` then fails with `errc::closed`.
  /// @throws as these, and system_error with `errc::slow_consumer` after the hub has closed the peer as too slow.
  task<std::optional<message>> next(context ctx = {});
  /// The same, which throws `close_error` where `next` gives nothing.
  task<message> read(context ctx = {});

  /// A token for the peer's topics, with the places up to which its connection has taken their messages: whoever shows
  /// it to `hub::resume` goes on from there. For clients that are given their tokens in some other way than a resumable
  /// peer is (`peer_options::resumable`): sent to the peer behind those messages, it loses none of them and may repeat
  /// those that come between; kept elsewhere, it may name messages that never arrived.
  /// @throws std::logic_error  the hub has no keys. @throws system_error `errc::canceled`, `errc::deadline_exceeded`.
  task<std::string> resume_token(context ctx = {});

  /// Closes as `conn::start_close` and `conn::close`, behind what is queued; the queue takes nothing more.
  void start_close(status code = status::normal, std::string_view reason = {});
  /// Closes and waits for the end, as `conn::close`.
  task<> close(status code = status::normal, std::string_view reason = {}, context ctx = {});

  /// The connection, for its endpoints, subprotocol, statistics, pings and end. What is written to it directly goes
  /// past the queue. Valid as long as the peer. An empty handle if the peer is a stream of events, and the other way
  /// round.
  conn& connection() noexcept;
  /// The stream of events, for its id and end; see `connection`.
  sse::event_stream& stream() noexcept;

 private:
  friend class hub;
  friend class publish_options;

  std::shared_ptr<detail::peer_core> core_;
};

}  // namespace coax
