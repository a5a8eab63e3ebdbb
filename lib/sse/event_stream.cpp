#include "io/elsewhere.hpp"
#include "protocol/event_block.hpp"
#include "sse/event_connection.hpp"
#include <coax/event_stream.hpp>

#include <memory>
#include <optional>

namespace coax::sse {

using coax::detail::event_connection;
using coax::detail::storage;
using connection_ptr = std::shared_ptr<event_connection>;

namespace {

// What is to be sent, in the caller's memory.
struct event_text {
  const event* e;
  std::size_t size() const noexcept { return e->data().size() + e->type().size() + e->id().size(); }
  void operator()(storage& out) const { protocol::append_event(out, *e); }
};

struct comment_text {
  std::string_view text;
  std::size_t size() const noexcept { return text.size(); }
  void operator()(storage& out) const { protocol::append_comment(out, text); }
};

struct retry_text {
  std::chrono::milliseconds after;
  std::size_t size() const noexcept { return 0; }
  void operator()(storage& out) const { protocol::append_retry(out, after); }
};

task<error_code> put_block(connection_ptr c, coax::detail::shared_bytes block, context ctx) {
  error_code ec = ctx.stopped();
  const auto copy = [&block](storage& out) { out.append(block->data(), block->size()); };
  if (!ec && !c->send(block->size(), copy, ec)) ec = co_await c->send_queued(std::move(block), ctx);
  if (!ec && c->turn_is_used_up()) co_await c->next_turn();
  co_return ec;
}

task<error_code> put_slowly(connection_ptr c, coax::detail::shared_bytes block, context ctx) {
  auto put = [c, block](context inner) { return put_block(c, block, std::move(inner)); };
  co_return co_await coax::detail::on_home<error_code>(c->executor(), std::move(ctx), put);
}

template <class Text>
coax::detail::shared_bytes encoded(const Text& text) {
  const auto block = std::make_shared<storage>();
  text(*block);
  return block;
}

// Sends at once if that needs no waiting; inlined into the operations so that a send has one coroutine.
template <class Text>
bool put_now(const asio::any_io_executor& caller, event_connection& c, const Text& text, const context& ctx,
             error_code& ec) {
  if (!c.is_home(caller)) return false;
  ec = ctx.stopped();
  return ec || (!c.turn_is_used_up() && c.send(text.size(), text, ec));
}

[[noreturn]] void fail(const error_code& ec, const event_connection& c, const char* what) {
  std::string text(what);
  const auto why = c.ended();
  if (ec == errc::closed && why && *why && *why != ec) text.append(": the stream has ended (" + why->message() + ")");
  throw system_error(ec, text);
}

template <class Text>
task<> put(connection_ptr c, Text text, context ctx, const char* what) {
  const auto caller = co_await asio::this_coro::executor;
  error_code ec;
  if (!put_now(caller, *c, text, ctx, ec)) {
    auto block = encoded(text);
    ec = co_await put_slowly(c, std::move(block), std::move(ctx));
  }
  if (ec) fail(ec, *c, what);
}

}  // namespace

event_stream::event_stream() noexcept = default;
event_stream::event_stream(connection_ptr c) noexcept : connection_(std::move(c)) {}
event_stream::event_stream(event_stream&&) noexcept = default;

event_stream& event_stream::operator=(event_stream&& other) noexcept {
  if (this == &other) return *this;
  if (connection_) connection_->abandon();
  connection_ = std::move(other.connection_);
  return *this;
}

event_stream::~event_stream() {
  if (connection_) connection_->abandon();
}

task<> event_stream::send(const event& e, context ctx) {
  return put(connection_, event_text{&e}, std::move(ctx), "send");
}

task<result<void>> event_stream::try_send(const event& e, context ctx) {
  const auto c = connection_;
  const auto caller = co_await asio::this_coro::executor;
  const event_text text{&e};
  error_code ec;
  if (!put_now(caller, *c, text, ctx, ec)) {
    auto block = encoded(text);
    ec = co_await put_slowly(c, std::move(block), std::move(ctx));
  }
  if (ec) co_return ec;
  co_return result<void>();
}

task<> event_stream::comment(std::string_view text, context ctx) {
  return put(connection_, comment_text{text}, std::move(ctx), "comment");
}

task<> event_stream::retry(std::chrono::milliseconds after, context ctx) {
  return put(connection_, retry_text{after}, std::move(ctx), "retry");
}

std::size_t event_stream::buffered_amount() const noexcept { return connection_->bytes_queued(); }

const std::string& event_stream::last_event_id() const noexcept { return connection_->last_event_id(); }

task<> event_stream::close(std::optional<std::chrono::milliseconds> retry, context ctx) {
  const auto c = connection_;
  start_close(retry);
  auto wait = [c](context inner) -> task<error_code> {
    const auto at_call = inner;
    co_return co_await c->wait_until_finished(at_call);
  };
  const error_code ec = co_await coax::detail::on_home<error_code>(c->executor(), std::move(ctx), wait);
  if (ec) throw system_error(ec, "close");
}

void event_stream::start_close(std::optional<std::chrono::milliseconds> retry) {
  connection_->at_home([retry](event_connection& c) { c.begin_close(retry); });
}

void event_stream::close_now() {
  connection_->at_home([](event_connection& c) { c.end_now(); });
}

std::stop_token event_stream::done() const { return connection_->done(); }
std::optional<error_code> event_stream::ended() const { return connection_->ended(); }
bool event_stream::compresses() const noexcept { return connection_->compresses(); }
std::string event_stream::local_endpoint() const { return connection_->lower().local_endpoint(); }
std::string event_stream::remote_endpoint() const { return connection_->lower().remote_endpoint(); }
asio::any_io_executor event_stream::get_executor() const { return connection_->executor(); }

}  // namespace coax::sse
