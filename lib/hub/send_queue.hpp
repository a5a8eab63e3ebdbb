/// The bounded queue of one peer, for what its socket does not take at once. No I/O and no clock.
#pragma once

#include "websocket/encoded_message.hpp"
#include <coax/hub_options.hpp>

#include <boost/container/deque.hpp>

namespace coax::detail {

class send_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit send_queue(const queue_limits& limits) noexcept : limits_(limits) {}

  const queue_limits& limits() const noexcept { return limits_; }
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t messages() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Whether a message of `size` bytes has room.
  bool fits(std::size_t size) const noexcept {
    return empty() || (messages() < limits_.messages() && bytes_ + size <= limits_.bytes());
  }

  enum class verdict : unsigned char { kept, overflows };

  /// Appends a message that comes under `policy`, making room for it as far as that goes. `dropped` grows by the
  /// messages that were dropped, the new one included.
  verdict push(shared_message frame, overflow policy, time_point now, std::size_t& dropped);

  /// Drops what has grown too old by `now`, unless it may not be dropped.
  verdict expire(time_point now, std::size_t& dropped);
  /// When `expire` is due. The queue is not empty.
  time_point expires() const {
    const auto since = entries_.front().since;
    return limits_.stall() < time_point::max() - since ? since + limits_.stall() : time_point::max();
  }

  /// The oldest message. The queue is not empty.
  const shared_message& front() const noexcept { return entries_.front().frame; }
  void pop() noexcept;
  /// Drops everything; returns how many messages.
  std::size_t clear() noexcept;

 private:
  struct entry {
    shared_message frame;
    time_point since;
    overflow policy;
  };

  bool drop_one() noexcept;

  queue_limits limits_;
  boost::container::deque<entry> entries_;  // which, unlike std::deque, holds nothing when empty
  std::size_t bytes_ = 0;
  std::size_t droppable_ = 0;  // entries under drop_oldest
};

}  // namespace coax::detail
