/// The bound of WebSockets and streams of events.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace coax::http {

/// One of the places that there are, given back at its end. The counter must outlive it.
class stream_slot {
 public:
  /// Nothing if all `places` are taken.
  static std::optional<stream_slot> take(std::atomic<std::size_t>& taken, std::size_t places) noexcept {
    if (taken.fetch_add(1) < places) return stream_slot(taken);
    --taken;
    return std::nullopt;
  }

  stream_slot(stream_slot&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  stream_slot& operator=(stream_slot&& other) noexcept {
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~stream_slot() {
    if (taken_) --*taken_;
  }

 private:
  explicit stream_slot(std::atomic<std::size_t>& taken) noexcept : taken_(&taken) {}

  std::atomic<std::size_t>* taken_;
};

}  // namespace coax::http
