/// @file
/// A hub: topics that many connections listen to, and messages framed once for all of them.
///
///     coax::hub hub;
///
///     coax::task<> chat(coax::conn c, coax::context ctx) {
///       auto me = hub.attach(std::move(c));
///       auto joined = me.join("lobby", coax::join_options().recent(50));
///       while (auto m = co_await me.next(ctx))
///         hub.publish("lobby", m->kind(), m->data(), coax::publish_options().history(100));
///     }
#pragma once

#include <coax/broker.hpp>
#include <coax/detail/export.hpp>
#include <coax/drain_options.hpp>
#include <coax/hub_options.hpp>
#include <coax/hub_stats.hpp>
#include <coax/peer.hpp>
#include <coax/publish_options.hpp>
#include <coax/resumption.hpp>
#include <coax/selector.hpp>

#include <vector>

namespace coax {

namespace detail {
class registry;
}

/// Topics and the peers that listen to them. All members may be called from any thread.
///
/// Publishing never sends: the message is framed once, gets its place in the log of its topic from the broker, and is
/// appended to the inbox of each executor on which a member lives; an executor that was not awake is posted to, so that
/// a hub over one io_context per core crosses threads once per core, not once per peer. There, in a turn of its own,
/// the message goes to the members' queues by reference, and what a peer got in one turn leaves in one gather write. A
/// slow peer delays nobody, unless it has joined under `overflow::block`.
///
/// Order: all members of a topic get its messages in the same order. With a local broker, what one thread publishes,
/// sends directly, joins and leaves takes effect in the order of the calls, across topics. Publishing from inside a
/// handler is no exception: nothing is delivered inside `publish`.
///
/// Names of topics are UTF-8 in levels that end at `/`. A name with a level that is `+` or `#` is a filter: it can be
/// joined, `+` for any one level and `#` at the end for all further ones, and not be published to. Any other use of
/// these characters is an ordinary one.
class COAX_EXPORT hub {
 public:
  /// A hub without topics and peers. Needs no executor: it works on those of its peers.
  explicit hub(const hub_options& options = {});
  /// With a local broker.
  explicit hub(const queue_limits& queue);
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;
  /// As `close(status::going_away)`. The peers' handles stay valid.
  ~hub();

  /// Takes a connection into the hub.
  /// @throws std::invalid_argument  not an open handle of a server's connection (a client's frames are masked, each
  ///                                for one connection).
  /// @throws system_error           `errc::hub_full`; `errc::draining`, after closing the connection with 1012.
  peer attach(conn c, const peer_options& options = {});
  /// The same with limits for the queue alone.
  peer attach(conn c, const queue_limits& queue);
  /// Takes a stream of server-sent events into the hub. It gets messages as events of the published type
  /// (`publish_options::event_type`), binary ones in base64, each with its place in the topic's log for an id: with
  /// `position::from_token` that is what a client which comes back has seen last (`event_stream::last_event_id`), for
  /// `join_options::since`. Of what it has missed it is told by events of type `dropped` and `reset`, as by
  /// `queue_limits::notices`. A close status is nothing to it; `drain_options::retry` it is told by `retry:`.
  /// @throws std::invalid_argument  a handle without a stream. system_error as above.
  peer attach(sse::event_stream s, const peer_options& options = {});

  /// Takes a client that has come back to where it was: `token` is what `peer_options::resumable` has it keep (the
  /// first message of `coax.resume.v1`, or `event_stream::last_event_id`), or a `peer::resume_token`. Any hub with the
  /// same keys and broker takes it, also when the node that made it is gone.
  ///
  /// The peer joins the topics of the token, each as `join` answers (by default, with no options) and from where it
  /// was, without hole or duplicate; `membership::recovered` tells whether that was possible. Topics that it is in
  /// already are left alone, so this comes before joining. What it has published itself with `publish_options::except`
  /// it does not get.
  ///
  /// A token that is malformed, forged, expired, or of another user (`peer_options::user`) is refused: the peer joins
  /// nothing, and the connection goes on. A resumable peer is told in-band: `{"type":"resumed","topics":["lobby"]}` or
  /// `{"type":"refused","why":"expired"}`. An empty token is that of a newcomer: nothing happens.
  ///
  /// @throws std::logic_error  the hub has no keys. @throws std::invalid_argument  a peer of another hub; as
  /// `peer::join`.
  /// @throws system_error  as `peer::join`; what has been joined before is left again.
  resumption resume(peer& p, std::string_view token, const rejoin& join = {});

  /// Publishes a message to the members of `topic`. Text must be UTF-8; debug builds check (`std::invalid_argument`).
  ///
  /// Returns how many memberships in this process are to get it: those in the topic, and in filters that match it, at
  /// the time of the call; a peer that has several gets it once. Whether it reaches each of them depends on the peer
  /// (`queue_limits`); `stats` counts. It is not waited for the broker: whether one that is elsewhere has taken it,
  /// `hub_stats::publish_errors` counts.
  ///
  /// @throws system_error  `errc::would_block` if a member under `overflow::block` has no room: nobody gets it.
  /// @throws std::invalid_argument  not the name of a topic.
  std::size_t publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                      const publish_options& options = {});
  /// The same for a text message.
  std::size_t publish_text(std::string_view topic, std::string_view text, const publish_options& options = {});
  /// The same; `errc::would_block` is returned.
  result<std::size_t> try_publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                                  const publish_options& options = {});

  /// Publishes, waiting for room at members under `overflow::block`, and for the broker to have taken it. Returns the
  /// position behind the message. The arguments are copied in the call.
  ///
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded`: while it waited for room, nobody gets it; while
  ///                       it waited for the broker, nobody knows. Errors of the broker.
  [[nodiscard]] task<position> publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                                       const publish_options& options, context ctx);
  /// The same for a text message.
  [[nodiscard]] task<position> publish_text(std::string_view topic, std::string_view text,
                                            const publish_options& options, context ctx);

  /// What the log of a topic holds behind `since` (`position()`: all that is kept), at most `limit` entries of it.
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded`, errors of the broker.
  task<history_page> history(std::string topic, position since, std::size_t limit, context ctx = {});

  /// The topics that have members, in no particular order.
  std::vector<topic_stats> topics() const;

  /// Who is present in a topic (`join_options::presence`), in all processes that share the broker.
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded`, errors of the broker.
  task<std::vector<present_user>> presence(std::string topic, context ctx = {});

  /// A snapshot; exact when nothing is under way.
  hub_stats stats() const;
  /// Whether it does what it is for: the worst of what can be said of it.
  hub_state state() const;

  /// Closes those peers at once: they leave their topics, and what they have queued is dropped. All hubs that share the
  /// broker do so, on all nodes, as soon as they hear of it (not `selector::id`, a number of this hub); those that are
  /// attached later are not meant. Returns how many it were here. @throws std::invalid_argument as `conn::start_close`.
  std::size_t kick(const selector& who, status code = status::policy_violation, std::string_view reason = {});

  /// Sends a part of the peers, chosen at random, to other nodes: each is closed at a random time within `over`, behind
  /// what it has queued, with 1012 and a hint when to come back (`drain_options::retry`). Returns how many.
  std::size_t shed(double fraction, std::chrono::nanoseconds over);

  /// Takes leave of all peers. The hub is not ready any more (`state`, `readyz`) from this call on; after
  /// `drain_options::lead` nobody is attached and nobody joins (`errc::draining`). Each peer is closed at a random time
  /// within the window, behind what was published to it until then (what it has queued, and what it is reading of the
  /// past), and is gone when the client has answered; what is left at the limit is cut. Completes when all handles of
  /// peers are gone, or a second after the limit. Stopping `ctx` ends the wait alone.
  /// @throws system_error `errc::canceled`, `errc::deadline_exceeded`.
  task<drain_report> drain(drain_options options = {}, context ctx = {});

  /// Closes every peer, behind what it has queued, and from now on every one that is attached. Does not wait:
  /// `conn::done` of each tells. @throws std::invalid_argument as `conn::start_close`.
  void close(status code = status::going_away, std::string_view reason = {});

 private:
  task<position> publish_framed(std::string topic, prepared_message what, publish_options options, context ctx);

  std::shared_ptr<detail::registry> registry_;
};

}  // namespace coax
