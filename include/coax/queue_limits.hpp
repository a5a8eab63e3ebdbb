/// @file
/// What a hub does for a peer that is slower than its topics.
///
///     coax::hub hub(coax::queue_limits().messages(64).stall(5s).on_full(coax::overflow::drop_oldest));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/status.hpp>

#include <chrono>
#include <cstddef>

namespace coax {

/// What happens to a message that a peer's queue has no room for.
///
/// | policy        | no room for a message              | a message older than `queue_limits::stall`   |
/// | ------------- | ---------------------------------- | -------------------------------------------- |
/// | `disconnect`  | the peer is closed                 | the peer is closed                           |
/// | `drop_oldest` | the oldest go                      | is dropped                                   |
/// | `drop_newest` | it is dropped                      | is dropped                                   |
/// | `conflate`    | the last of its key goes, always   | stays: it is the value of its key            |
/// | `latest`      | the last of its topic goes, always | stays: it is the value of its topic          |
/// | `rewind`      | the peer leaves live               | leaves the queue, to be read again           |
/// | `block`       | whoever publishes waits            | the peer is closed                           |
enum class overflow : unsigned char {
  /// The peer is closed with `queue_limits::close_status` and the reason "slow consumer"; all that it has queued is
  /// dropped.
  disconnect,
  /// Queued messages that may be dropped are dropped, oldest first, until the new one fits; if it does not fit even so,
  /// the new one is dropped.
  drop_oldest,
  /// The new message is dropped. What is queued stays.
  drop_newest,
  /// Of the queued messages of a topic with the same `publish_options::key` only the last stays, at its own place in
  /// the order: the one before is dropped when the new one comes, also when there is room. Beyond that, and without a
  /// key, as `drop_oldest`.
  conflate,
  /// Of the queued messages of a topic only the last stays, whatever their keys. Beyond that as `drop_oldest`.
  latest,
  /// The peer leaves live and keeps its place in the log of the topic (`publish_options::history`); when its queue is
  /// empty again it goes on from there, and is live again when it has come to the end. It gets every message that is
  /// still in the log. What has left the log meanwhile counts as dropped. Not for direct messages (as `disconnect`) nor
  /// for wildcards.
  rewind,
  /// Publishing waits, or is refused, until the peer has room: see `hub::publish`. Bounded are the messages of the
  /// peer's topics under this policy alone. One that comes from another process cannot wait: the peer takes up to twice
  /// the bounds, and is closed beyond. For direct messages as `disconnect`.
  block
};

/// The bounds of the one queue that a peer has for its topics and for what is sent to it directly.
///
/// A message is queued while the peer's socket takes nothing, and leaves the queue when the socket has room again; what
/// has left it (at most the rest of one batch of 64 KiB and one message) cannot be dropped any more. There is no room
/// for a message that would bring the queue above `messages` or `bytes`, except that an empty queue takes any. First of
/// all, queued messages under `overflow::drop_oldest`, `conflate` and `latest` make room, oldest first, for messages of
/// every policy; only then does the policy of the new one decide. Messages are dropped whole and the others keep their
/// order. Control frames and notices are outside the bounds.
///
/// What the queues of many peers hold of one topic is in memory once on each executor.
class COAX_EXPORT queue_limits {
 public:
  queue_limits() = default;

  /// Messages that may be queued, default 256.
  queue_limits& messages(std::size_t n) { return messages_ = n, *this; }
  /// Bytes that may be queued, as framed, default 1 MiB.
  queue_limits& bytes(std::size_t n) { return bytes_ = n, *this; }
  /// How old a queued message may get, default 10 s: then the policy it came under decides. A peer that takes no byte
  /// at all is ended by `conn_options::write_stall_timeout` under every policy.
  queue_limits& stall(std::chrono::nanoseconds age) { return stall_ = age, *this; }
  /// The policy of direct messages, and of topics joined without one of their own; default `overflow::disconnect`.
  queue_limits& on_full(overflow policy) { return on_full_ = policy, *this; }
  /// What a slow peer is closed with, default 1013; throws std::invalid_argument for one that may not be sent.
  queue_limits& close_status(status code);

  /// Whether the peer is told of what was dropped, default false: when its socket has room again it gets a text message
  /// `{"type":"dropped","topic":"lobby","messages":3}` for each topic that has lost some since the last such notice,
  /// before anything else that is queued. Direct messages are those of the topic `""`.
  queue_limits& notices(bool on) { return notices_ = on, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::size_t messages() const noexcept { return messages_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::chrono::nanoseconds stall() const noexcept { return stall_; }
  overflow on_full() const noexcept { return on_full_; }
  status close_status() const noexcept { return close_status_; }
  bool notices() const noexcept { return notices_; }
  /// @}

 private:
  std::size_t messages_ = 256;
  std::size_t bytes_ = 1024 * 1024;
  std::chrono::nanoseconds stall_ = std::chrono::seconds(10);
  status close_status_ = status::try_again_later;
  overflow on_full_ = overflow::disconnect;
  bool notices_ = false;
};

}  // namespace coax
