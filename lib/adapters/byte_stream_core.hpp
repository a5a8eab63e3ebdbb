/// What is behind a byte stream: its operations, their times, and how a message stream becomes one of bytes.
#pragma once

#include "io/parking_lot.hpp"
#include "websocket/connection.hpp"
#include <coax/byte_stream.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>

#include <cstdint>
#include <exception>
#include <stop_token>
#include <string_view>

namespace coax::detail {

/// Confined to the executor of the connection. An operation that has to wait is a coroutine there, which holds the
/// core; it is stopped by its own stop token, and why is kept beside it.
class byte_stream_core final : public parking_lot {
 public:
  byte_stream_core(conn c, const byte_stream_options& options);

  // From any thread
  void start_read(const stream_pieces& to, stream_operation_ptr op);
  void start_write(const stream_pieces& from, stream_operation_ptr op);
  void start_shutdown(stream_operation_ptr op);
  void cancel(std::uint64_t number);
  void close_write();
  void close(status code, std::string_view reason);
  void close_now();
  /// The stream has gone.
  void abandon() noexcept;
  void expires_at(steady::time_point at);

  conn& handle() noexcept { return handle_; }

 private:
  struct operation {
    stream_operation_ptr handler;  // null when none is in progress
    std::uint64_t number = 0;
    error_code why;  // it is being stopped
    std::stop_source stop;
  };

  std::shared_ptr<byte_stream_core> self() { return std::static_pointer_cast<byte_stream_core>(shared_from_this()); }
  struct outgoing_message;

  template <class Begin>
  void start(operation& slot, stream_operation_ptr op, Begin begin);
  template <class Wait>
  void wait_for(operation& slot, Wait wait);
  void complete(operation& slot, error_code ec, std::size_t n);
  void stop(operation& slot, const error_code& why);
  void stop_all(const error_code& why);
  void on_time(steady::time_point time) override;
  void on_shutdown() noexcept override;

  void begin_read(asio::mutable_buffer to);
  bool take(asio::mutable_buffer to, std::size_t& n, error_code& ec);
  task<> read(asio::mutable_buffer to);
  error_code refuse_kind();
  error_code read_error(const error_code& ec);
  error_code end_of(const error_code& clean) const;

  void begin_write(const stream_pieces& from);
  static error_code cut_text(outgoing_message& m);
  task<> write(outgoing_message m, protocol::opcode op);
  void has_written(const outgoing_message& m, error_code ec);
  task<> close_and_wait();

  conn handle_;
  const std::shared_ptr<connection> connection_;
  const std::size_t max_message_;
  const message_kind kind_;
  std::atomic<std::uint64_t> last_number_{0};
  operation read_, write_, shutdown_;
  steady::time_point deadline_ = steady::time_point::max();
  std::uint64_t message_ = 0;  // being read; 0 between messages
  error_code end_;             // of all reads
  char begun_[4] = {};         // of a character of text that has been written so far
  std::size_t begun_size_ = 0;
};

// Begins `op` on the executor: `begin` completes it, or has it wait.
template <class Begin>
void byte_stream_core::start(operation& slot, stream_operation_ptr op, Begin begin) {
  const std::uint64_t number = ++last_number_;
  op->on_cancel(cancel_request(self(), number));
  asio::dispatch(executor(), [core = self(), &slot, number, begin, op = std::move(op)]() mutable {
    if (slot.handler)
      return op.release()->complete(
          &slot == &core->read_ ? make_error_code(errc::concurrent_read) : error_code(asio::error::in_progress), 0);
    slot.handler = std::move(op);
    slot.number = number;
    if (core->deadline_ != steady::time_point::max() && now() >= core->deadline_)
      return core->complete(slot, errc::deadline_exceeded, 0);
    begin(*core);
  });
}

// `wait` is a callable that returns the coroutine, which completes the operation.
template <class Wait>
void byte_stream_core::wait_for(operation& slot, Wait wait) {
  if (deadline_ != steady::time_point::max()) wake_at(deadline_);
  asio::co_spawn(executor(), std::move(wait), [core = self(), &slot](std::exception_ptr e) {
    if (e) core->complete(slot, boost::system::errc::make_error_code(boost::system::errc::not_enough_memory), 0);
  });
}

}  // namespace coax::detail
