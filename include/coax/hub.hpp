/// @file
/// A hub: topics that many connections listen to, and messages framed once for all of them.
///
///     coax::hub hub;
///
///     coax::task<> chat(coax::conn c, coax::context ctx) {
///       auto me = hub.attach(std::move(c));
///       auto joined = me.join("lobby");
///       while (auto m = co_await me.next(ctx)) hub.publish("lobby", m->kind(), m->data());
///     }
#pragma once

#include <coax/peer.hpp>

#include <vector>

namespace coax {

namespace detail {
class registry;
}

/// What a hub has done and holds; see `hub::stats`. Of all messages for all peers, each is delivered, dropped or
/// queued.
struct hub_stats {
  std::size_t topics = 0;          ///< With at least one member.
  std::size_t peers = 0;           ///< Attached, whose handle lives.
  std::uint64_t published = 0;     ///< Calls of `publish`.
  std::uint64_t delivered = 0;     ///< Messages that a peer's connection has taken for sending.
  std::uint64_t dropped = 0;       ///< Messages that a peer did not get: no room, too old, or its end.
  std::uint64_t queued = 0;        ///< Messages on their way to a peer's connection.
  std::uint64_t disconnected = 0;  ///< Peers closed for being slow.
};

/// A topic and how many peers are in it.
struct topic_count {
  std::string name;
  std::size_t members;
};

/// Topics and the peers that listen to them, in one process. All members may be called from any thread.
///
/// Publishing never waits and never sends: it frames the message once, appends it to the inbox of each executor on
/// which a member lives, and posts to an executor that was not awake, so that a hub over one io_context per core
/// crosses threads once per core, not once per peer. There, in a turn of its own, the message goes to the members'
/// queues by reference, and what a peer got in one turn leaves in one gather write. A slow peer delays nobody.
///
/// Order: all members of a topic get its messages in the same order. What one thread publishes, sends directly, joins
/// and leaves takes effect in the order of the calls, across topics. Publishing from inside a handler is no exception:
/// nothing is delivered inside `publish`.
class hub {
 public:
  /// `queue` is for peers attached without limits of their own.
  explicit hub(const queue_limits& queue = {});
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;
  /// As `close(status::going_away)`. The peers' handles stay valid.
  ~hub();

  /// Takes a connection into the hub.
  /// @throws std::invalid_argument  not an open handle of a server's connection (a client's frames are masked, each
  ///                                for one connection).
  peer attach(conn c);
  peer attach(conn c, const queue_limits& queue);

  /// Publishes a message to the members of `topic`. Text must be UTF-8; debug builds check (`std::invalid_argument`).
  ///
  /// Returns how many peers are to get it: the members at the message's place in the order of the topic. Whether it
  /// reaches each of them depends on the peer (`queue_limits`); `stats` counts.
  std::size_t publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                      const publish_options& options = {});
  std::size_t publish_text(std::string_view topic, std::string_view text, const publish_options& options = {});

  /// The topics that have members, in no particular order.
  std::vector<topic_count> topics() const;

  /// A snapshot; exact when nothing is under way.
  hub_stats stats() const;

  /// Closes every peer, behind what it has queued, and from now on every one that is attached. Does not wait:
  /// `conn::done` of each tells. @throws std::invalid_argument as `conn::start_close`.
  void close(status code = status::going_away, std::string_view reason = {});

 private:
  std::shared_ptr<detail::registry> registry_;
};

}  // namespace coax
