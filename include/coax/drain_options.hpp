/// @file
/// How a hub says goodbye to all its peers.
///
///     co_await hub.drain(coax::drain_options().over(30s).limit(45s), ctx);
#pragma once

#include <coax/detail/export.hpp>
#include <coax/status.hpp>

#include <chrono>

namespace coax {

/// When, and with what, peers are closed.
class COAX_EXPORT drain_options {
 public:
  drain_options() = default;

  /// For so long nothing happens but that `readyz` answers 503, so that whoever spreads connections over the nodes
  /// stops sending them here: a little more than it takes a load balancer to notice. Peers are taken meanwhile; the
  /// times below begin behind it. Default 0.
  drain_options& lead(std::chrono::nanoseconds time) { return lead_ = time, *this; }
  /// Each peer is closed at a random time within it, all times alike, so that they do not all come back to the other
  /// nodes at once; default 30 s.
  drain_options& over(std::chrono::nanoseconds window) { return over_ = window, *this; }
  /// By then it ends: connections that are still there are cut; default 45 s.
  drain_options& limit(std::chrono::nanoseconds bound) { return limit_ = bound, *this; }
  /// Default 1012. @throws std::invalid_argument  one that may not be sent.
  drain_options& close_status(status code);
  /// Tells peers when to come back: the close reason is "retry in 2500 ms", each with a random time up to `within`;
  /// default 5 s. Zero tells nothing.
  drain_options& retry(std::chrono::milliseconds within) { return retry_ = within, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::chrono::nanoseconds lead() const noexcept { return lead_; }
  std::chrono::nanoseconds over() const noexcept { return over_; }
  std::chrono::nanoseconds limit() const noexcept { return limit_; }
  status close_status() const noexcept { return close_status_; }
  std::chrono::milliseconds retry() const noexcept { return retry_; }
  /// @}

 private:
  std::chrono::nanoseconds lead_{0};
  std::chrono::nanoseconds over_ = std::chrono::seconds(30);
  std::chrono::nanoseconds limit_ = std::chrono::seconds(45);
  std::chrono::milliseconds retry_ = std::chrono::seconds(5);
  status close_status_ = status::service_restart;
};

/// What a drain has come to.
struct drain_report {
  std::size_t peers = 0;  ///< When the closes began.
  /// That got all that was for them, and then their close, and have confirmed it: a WebSocket by its close frame. Of a
  /// stream of events it is known only that everything has left.
  std::size_t flushed = 0;
  std::size_t given_up = 0;     ///< That were told to go, and whose connections ended in another way before that.
  std::size_t undelivered = 0;  ///< Messages that were queued for these.
  std::size_t cut = 0;   ///< Of these, whose connections were cut at the limit, because they had not ended by then.
  std::size_t left = 0;  ///< Whose handles were not gone when it ended: handlers that do not return.
};

}  // namespace coax
