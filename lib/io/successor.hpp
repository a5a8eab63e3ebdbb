/// What an HTTP connection has become: a WebSocket, or a stream of events.
#pragma once

#include <coax/transport.hpp>

#include <stop_token>

namespace coax::detail {

/// Owns the transport from then on. The server needs no more of it than this, on its executor.
class successor {
 public:
  virtual const transport& lower() const noexcept = 0;
  /// Stopped when it has ended.
  virtual std::stop_token done() const noexcept = 0;
  /// Until the transport is closed.
  virtual task<error_code> wait_until_finished(const context& ctx) = 0;
  /// The server goes down: ends in good order, in the background.
  virtual void go_away() = 0;
  /// Time is up.
  virtual void end_now() = 0;

 protected:
  ~successor() = default;
};

}  // namespace coax::detail
