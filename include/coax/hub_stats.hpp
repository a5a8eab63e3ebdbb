/// @file
/// What a hub has done and holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace coax {

/// See `hub::stats`. Of all messages for all peers, each is delivered, dropped, filtered, skipped or queued.
struct hub_stats {
  std::size_t topics = 0;            ///< With at least one member, filters included.
  std::size_t peers = 0;             ///< Attached, whose handle lives.
  std::uint64_t published = 0;       ///< Calls of `publish` that were not refused.
  std::uint64_t publish_errors = 0;  ///< Of these, that the broker has not taken.
  std::uint64_t delivered = 0;       ///< Messages that a peer's connection has taken for sending.
  std::uint64_t dropped = 0;   ///< Messages that a peer did not get: no room, too old, lost from the log, or its end.
  std::uint64_t filtered = 0;  ///< Messages that a peer's filter has refused.
  std::uint64_t skipped = 0;   ///< Messages not for a peer: its own, again, or left to be read from the log.
  std::uint64_t queued = 0;    ///< Messages on their way to a peer's connection.
  std::uint64_t disconnected = 0;   ///< Peers closed for being slow.
  std::uint64_t rewinds = 0;        ///< Peers that left live for the log of a topic.
  std::uint64_t resets = 0;         ///< Histories of topics that were lost or forked.
  std::uint64_t notices = 0;        ///< Told to peers in-band.
  std::uint64_t flushed = 0;        ///< Peers that were told to go, and got all that was for them before.
  std::uint64_t given_up = 0;       ///< Peers that were told to go, and ended before that.
  std::uint64_t undelivered = 0;    ///< Messages that were queued for these.
  std::uint64_t cut = 0;            ///< Connections cut at the limit of a drain.
  std::uint64_t filter_errors = 0;  ///< Filters that have thrown.
  std::uint64_t failures = 0;       ///< Peers ended because something in the hub failed, for want of memory.
};

/// A topic with at least one member.
struct topic_stats {
  std::string name;             ///< Of the topic, or the filter.
  std::size_t members = 0;      ///< Memberships of peers of this hub.
  std::uint64_t published = 0;  ///< Messages, since there are members.
  std::uint64_t dropped = 0;    ///< Of these, for all members together, as `hub_stats::dropped`.
};

/// Whether a hub does what it is for.
enum class hub_state : unsigned char {
  ready,     ///< It is open, and hears its broker.
  degraded,  ///< It is, or may be, deaf to its broker.
  draining,  ///< It takes no peers any more.
  closed     ///< `hub::close` was called.
};

}  // namespace coax
