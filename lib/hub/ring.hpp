/// What the slow members of a topic have still to get, kept once for all of them on one executor. No I/O and no clock.
#pragma once

#include "hub/delivery.hpp"

#include <boost/container/deque.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace coax::detail {

/// What is known of a topic for as long as anything of it is under way. From any thread.
struct topic_tally {
  explicit topic_tally(std::string_view n) : name(n) {}

  const std::string name;
  std::atomic<std::uint64_t> published{0}, dropped{0};
};

/// Messages numbered in their order. A cursor is a number that its owner *holds*; an entry stays as long as it is held,
/// and can therefore be read wherever a cursor stands. What nobody holds takes no memory, also in the middle, so that
/// one slow reader of old entries does not keep all that came behind them.
class ring {
 public:
  using number = std::uint64_t;
  using time_point = std::chrono::steady_clock::time_point;

  struct entry {
    number at;
    std::uint32_t holders;
    time_point since;
    shared_delivery what;  // null when nobody holds it any more
  };

  /// `t` is null for what is sent to one peer alone.
  explicit ring(std::shared_ptr<topic_tally> t = nullptr) noexcept : tally(std::move(t)) {}

  const std::shared_ptr<topic_tally> tally;

  /// Appends a message, which the caller holds.
  number append(shared_delivery what, time_point since);

  const entry& at(number n) const noexcept { return const_cast<ring*>(this)->find(n); }
  void hold(number n) noexcept { ++find(n).holders; }
  void release(number n) noexcept;

  /// Entries in memory.
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  entry& find(number n) noexcept;
  void sweep() noexcept;

  boost::container::deque<entry> entries_;  // by ascending number; holds nothing when empty
  std::size_t dead_ = 0;                    // of the entries
  number next_ = 0;
};

using shared_ring = std::shared_ptr<ring>;

}  // namespace coax::detail
