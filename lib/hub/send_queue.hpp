/// The bounded queue of one peer, for what its socket does not take at once. No I/O and no clock.
#pragma once

#include "hub/ring.hpp"
#include <coax/queue_limits.hpp>

#include <utility>
#include <vector>

namespace coax::detail {

/// A list of *runs*: each is a cursor on a ring and how many messages from there are for the peer. The messages of one
/// topic that come one after the other are one run, however many; so the order across topics is kept, and what many
/// peers have queued of a topic is in memory once. Direct messages are runs on a ring of the peer's own.
class send_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit send_queue(const queue_limits& limits) noexcept : limits_(limits) {}
  send_queue(const send_queue&) = delete;
  send_queue& operator=(const send_queue&) = delete;
  ~send_queue() { clear(); }

  const queue_limits& limits() const noexcept { return limits_; }
  bool empty() const noexcept { return runs_.empty(); }
  std::size_t messages() const noexcept { return messages_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t runs() const noexcept { return runs_.size(); }

  /// Whether a message of `size` bytes has room.
  bool fits(std::size_t size) const noexcept { return fits(size, limits_.messages(), limits_.bytes()); }

  enum class verdict : unsigned char { kept, overflows, rewinds };

  /// Takes an entry of a ring under `policy`, making room for it as far as that goes. `dropped` grows by the messages
  /// that were dropped, the new one included. Not taken if the verdict is another than `kept`.
  verdict push(const shared_ring& log, ring::number at, overflow policy, std::size_t& dropped);
  /// The same for a direct message.
  verdict push(shared_delivery direct, overflow policy, time_point now, std::size_t& dropped);

  /// A log that the peer is to go on reading from `from` on.
  struct rewound {
    shared_ring log;
    shared_delivery from;
    std::size_t messages;
  };
  /// Deals with what has grown too old by `now`. What goes back to its log under `overflow::rewind` is added to `back`.
  verdict expire(time_point now, std::size_t& dropped, std::vector<rewound>& back);
  /// When `expire` is due; never for a queue without messages that age.
  time_point expires() const noexcept;

  /// The oldest message. The queue is not empty.
  const shared_delivery& front() const noexcept { return first(runs_.front()).what; }
  void pop() noexcept;
  /// Drops everything; returns how many messages.
  std::size_t clear() noexcept;

  /// Counts messages of `log`, here or before they came here, as dropped.
  void lose(const ring& log, std::size_t n, std::size_t& dropped);

  /// What comes of `log` does not follow what came.
  void tell_reset(const ring& log);

  /// What the peer has not been told of, if it is to be told; null when that is all.
  struct notice {
    std::shared_ptr<topic_tally> topic;  // null: direct messages
    std::size_t messages;                // that were dropped; 0: a reset
  };
  const notice* untold() const noexcept { return untold_.empty() ? nullptr : &untold_.front(); }
  /// Whether there is a reset of `log` to be told.
  bool owes_reset(const ring& log) const noexcept;
  /// The oldest message of `log`, or null.
  const shared_delivery* first_of(const ring& log) const noexcept;

  void told() noexcept { untold_.erase(untold_.begin()); }

  struct amount {
    std::size_t messages = 0, bytes = 0;
  };
  /// What was under `overflow::block` and has left the queue since the last call.
  amount take_unblocked() noexcept { return std::exchange(unblocked_, {}); }

 private:
  struct run {
    shared_ring log;
    ring::number from;
    std::uint32_t count;
    overflow policy;
  };
  using run_list = boost::container::deque<run>;

  static const ring::entry& first(const run& r) noexcept { return r.log->at(r.from); }
  bool fits(std::size_t size, std::size_t messages, std::size_t bytes) const noexcept {
    return empty() || (messages_ < messages && bytes_ + size <= bytes);
  }
  bool has_room(std::size_t size, overflow policy) const noexcept;
  time_point due(const run& r) const noexcept;
  void append(const shared_ring& log, ring::number at, overflow policy);
  void drop_key(const ring& log, std::string_view key, std::size_t& dropped);
  void drop_topic(const ring& log, std::size_t& dropped);
  bool drop_one(std::size_t& dropped);
  run_list::iterator shorten(run_list::iterator r) noexcept;
  std::size_t let_go(const run& r) noexcept;
  void gone(const run& r, std::size_t size) noexcept;

  queue_limits limits_;
  run_list runs_;  // which, unlike std::deque, holds nothing when empty
  shared_ring direct_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::size_t droppable_ = 0;  // messages that make room for others
  amount unblocked_;
  std::vector<notice> untold_;
};

}  // namespace coax::detail
