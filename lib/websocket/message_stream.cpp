#include "io/elsewhere.hpp"
#include "websocket/connection.hpp"
#include <coax/message_stream.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

namespace coax {

using detail::connection;
using connection_ptr = std::shared_ptr<connection>;

namespace {

using pieces = std::span<const asio::const_buffer>;

// What a read of a part came to.
struct part {
  std::size_t size = 0;
  bool over = false;
  error_code ec;
};

// The same into memory of its own, for a caller elsewhere, whose may go with its io_context.
struct owned_part : part {
  detail::storage bytes;
};

task<part> read_at_home(connection_ptr c, std::uint64_t number, asio::mutable_buffer to, context ctx) {
  part p;
  while (!c->take_part(number, ctx, to, p.size, p.over, p.ec)) {
    p.ec = co_await c->wait_until_ready(ctx);
    if (p.ec) break;
  }
  co_return p;
}

task<owned_part> read_for_elsewhere(connection_ptr c, std::uint64_t number, std::size_t most, context ctx) {
  owned_part p;
  p.bytes.reserve(std::min<std::size_t>(most, 64 * 1024));
  const asio::mutable_buffer to(p.bytes.data(), std::min(most, p.bytes.capacity()));
  static_cast<part&>(p) = co_await read_at_home(std::move(c), number, to, std::move(ctx));
  co_return p;
}

// On any executor.
task<error_code> write_pieces(connection_ptr c, std::uint64_t number, pieces list, context ctx) {
  const auto caller = co_await asio::this_coro::executor;
  if (caller == c->executor()) co_return co_await c->write_part(number, list, ctx);
  const auto copy = detail::copy_of(list, asio::buffer_size(list));
  auto op = [c, number, copy](context inner) -> task<error_code> {
    const auto at_call = inner;
    const auto whole = detail::whole(*copy);
    co_return co_await c->write_part(number, pieces(&whole, 1), at_call);
  };
  co_return co_await detail::elsewhere<error_code>(c->executor(), std::move(ctx), op);
}

// An operation of a writer that does not wait.
task<error_code> call(connection_ptr c, error_code (connection::*operation)(std::uint64_t, const context&),
                      std::uint64_t number, context ctx) {
  auto op = [c, operation, number](context inner) -> task<error_code> {
    const auto at_call = inner;
    co_return (c.get()->*operation)(number, at_call);
  };
  co_return co_await detail::on_home<error_code>(c->executor(), std::move(ctx), op);
}

}  // namespace

message_reader::message_reader(connection_ptr c, std::uint64_t number, message_kind kind) noexcept
    : connection_(std::move(c)), number_(number), kind_(kind) {}

task<result<std::size_t>> message_reader::try_read_some(asio::mutable_buffer to, context ctx) {
  if (done_ || to.size() == 0) co_return std::size_t{0};
  const auto c = connection_;
  const auto caller = co_await asio::this_coro::executor;
  part p;
  if (caller == c->executor()) {
    p = co_await read_at_home(c, number_, to, std::move(ctx));
  } else {
    auto op = [c, n = number_, most = to.size()](context inner) {
      return read_for_elsewhere(c, n, most, std::move(inner));
    };
    const owned_part far = co_await detail::elsewhere<owned_part>(c->executor(), std::move(ctx), op);
    if (far.size != 0) std::memcpy(to.data(), far.bytes.data(), far.size);
    p = far;
  }
  if (p.ec) co_return p.ec;
  done_ = p.over;
  co_return p.size;
}

task<std::size_t> message_reader::read_some(asio::mutable_buffer to, context ctx) {
  const auto c = connection_;
  const auto n = co_await try_read_some(to, std::move(ctx));
  if (!n) c->throw_error(n.error(), "read_some");
  co_return *n;
}

message_writer::message_writer(connection_ptr c, std::uint64_t number) noexcept
    : connection_(std::move(c)), number_(number) {}

message_writer& message_writer::operator=(message_writer&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  connection_ = std::move(other.connection_);
  number_ = other.number_;
  return *this;
}

message_writer::~message_writer() { abandon(); }

void message_writer::abandon() noexcept {
  if (!connection_ || connection_->shut_down()) return;
  connection_->at_home([n = number_](connection& c) { c.abandon_writer(n); });
}

task<> message_writer::write(asio::const_buffer bytes, context ctx) {
  const auto c = connection_;
  const error_code ec = co_await write_pieces(c, number_, pieces(&bytes, 1), std::move(ctx));
  if (ec) c->throw_error(ec, "write");
}

task<> message_writer::write(pieces list, context ctx) {
  const auto c = connection_;
  const error_code ec = co_await write_pieces(c, number_, list, std::move(ctx));
  if (ec) c->throw_error(ec, "write");
}

task<> message_writer::flush(context ctx) {
  const auto c = connection_;
  const error_code ec = co_await call(c, &connection::flush_writer, number_, std::move(ctx));
  if (ec) c->throw_error(ec, "flush");
}

task<> message_writer::finish(context ctx) {
  const auto c = connection_;
  const error_code ec = co_await call(c, &connection::finish_writer, number_, std::move(ctx));
  if (ec) c->throw_error(ec, "finish");
}

task<message_reader> conn::reader(context ctx) {
  struct opened {
    error_code ec;
    std::uint64_t number = 0;
    message_kind kind = message_kind::text;
  };
  const auto c = connection_;
  auto op = [c](context inner) -> task<opened> {
    const auto at_call = inner;
    opened o;
    o.ec = co_await c->open_reader(at_call, o.number, o.kind);
    co_return o;
  };
  const opened o = co_await detail::on_home<opened>(c->executor(), std::move(ctx), op);
  if (o.ec) c->throw_error(o.ec, "reader");
  co_return message_reader(c, o.number, o.kind);
}

task<message_writer> conn::writer(message_kind kind, context ctx) {
  return writer(kind, compression::automatic, std::move(ctx));
}

task<message_writer> conn::writer(message_kind kind, compression how, context ctx) {
  // The writer is made where its turn comes: should its caller have gone meanwhile, it goes as well.
  struct opened {
    error_code ec;
    std::optional<message_writer> writer;
  };
  const auto c = connection_;
  auto op = [c, code = protocol::opcode_of(kind), how](context inner) -> task<opened> {
    const auto at_call = inner;
    opened o;
    std::uint64_t number = 0;
    o.ec = co_await c->open_writer(code, how, at_call, number);
    if (!o.ec) o.writer = message_writer(c, number);
    co_return o;
  };
  opened o = co_await detail::on_home<opened>(c->executor(), std::move(ctx), op);
  if (o.ec) c->throw_error(o.ec, "writer");
  co_return std::move(*o.writer);
}

joined_messages::joined_messages(conn& c, std::string separator)
    : connection_(c), separator_(std::move(separator)), separator_sent_(separator_.size()) {}

task<std::size_t> joined_messages::read_some(asio::mutable_buffer to, context ctx) {
  if (to.size() == 0) co_return 0;
  for (;;) {
    if (const std::size_t left = separator_.size() - separator_sent_; left != 0) {
      const std::size_t n = std::min(left, to.size());
      std::memcpy(to.data(), separator_.data() + separator_sent_, n);
      separator_sent_ += n;
      co_return n;
    }
    if (!reader_) {
      bool over = false;
      try {
        reader_.emplace(co_await connection_.reader(ctx));
      } catch (const close_error& e) {
        over = detail::is_ordinary_end(e.status(), e.clean());
        if (!over) throw;
      }
      if (over) co_return 0;
    }
    const std::size_t n = co_await reader_->read_some(to, ctx);
    if (reader_->done()) {
      reader_.reset();
      separator_sent_ = 0;
    }
    if (n != 0) co_return n;
  }
}

}  // namespace coax
