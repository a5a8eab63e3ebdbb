#include "adapters/byte_stream_core.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>

namespace coax::detail {

byte_stream_core::byte_stream_core(conn c, const byte_stream_options& options)
    : parking_lot(c.get_executor()),
      handle_(std::move(c)),
      connection_(handle_.connection_),
      max_message_(options.max_message()),
      kind_(options.kind()) {
  handle_.read_limit(0);
  connection_->at_home([](connection& home) { home.welcome_half_close(); });
}

void cancel_request::operator()(asio::cancellation_type type) const {
  const auto core = core_.lock();
  if (core && type != asio::cancellation_type::none) core->cancel(number_);
}

void byte_stream_core::complete(operation& slot, error_code ec, std::size_t n) {
  if (!slot.handler) return;
  if (ec == errc::canceled && slot.why) ec = slot.why;
  if (slot.stop.stop_requested()) slot.stop = std::stop_source();
  slot.why = {};
  slot.number = 0;
  auto* op = slot.handler.release();
  if (deadline_ != steady::time_point::max() && !read_.handler && !write_.handler && !shutdown_.handler) wake_never();
  op->complete(ec, n);
}

void byte_stream_core::stop(operation& slot, const error_code& why) {
  if (!slot.handler || slot.why) return;
  slot.why = why;
  slot.stop.request_stop();
}

void byte_stream_core::stop_all(const error_code& why) {
  for (auto* slot : {&read_, &write_, &shutdown_}) stop(*slot, why);
}

// By post: a slot's handler must not go on with whoever fired it.
void byte_stream_core::cancel(std::uint64_t number) {
  if (shut_down()) return;
  asio::post(executor(), [core = self(), number] {
    for (auto* slot : {&core->read_, &core->write_, &core->shutdown_})
      if (slot->number == number) core->stop(*slot, asio::error::operation_aborted);
  });
}

void byte_stream_core::expires_at(steady::time_point at) {
  asio::dispatch(executor(), [core = self(), at] {
    core->deadline_ = at;
    const bool waits = core->read_.handler || core->write_.handler || core->shutdown_.handler;
    if (waits && at != steady::time_point::max()) core->wake_at(at);
    if (at == steady::time_point::max()) core->wake_never();
  });
}

void byte_stream_core::on_time(steady::time_point time) {
  if (deadline_ == steady::time_point::max()) return;
  if (time >= deadline_) return stop_all(errc::deadline_exceeded);
  if (read_.handler || write_.handler || shutdown_.handler) wake_at(deadline_);
}

void byte_stream_core::close_write() {
  connection_->at_home([](connection& home) { home.half_close(); });
}

void byte_stream_core::close(status code, std::string_view reason) {
  handle_.start_close(code, reason);
  asio::dispatch(executor(), [core = self()] { core->stop_all(asio::error::operation_aborted); });
}

void byte_stream_core::close_now() {
  asio::dispatch(executor(), [core = self()] {
    core->stop_all(asio::error::operation_aborted);
    core->connection_->end_now();
  });
}

void byte_stream_core::abandon() noexcept {
  if (shut_down()) return;
  asio::dispatch(executor(), [core = self()] {
    core->stop_all(asio::error::operation_aborted);
    core->handle_ = conn();
  });
}

// The handlers may own the stream, and with it this object.
void byte_stream_core::on_shutdown() noexcept {
  for (auto* slot : {&read_, &write_, &shutdown_}) stream_operation_ptr(std::move(slot->handler)).reset();
}

// Reading ----------------------------------------------------------------------------------------------------------

void byte_stream_core::start_read(const stream_pieces& to, stream_operation_ptr op) {
  // One piece is enough: a read need not fill what it is given.
  const asio::mutable_buffer first = to.count == 0 ? asio::mutable_buffer() : to.list[0];
  start(read_, std::move(op), [first](byte_stream_core& core) { core.begin_read(first); });
}

void byte_stream_core::begin_read(asio::mutable_buffer to) {
  if (to.size() == 0) return complete(read_, {}, 0);
  if (end_) return complete(read_, end_, 0);
  std::size_t n = 0;
  error_code ec;
  if (message_ != 0 && take(to, n, ec) && (n != 0 || ec)) return complete(read_, ec ? read_error(ec) : ec, n);
  wait_for(read_, [core = self(), to]() -> task<> { return core->read(to); });
}

// What has come of the message that is being read. False: nothing yet.
bool byte_stream_core::take(asio::mutable_buffer to, std::size_t& n, error_code& ec) {
  bool over = false;
  if (!connection_->take_part(message_, context(read_.stop.get_token()), to, n, over, ec)) return false;
  if (over) message_ = 0;
  return true;
}

task<> byte_stream_core::read(asio::mutable_buffer to) {
  const context ctx(read_.stop.get_token());
  std::size_t n = 0;
  error_code ec;
  // Messages may be empty; a read that completes with no bytes would be taken for the end.
  while (n == 0 && !ec) {
    if (message_ == 0) {
      message_kind kind = kind_;
      ec = co_await connection_->open_reader(ctx, message_, kind);
      if (!ec && kind != kind_) ec = refuse_kind();
      if (ec) break;
    }
    if (!take(to, n, ec)) ec = co_await connection_->wait_until_ready(ctx);
  }
  complete(read_, ec ? read_error(ec) : ec, n);
}

error_code byte_stream_core::refuse_kind() {
  message_ = 0;
  const std::string_view reason = kind_ == message_kind::binary ? "a text message in a stream of binary ones"
                                                                : "a binary message in a stream of text";
  connection_->begin_close(status::unsupported_data, reason);
  return errc::invalid_data;
}

// What a read ends with; an end is for ever, giving up is not.
error_code byte_stream_core::read_error(const error_code& ec) {
  if (ec == errc::canceled || ec == errc::concurrent_read) return ec;
  end_ = ec == errc::closed ? end_of(asio::error::eof) : ec;  // eof itself: the peer's half-close
  return end_;
}

// The error for a connection that has ended; `clean` for one that ended as it should.
error_code byte_stream_core::end_of(const error_code& clean) const {
  const auto info = connection_->closed();
  if (!info) return errc::closed;
  if (is_ordinary_end(info->status, info->clean)) return clean;
  if (info->initiator == close_initiator::local) return asio::error::operation_aborted;
  // An end of the transport without a close frame is not the end of the stream: it may have been cut.
  return info->error && info->error != asio::error::eof ? info->error : make_error_code(errc::closed);
}

// Ending -----------------------------------------------------------------------------------------------------------

void byte_stream_core::start_shutdown(stream_operation_ptr op) {
  start(shutdown_, std::move(op), [](byte_stream_core& core) {
    core.wait_for(core.shutdown_, [held = core.self()]() -> task<> { return held->close_and_wait(); });
  });
}

// What has been written is not for the impatience of a close to cut off: that is for the write stall timeout.
task<> byte_stream_core::close_and_wait() {
  const context ctx(shutdown_.stop.get_token());
  error_code ec = co_await connection_->wait_until_drained(ctx);
  connection_->begin_close(status::normal, {});
  if (!ec || ec == errc::closed) ec = co_await connection_->wait_until_finished(ctx);
  if (!ec) ec = end_of({});
  complete(shutdown_, ec, 0);
}

}  // namespace coax::detail
