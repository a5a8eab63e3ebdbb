/// @file
/// What a hub does for a peer that is slower than its topics.
///
///     coax::hub hub(coax::queue_limits().messages(64).stall(5s).on_full(coax::overflow::drop_oldest));
#pragma once

#include <coax/status.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace coax {

class peer;

namespace detail {
class peer_core;
}

/// What happens to a message that a peer's queue has no room for.
enum class overflow : unsigned char {
  /// The peer is closed with `queue_limits::close_status` and the reason "slow consumer"; all that it has queued is
  /// dropped.
  disconnect,
  /// Queued messages under this policy are dropped, oldest first, until the new one fits; if it does not fit even so,
  /// the new one is dropped.
  drop_oldest
};

/// The bounds of the one queue that a peer has for its topics and for what is sent to it directly.
///
/// A message is queued while the peer's socket takes nothing, and leaves the queue when the socket has room again; what
/// has left it (at most the rest of one batch of 64 KiB and one message) cannot be dropped any more. There is no room
/// for a message that would bring the queue above `messages` or `bytes`, except that an empty queue takes any. First of
/// all, queued messages under `overflow::drop_oldest` make room, for messages of either policy; only then does the
/// policy of the new one decide. Messages are dropped whole and the others keep their order. Control frames are outside
/// the bounds.
class queue_limits {
 public:
  queue_limits() = default;

  /// Messages that may be queued, default 256.
  queue_limits& messages(std::size_t n) { return messages_ = n, *this; }
  /// Bytes that may be queued, as framed, default 1 MiB.
  queue_limits& bytes(std::size_t n) { return bytes_ = n, *this; }
  /// How old a queued message may get, default 10 s: then the policy it came under decides, and `overflow::drop_oldest`
  /// drops it. A peer that takes no byte at all is ended by `conn_options::write_stall_timeout` under either policy.
  queue_limits& stall(std::chrono::nanoseconds age) { return stall_ = age, *this; }
  /// The policy of direct messages, and of topics joined without one of their own; default `overflow::disconnect`.
  queue_limits& on_full(overflow policy) { return on_full_ = policy, *this; }
  /// What a slow peer is closed with, default 1013; throws std::invalid_argument for one that may not be sent.
  queue_limits& close_status(status code);

  std::size_t messages() const noexcept { return messages_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::chrono::nanoseconds stall() const noexcept { return stall_; }
  overflow on_full() const noexcept { return on_full_; }
  status close_status() const noexcept { return close_status_; }

 private:
  std::size_t messages_ = 256;
  std::size_t bytes_ = 1024 * 1024;
  std::chrono::nanoseconds stall_ = std::chrono::seconds(10);
  status close_status_ = status::try_again_later;
  overflow on_full_ = overflow::disconnect;
};

/// How a peer takes part in a topic.
class join_options {
 public:
  join_options() = default;

  /// The policy for messages of this topic; by default that of the peer's queue.
  join_options& on_full(overflow policy) { return on_full_ = policy, *this; }

  std::optional<overflow> on_full() const noexcept { return on_full_; }

 private:
  std::optional<overflow> on_full_;
};

/// Who is to get a message.
class publish_options {
 public:
  publish_options() = default;

  /// Not this peer, usually the one that the message came from.
  publish_options& except(const peer& p);

  const std::shared_ptr<detail::peer_core>& except() const noexcept { return except_; }

 private:
  std::shared_ptr<detail::peer_core> except_;
};

}  // namespace coax
