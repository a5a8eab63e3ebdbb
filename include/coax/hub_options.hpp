/// @file
/// What a hub is made with.
///
///     coax::hub hub(coax::hub_options()
///                       .queue(coax::queue_limits().on_full(coax::overflow::rewind))
///                       .broker(coax::local_broker()));
#pragma once

#include <coax/queue_limits.hpp>
#include <coax/resume_options.hpp>

#include <memory>
#include <optional>

namespace coax {

class broker;

/// A hub's broker and limits.
class hub_options {
 public:
  hub_options() = default;

  /// What keeps the logs of the topics; by default a `local_broker` of the hub's own.
  hub_options& broker(std::shared_ptr<coax::broker> b) { return broker_ = std::move(b), *this; }
  /// For peers attached without limits of their own.
  hub_options& queue(const queue_limits& q) { return queue_ = q, *this; }
  /// Peers at a time, default unlimited. One more is refused with `errc::hub_full`.
  hub_options& max_peers(std::size_t n) { return max_peers_ = n, *this; }
  /// Topics of one peer at a time, default 1024. One more is refused with `errc::hub_full`.
  hub_options& max_topics(std::size_t n) { return max_topics_ = n, *this; }
  /// Bytes of a topic's name, default 256. A longer one is refused with std::invalid_argument.
  hub_options& max_name(std::size_t bytes) { return max_name_ = bytes, *this; }

  /// Lets clients that come back go on where they were (`peer_options::resumable`, `hub::resume`). By default a hub has
  /// no keys, and none can.
  hub_options& resume(resume_options o) { return resume_ = std::move(o), *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const std::shared_ptr<coax::broker>& broker() const noexcept { return broker_; }
  const queue_limits& queue() const noexcept { return queue_; }
  std::size_t max_peers() const noexcept { return max_peers_; }
  std::size_t max_topics() const noexcept { return max_topics_; }
  std::size_t max_name() const noexcept { return max_name_; }
  const std::optional<resume_options>& resume() const noexcept { return resume_; }
  /// @}

 private:
  std::shared_ptr<coax::broker> broker_;
  queue_limits queue_;
  std::optional<resume_options> resume_;
  std::size_t max_peers_ = SIZE_MAX;
  std::size_t max_topics_ = 1024;
  std::size_t max_name_ = 256;
};

}  // namespace coax
