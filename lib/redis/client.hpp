/// One logical Redis - a server, what a Sentinel names as master, or a Cluster - behind two connections per node: one
/// for commands, pipelined, and one for subscriptions.
///
///     redis::client redis(ex, "redis://127.0.0.1:6379", options, events);
///     redis.send(redis::command("INCR").key("visits"), [](const coax::result<redis::value>& r) { ... });
///     redis.subscribe(redis::channel_kind::plain, "news");      // events: on_subscribed, then on_message ...
#pragma once

#include "protocol/resp.hpp"
#include "redis/command.hpp"
#include <coax/redis_options.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coax::redis {

class client_core;

/// A view of a reply, valid inside the call that it is handed to.
using value = protocol::resp_value;

/// Called once, on the client's executor, never inside `send`; it may use the client, and must not throw.
///
/// A value may be an error of Redis (`is_error`): the command was refused, or failed by itself. Otherwise:
///   errc::broker_unavailable    surely not executed: it could not be sent in time, there was no room in the queue, or
///                               each node said that it would not (READONLY, LOADING, CLUSTERDOWN ...) up to its
///                               expiry.
///   errc::publication_in_doubt  sent, but the connection was lost, or the time was up, before the reply: executed or
///                               not. An idempotent command is sent again instead, for as long as it has not expired;
///                               that Redis refuses it then says nothing of the first time.
///   errc::canceled              the client was closed; executed or not.
using reply_handler = std::function<void(const result<value>&)>;

/// The ways to subscribe of Redis: SUBSCRIBE, PSUBSCRIBE (glob patterns), SSUBSCRIBE (Redis 7; in a Cluster the node
/// of the channel's slot has it).
enum class channel_kind : unsigned char { plain, pattern, shard };

/// The two connections to a node.
enum class link_kind : unsigned char { commands, subscriptions };

enum class link_event : unsigned char {
  up,      ///< Connected, authenticated and of the right role. What waits to be said to Redis is on its way.
  down,    ///< Was up and is no more; it is being connected again.
  refused  ///< An attempt to connect has failed; another one follows. Told once until the link is up.
};

/// What a client tells: on its executor, one call at a time. Views are valid inside the call. May use the client.
class client_events {
 public:
  /// A message on a channel. `matched` is the pattern for `channel_kind::pattern`, otherwise empty.
  virtual void on_message(channel_kind kind, std::string_view matched, std::string_view channel,
                          std::string_view payload) = 0;
  /// Redis has confirmed the subscription: what is published from now on comes, until `on_lost`. After each reconnect
  /// it is told for each subscription again. What was published in between is lost.
  virtual void on_subscribed(channel_kind kind, std::string_view name) = 0;
  /// A confirmed subscription has ended without being asked to (the connection, a slot that moved); it is being
  /// restored. Not told after `unsubscribe`.
  virtual void on_lost(channel_kind kind, std::string_view name) = 0;
  /// Redis has refused the subscription (the user's ACL, say); it is asked again from time to time.
  virtual void on_refused(channel_kind kind, std::string_view name, std::string_view why) {
    static_cast<void>(kind), static_cast<void>(name), static_cast<void>(why);
  }
  /// `node` is "host:port" or the path of a socket, `why` for people. In a Cluster each node has its links.
  virtual void on_link(link_kind kind, link_event event, std::string_view node, std::string_view why) = 0;

 protected:
  ~client_events() = default;
};

/// Figures since the client began.
struct client_stats {
  std::uint64_t commands_sent = 0;  ///< Again counts again.
  std::uint64_t replies = 0;
  std::uint64_t writes = 0;  ///< Calls that moved bytes of commands: commands_sent / writes is the depth of pipelining.
  std::uint64_t messages = 0;
  std::uint64_t connects = 0;  ///< Links that came up.
  std::size_t queued = 0;      ///< Commands without a reply, sent or not.
  std::size_t queued_bytes = 0;
  std::size_t subscriptions = 0;  ///< Asked for.
  std::size_t confirmed = 0;      ///< Of those, confirmed by Redis.
};

/// Connects when it is made and for ever after, with decorrelated jitter between attempts. Members may be called from
/// any thread, also inside a reply or an event, and never block. Calls of one thread take effect in their order:
/// commands to one key leave in that order, and in a turn of the executor all that is queued leaves in one write.
/// Commands that had to be sent again keep their place before those that were never sent.
///
/// The destructor closes. No event or reply is begun after `close` or the destructor has been called on the executor;
/// called elsewhere, one that is running may still be running, and those to cancel are called later on the executor.
/// Replies that the end of the io_context finds are destroyed without being called.
class client {
 public:
  /// @param ex      runs one handler at a time: a strand, or an io_context of one thread.
  /// @param url     see `redis_options`.
  /// @param events  told for as long as it lives; may be empty.
  /// @throws system_error errc::bad_url, with a text that shows no password; what is wrong with the TLS files.
  client(asio::any_io_executor ex, std::string_view url, const redis_options& options,
         std::weak_ptr<client_events> events);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  /// `done` may be null.
  void send(command c, reply_handler done);

  /// Subscribes, once however often it is asked for; batched, and restored after each reconnect.
  void subscribe(channel_kind kind, std::string_view name);
  /// What is under way may still be told.
  void unsubscribe(channel_kind kind, std::string_view name);

  /// Gives up the connections of this kind and makes new ones at once: they seem to be deaf.
  void reset(link_kind kind);

  /// Whether the URL names a Cluster: then `channel_kind::shard` and SPUBLISH are what scales.
  bool cluster() const noexcept;

  client_stats stats() const;

  /// Ends all connections and what is under way with `errc::canceled`.
  void close();

 private:
  std::shared_ptr<client_core> core_;
};

}  // namespace coax::redis
