#include "io/elsewhere.hpp"
#include "protocol/close_frame.hpp"
#include "protocol/utf8.hpp"
#include "websocket/connection.hpp"
#include <coax/conn.hpp>
#include <coax/prepared_message.hpp>

#include <optional>
#include <stdexcept>

namespace coax {

using detail::connection;
using protocol::opcode_of;
using connection_ptr = std::shared_ptr<connection>;

namespace {

using pieces = std::span<const asio::const_buffer>;

// Whether the caller runs on the connection's executor already.
bool at_home(const asio::any_io_executor& caller, const connection_ptr& c) { return c->is_home(caller); }

task<result<message>> read_at_home(connection_ptr c, context ctx) {
  message m;
  error_code ec;
  if (!c->take(ctx, m, ec)) {
    detail::read_waiter w(*c, ctx);
    while (w.pending()) co_await c->park(w);
    ec = w.claim(m);
  }
  if (ec) co_return ec;
  co_return std::move(m);
}

task<error_code> read_elsewhere(connection_ptr c, const context& ctx, message& out) {
  auto read = [c](context inner) { return read_at_home(c, std::move(inner)); };
  auto got = co_await detail::elsewhere<result<message>>(c->executor(), ctx, read);
  if (!got) co_return got.error();
  out = std::move(*got);
  co_return error_code();
}

task<error_code> write_at_home(connection_ptr c, protocol::opcode op, pieces bytes, std::size_t total, compression how,
                               context ctx) {
  error_code ec = ctx.stopped();
  if (ec || c->send(op, bytes, total, how, ec)) co_return ec;
  const detail::outgoing what(op, bytes, total, how);
  co_return co_await c->send_queued(what, ctx);
}

task<error_code> write_slowly(connection_ptr c, bool home, protocol::opcode op, pieces bytes, std::size_t total,
                              compression how, const context& ctx) {
  if (home) {
    const detail::outgoing what(op, bytes, total, how);
    co_return co_await c->send_queued(what, ctx);
  }
  const auto copy = detail::copy_of(bytes, total);
  auto write = [c, op, copy, how](context inner) -> task<error_code> {
    const auto at_call = inner;
    const auto whole = detail::whole(*copy);
    co_return co_await write_at_home(c, op, pieces(&whole, 1), whole.size(), how, at_call);
  };
  co_return co_await detail::elsewhere<error_code>(c->executor(), ctx, write);
}

// One piece or several, on any executor; inlined into the operations so that a write has one coroutine.
struct fast_write {
  bool home;
  bool done;
  error_code ec;

  fast_write(const asio::any_io_executor& caller, const connection_ptr& c, protocol::opcode op, pieces bytes,
             std::size_t total, compression how, const context& ctx)
      : home(at_home(caller, c)), done(false) {
    if (!home) return;
    ec = ctx.stopped();
    done = ec || (!c->turn_is_used_up() && c->send(op, bytes, total, how, ec));
  }
};

// An operation that has no faster way: on the connection's executor.
template <class T>
task<T> call(connection_ptr c, task<T> (connection::*operation)(const context&), context ctx) {
  auto op = [c, operation](context inner) -> task<T> {
    const auto at_call = inner;
    co_return co_await (c.get()->*operation)(at_call);
  };
  co_return co_await detail::on_home<T>(c->executor(), std::move(ctx), op);
}

void check_text([[maybe_unused]] std::string_view text) {
#ifndef NDEBUG
  if (!protocol::is_valid_utf8(text)) throw std::invalid_argument("coax: write_text: the text is not valid UTF-8");
#endif
}

}  // namespace

conn::conn() noexcept = default;
conn::conn(std::shared_ptr<connection> c) noexcept : connection_(std::move(c)) {}
conn::conn(conn&&) noexcept = default;

conn& conn::operator=(conn&& other) noexcept {
  if (this == &other) return *this;
  if (connection_) connection_->abandon();
  connection_ = std::move(other.connection_);
  return *this;
}

conn::~conn() {
  if (connection_) connection_->abandon();
}

task<message> conn::read(context ctx) {
  connection* const c = connection_.get();  // outlives this handler, whatever a hook does with the handle
  connection_ptr keep;                      // for a wait
  const auto caller = co_await asio::this_coro::executor;
  message m;
  error_code ec;
  if (!at_home(caller, connection_)) {
    keep = connection_;
    ec = co_await read_elsewhere(keep, ctx, m);
  } else if (!c->take(ctx, m, ec)) {
    keep = connection_;
    detail::read_waiter w(*c, ctx);
    while (w.pending()) co_await c->park(w);
    ec = w.claim(m);
  }
  if (ec) c->throw_error(ec, "read");
  co_return m;
}

task<std::optional<message>> conn::next(context ctx) {
  connection* const c = connection_.get();  // outlives this handler, whatever a hook does with the handle
  connection_ptr keep;                      // for a wait
  const auto caller = co_await asio::this_coro::executor;
  message m;
  error_code ec;
  if (!at_home(caller, connection_)) {
    keep = connection_;
    ec = co_await read_elsewhere(keep, ctx, m);
  } else if (!c->take(ctx, m, ec)) {
    keep = connection_;
    detail::read_waiter w(*c, ctx);
    while (w.pending()) co_await c->park(w);
    ec = w.claim(m);
  }
  if (!ec) co_return std::move(m);
  if (!c->ended_ordinarily(ec)) c->throw_error(ec, "next");
  co_return std::nullopt;
}

task<result<message>> conn::try_read(context ctx) {
  connection* const c = connection_.get();  // outlives this handler, whatever a hook does with the handle
  connection_ptr keep;                      // for a wait
  const auto caller = co_await asio::this_coro::executor;
  message m;
  error_code ec;
  if (!at_home(caller, connection_)) {
    keep = connection_;
    ec = co_await read_elsewhere(keep, ctx, m);
  } else if (!c->take(ctx, m, ec)) {
    keep = connection_;
    detail::read_waiter w(*c, ctx);
    while (w.pending()) co_await c->park(w);
    ec = w.claim(m);
  }
  if (ec) co_return ec;
  co_return std::move(m);
}

std::optional<message> conn::try_next() {
  message m;
  if (!try_next(m)) return std::nullopt;
  return m;
}

bool conn::try_next(message& into) {
  connection_->check_home();
  error_code ec;
  if (connection_->take(into, ec) && !ec) return true;
  into = message();
  return false;
}

task<> conn::write(message_kind kind, asio::const_buffer bytes, context ctx) {
  return write(kind, bytes, compression::automatic, std::move(ctx));
}

task<> conn::write(message_kind kind, asio::const_buffer bytes, compression how, context ctx) {
  const auto caller = co_await asio::this_coro::executor;
  const pieces one(&bytes, 1);
  connection* const c = connection_.get();  // outlives this handler, whatever a hook does with the handle
  connection_ptr keep;                      // for a wait
  fast_write w(caller, connection_, opcode_of(kind), one, bytes.size(), how, ctx);
  if (!w.done) {
    keep = connection_;
    w.ec = co_await write_slowly(keep, w.home, opcode_of(kind), one, bytes.size(), how, ctx);
  }
  if (w.ec) c->throw_error(w.ec, "write");
}

task<> conn::write(message_kind kind, pieces list, context ctx) {
  return write(kind, list, compression::automatic, std::move(ctx));
}

task<> conn::write(message_kind kind, pieces list, compression how, context ctx) {
  const auto caller = co_await asio::this_coro::executor;
  const auto total = asio::buffer_size(list);
  connection* const c = connection_.get();  // outlives this handler, whatever a hook does with the handle
  connection_ptr keep;                      // for a wait
  fast_write w(caller, connection_, opcode_of(kind), list, total, how, ctx);
  if (!w.done) {
    keep = connection_;
    w.ec = co_await write_slowly(keep, w.home, opcode_of(kind), list, total, how, ctx);
  }
  if (w.ec) c->throw_error(w.ec, "write");
}

task<> conn::write_text(std::string_view text, context ctx) {
  check_text(text);
  return write(message_kind::text, asio::buffer(text), std::move(ctx));
}

task<> conn::write_binary(std::span<const std::byte> bytes, context ctx) {
  return write(message_kind::binary, asio::const_buffer(bytes.data(), bytes.size()), std::move(ctx));
}

task<result<void>> conn::try_write(message_kind kind, asio::const_buffer bytes, context ctx) {
  const auto caller = co_await asio::this_coro::executor;
  const pieces one(&bytes, 1);
  connection_ptr keep;  // for a wait
  fast_write w(caller, connection_, opcode_of(kind), one, bytes.size(), compression::automatic, ctx);
  if (!w.done) {
    keep = connection_;
    w.ec = co_await write_slowly(keep, w.home, opcode_of(kind), one, bytes.size(), compression::automatic, ctx);
  }
  if (w.ec) co_return w.ec;
  co_return result<void>();
}

bool conn::try_send(message_kind kind, asio::const_buffer bytes) {
  connection_->check_home();
  error_code ec;
  return connection_->send(opcode_of(kind), pieces(&bytes, 1), bytes.size(), compression::automatic, ec) && !ec;
}

task<> conn::write(const prepared_message& m, context ctx) {
  const auto c = connection_;
  const auto encoded = m.encoded();
  auto op = [c, encoded](context inner) -> task<error_code> {
    const auto at_call = inner;
    error_code ec = at_call.stopped();
    const auto payload = encoded->payload();
    const auto what = c->prepared(encoded, payload);
    if (!ec && (c->turn_is_used_up() || !c->send(what, ec))) ec = co_await c->send_queued(what, at_call);
    co_return ec;
  };
  const error_code ec = co_await detail::on_home<error_code>(c->executor(), std::move(ctx), op);
  if (ec) c->throw_error(ec, "write");
}

task<> conn::drained(context ctx) {
  const auto c = connection_;
  const error_code ec = co_await call(c, &connection::wait_until_drained, std::move(ctx));
  if (ec) c->throw_error(ec, "drained");
}

std::size_t conn::buffered_amount() const noexcept { return connection_->stats().bytes_queued; }

output_hold conn::hold() { return output_hold(connection_); }

output_hold::output_hold(connection_ptr c) : connection_(std::move(c)) {
  connection_->at_home([](connection& home) { home.hold_output(); });
}

output_hold::~output_hold() {
  if (!connection_ || connection_->shut_down()) return;
  connection_->at_home([](connection& home) { home.release_output(); });
}

task<std::chrono::nanoseconds> conn::ping(context ctx) {
  const auto c = connection_;
  const auto round_trip = co_await call(c, &connection::ping, std::move(ctx));
  if (!round_trip) c->throw_error(round_trip.error(), "ping");
  co_return *round_trip;
}

task<> conn::close(coax::status code, std::string_view reason, context ctx) {
  const auto c = connection_;
  start_close(code, reason);
  const error_code ec = co_await call(c, &connection::wait_until_finished, std::move(ctx));
  if (ec) throw system_error(ec, "close");
}

void conn::start_close(coax::status code, std::string_view reason) {
  protocol::check_close({code, reason});
  connection_->at_home([code, why = std::string(reason)](connection& c) { c.begin_close(code, why); });
}

void conn::close_now() {
  connection_->at_home([](connection& c) { c.end_now(); });
}

std::stop_token conn::close_read(context ctx) {
  const auto c = connection_;
  c->at_home([](connection& home) { home.begin_close_read(); });
  if (!ctx.stop_token().stop_possible() && !ctx.has_deadline()) return c->done();
  return c->until_done(ctx);
}

std::stop_token conn::done() const { return connection_->done(); }

close_info conn::closed() const { return connection_->closed().value_or(close_info{}); }

void conn::read_limit(std::size_t bytes) {
  connection_->at_home([bytes](connection& c) { c.set_read_limit(bytes); });
}

std::string_view conn::subprotocol() const noexcept { return connection_->subprotocol(); }
std::string conn::local_endpoint() const { return connection_->lower().local_endpoint(); }
std::string conn::remote_endpoint() const { return connection_->lower().remote_endpoint(); }
bool conn::deflates() const noexcept { return connection_->deflates(); }
bool conn::secure() const noexcept { return connection_->lower().secure(); }
conn_stats conn::stats() const { return connection_->stats(); }
asio::any_io_executor conn::get_executor() const { return connection_->executor(); }

}  // namespace coax
