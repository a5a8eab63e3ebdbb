/// @file
/// What a hub knows of a peer.
///
///     auto me = hub.attach(std::move(c), coax::peer_options().user("ada").labels({"beta"}));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/queue_limits.hpp>

#include <optional>
#include <string>
#include <vector>

namespace coax {

/// A peer's limits, and what it can be found by.
class COAX_EXPORT peer_options {
 public:
  peer_options() = default;

  /// The bounds of its queue; by default those of the hub.
  peer_options& queue(const queue_limits& q) { return queue_ = q, *this; }
  /// Whose connection it is: for presence and `selector::user`. @throws std::invalid_argument  not UTF-8.
  peer_options& user(std::string name);
  /// What others are to know of the user, such as a name to show. @throws std::invalid_argument  not UTF-8.
  peer_options& data(std::string d);
  /// What it can be found by besides (`selector::label`). @throws std::invalid_argument  not UTF-8.
  peer_options& labels(std::vector<std::string> names);

  /// What may come from the peer through `peer::next` and `read`: messages and bytes a second, each with as much at
  /// once as comes in `burst` seconds; 0 is no limit, the default. One message more closes the peer with 1008 "rate
  /// limit", and `next` throws a `close_error` that says so.
  peer_options& rate(double messages, double bytes = 0, double burst = 2) {
    return messages_ = messages, bytes_ = bytes, burst_ = burst, *this;
  }

  /// Whether the client is told, in-band, what it needs to resume (docs/resume.md): a WebSocket in the messages of the
  /// sub-protocol `coax.resume.v1`, a stream of events in its ids, which then stand for all of its topics. Of what it
  /// has missed it is told as by `queue_limits::notices`. Default false. The hub must have keys
  /// (`hub_options::resume`).
  peer_options& resumable(bool on) { return resumable_ = on, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  double message_rate() const noexcept { return messages_; }
  double byte_rate() const noexcept { return bytes_; }
  double burst() const noexcept { return burst_; }
  const std::optional<queue_limits>& queue() const noexcept { return queue_; }
  const std::string& user() const noexcept { return user_; }
  const std::string& data() const noexcept { return data_; }
  const std::vector<std::string>& labels() const noexcept { return labels_; }
  bool resumable() const noexcept { return resumable_; }
  /// @}

 private:
  std::optional<queue_limits> queue_;
  std::string user_;
  std::string data_;
  std::vector<std::string> labels_;
  double messages_ = 0;
  double bytes_ = 0;
  double burst_ = 2;
  bool resumable_ = false;
};

}  // namespace coax
