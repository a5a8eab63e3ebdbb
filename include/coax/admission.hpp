/// @file
/// How many clients a server takes, and what it tells the others.
///
///     coax::server srv(coax::server_options().admission(
///         coax::admission_options().connections(50'000).streams(40'000).retry_after(5s, 30s)));
#pragma once

#include <coax/detail/export.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace coax {

class exchange;

/// What an `admission_hook` says of a request.
enum class admission : unsigned char {
  admit,  ///< It goes to its route.
  refuse  ///< It is answered 503, with `Retry-After`.
};

/// Decides on a request before its route is called, from any thread of the server, without waiting; what it throws
/// refuses with 500.
using admission_hook = std::function<admission(const exchange& x)>;

/// Bounds, each of which is off unless it is set. A request that is refused is answered 503 with a `Retry-After` of its
/// own, so that clients do not all come back at once, and its connection ends.
///
/// These are bounds that a client is told of, below `server_options::max_connections`, at which connections wait in the
/// system's queue, and nobody knows why.
class COAX_EXPORT admission_options {
 public:
  admission_options() = default;

  /// Connections at a time: what comes on one above is refused.
  admission_options& connections(std::size_t n) { return connections_ = n, *this; }
  /// WebSockets and streams of events at a time: `accept` and `sse::accept` refuse what is above.
  admission_options& streams(std::size_t n) { return streams_ = n, *this; }
  /// Asked for each request that the bounds let through.
  admission_options& admit(admission_hook hook) { return admit_ = std::move(hook), *this; }
  /// `Retry-After` is a random time between these, each as likely; default 5 s to 15 s.
  /// @throws std::invalid_argument  less than 1 s, or `most` below `least`.
  admission_options& retry_after(std::chrono::seconds least, std::chrono::seconds most);
  /// Paths that are always served, default "/livez" and "/readyz": a node that is full is not ill, and a balancer that
  /// thought so would send its clients to the others.
  admission_options& exempt(std::vector<std::string> paths) { return exempt_ = std::move(paths), *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::size_t connections() const noexcept { return connections_; }
  std::size_t streams() const noexcept { return streams_; }
  const admission_hook& admit() const noexcept { return admit_; }
  std::chrono::seconds retry_least() const noexcept { return retry_least_; }
  std::chrono::seconds retry_most() const noexcept { return retry_most_; }
  const std::vector<std::string>& exempt() const noexcept { return exempt_; }
  /// @}

 private:
  admission_hook admit_;
  std::vector<std::string> exempt_{"/livez", "/readyz"};
  std::size_t connections_ = static_cast<std::size_t>(-1);
  std::size_t streams_ = static_cast<std::size_t>(-1);
  std::chrono::seconds retry_least_ = std::chrono::seconds(5);
  std::chrono::seconds retry_most_ = std::chrono::seconds(15);
};

}  // namespace coax
