/// Awaitable reads and writes on a transport, for what comes before a WebSocket: HTTP and handshakes.
#pragma once

#include "io/parking_lot.hpp"
#include <coax/transport.hpp>

namespace coax::detail {

/// One reader and one writer at a time, on the transport's executor. Giving up a wait leaves the transport intact, so
/// it can be handed on at any time: `release()`, or another observer.
class stream final : public parking_lot, public transport::observer {
 public:
  /// Use instead of the constructor: the transport must know the stream by shared_ptr.
  static std::shared_ptr<stream> create(std::shared_ptr<transport> t);
  explicit stream(std::shared_ptr<transport> t) : parking_lot(t->executor()), transport_(std::move(t)) {}

  transport& lower() noexcept { return *transport_; }
  std::shared_ptr<transport> release() noexcept { return std::move(transport_); }

  /// Bytes that have arrived, at least one. The error of the transport (`asio::error::eof` at the end), or of `ctx`.
  task<result<std::size_t>> read_some(asio::mutable_buffer to, const context& ctx);
  /// Waits until `read_some` of the transport is worth a try; reads nothing.
  task<error_code> readable(const context& ctx);
  /// Sends all. After an error of `ctx` part of it may have been sent: the stream is then only good for closing.
  task<error_code> write(std::span<const asio::const_buffer> from, const context& ctx);
  task<error_code> write(asio::const_buffer from, const context& ctx);
  /// Says the end, then reads and discards until the peer's end, then closes: a peer that is still sending can read
  /// our last words (close over unread input would send RST). Bounded by `ctx`.
  task<> shutdown(const context& ctx);

 private:
  void on_ready(transport::direction d) override;
  void on_shutdown() noexcept override;
  task<error_code> wait(transport::direction d, const context& ctx);

  std::shared_ptr<transport> transport_;
  waiter* parked_[2] = {};
};

}  // namespace coax::detail
