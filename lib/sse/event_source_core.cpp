#include "sse/event_source_core.hpp"

#include "io/tls_transport.hpp"
#include "websocket/dial_tls.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <chrono>
#include <ctime>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace coax::detail {
namespace {

// How often the stream may be received from without giving other work of the thread a turn.
constexpr int steps_per_turn = 32;

// A file of authorities is read here, where a mistake is the caller's, and not again with every attempt.
sse::event_source_options with_tls(sse::event_source_options options) {
  if (!options.tls() && !options.ca_file().empty()) options.tls(tls_for(options));
  return options;
}

dial_target target_of(std::string_view url, const sse::event_source_options& options) {
  auto target = parse_target(url, url_schemes::http);
  if (!target) throw system_error(errc::bad_url, options.who() + ": the URL " + target.error().text);
  return std::move(*target);
}

std::string url_of(const dial_target& t) {
  return t.socket_path.empty() ? t.http_url() : "http+unix://" + t.socket_path + ":" + t.request;
}

protocol::event_parser::limits limits_of(const sse::event_source_options& options) {
  protocol::event_parser::limits l;
  l.line = options.line_limit();
  l.event = options.event_limit();
  return l;
}

// Not the network's: a certificate that is refused will be so the next time.
bool is_tls_failure(const error_code& ec) {
  return ec.category() == asio::error::get_ssl_category() || ec.category() == tls_verify_category();
}

}  // namespace

// Somebody is in `next` or `try_next`, and leaves nothing behind, be it by an exception.
class event_source_core::visit {
 public:
  explicit visit(event_source_core& core) noexcept : core_(core) { core_.visited_ = true; }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() {
    core_.visited_ = false;
    core_.caller_ = nullptr;
  }

 private:
  event_source_core& core_;
};

event_source_core::event_source_core(asio::any_io_executor ex, std::string_view url, sse::event_source_options options)
    : parking_lot(std::move(ex)),
      options_(with_tls(std::move(options))),
      target_(target_of(url, options_)),
      url_(url_of(target_)),
      name_(options_.who() + ": " + url_),
      parser_(limits_of(options_)),
      reconnection_(options_, std::random_device{}()) {
  parser_.last_event_id(options_.last_event_id());
}

task<std::optional<sse::event>> event_source_core::next(context ctx) {
  if (const auto ec = ctx.stopped()) throw system_error(ec, name_);
  if (visited_) throw system_error(errc::concurrent_read, name_);
  const visit guard(*this);
  for (;;) {
    if (error_) std::rethrow_exception(error_);
    if (closed_) co_return std::nullopt;
    if (auto e = take()) co_return e;
    if (error_ || closed_) continue;
    error_code ec;
    if (!stream_)
      ec = co_await wait_for_stream(ctx);
    else if (steps_ >= steps_per_turn)
      co_await asio::post(executor(), asio::use_awaitable);
    else
      ec = co_await wait_for_bytes(ctx);
    steps_ = 0;
    // A post does not see a cancellation, and a wait that was over may have been too late for it: what has been
    // cancelled takes nothing.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!ec && state.cancelled() != asio::cancellation_type::none) ec = errc::canceled;
    if (!ec) ec = ctx.stopped();
    if (ec && ec != errc::closed) throw system_error(ec, name_);
  }
}

std::optional<sse::event> event_source_core::try_next() {
  check_home();
  if (visited_ || closed_ || error_) return std::nullopt;
  const visit guard(*this);
  steps_ = 0;  // whoever polls has turns of his own
  return take();
}

sse::ready_state event_source_core::ready_state() const noexcept {
  if (closed_ || error_) return sse::ready_state::closed;
  return stream_ ? sse::ready_state::open : sse::ready_state::connecting;
}

// From any thread, so the flag is set here and the rest is done at home.
void event_source_core::close() noexcept {
  if (closed_.exchange(true) || shut_down()) return;
  stop_.request_stop();
  post([core = self()] { core->let_go(); });
}

void event_source_core::let_go() {
  stream_.reset();
  wake_caller();
}

void event_source_core::wake_caller() {
  if (auto* w = std::exchange(caller_, nullptr)) wake(*w);
}

void event_source_core::on_shutdown() noexcept { stream_.reset(); }

void event_source_core::tell(const change& what) {
  if (options_.on_change()) options_.on_change()(what);
}

// The stream ----------------------------------------------------------------------------------------------------------

// The next event of what has arrived, if it is whole. Nothing that was taken off the transport is lost if not.
std::optional<sse::event> event_source_core::take() {
  using verdict = protocol::event_parser::verdict;
  while (stream_ && !closed_ && steps_ < steps_per_turn) {
    ++steps_;
    auto& body = stream_->body;
    error_code ec;
    auto text = body.text();
    if (!text.empty() || body.decode(ec)) {
      text = body.text();
      const auto size = text.size();
      const auto v = parser_.feed(text);
      body.use(size - text.size());
      if (const auto retry = parser_.reconnection_time()) reconnection_.retry(*retry);
      if (v == verdict::event) {
        reconnection_.event();
        ++stats_.events;
        return parser_.take();
      }
      if (v == verdict::too_long) {
        stream_.reset();
        const system_error e(errc::message_too_big, name_ + ": " + parser_.error());
        end(change(kind::closed, e.code(), e.what(), 200), std::make_exception_ptr(e));
      }
    } else if (ec || body.over()) {
      stream_ended(ec ? ec : error_code(asio::error::eof));
    } else {
      receive(ec);
      if (ec == asio::error::would_block) {
        body.rest();
        break;
      }
      if (ec) stream_ended(ec);
    }
  }
  return std::nullopt;
}

void event_source_core::receive(error_code& ec) {
  auto& s = *stream_;
  const auto to = s.body.room();
  const auto n = s.io->lower().read_some({to.data(), to.size()}, ec);
  s.body.received(n);
  stats_.bytes_received += n;
  if (!ec) heard_at_ = now();
  if (ec != asio::error::eof) return;
  // A body that ends with the connection is whole, one that has been cut off is not.
  if (const auto cut = s.body.ended()) ec = cut;
}

// What is silent too long is taken for gone. The time runs while nobody waits, too: what is not there now has not come.
task<error_code> event_source_core::wait_for_bytes(const context& ctx) {
  const auto timeout = options_.read_timeout();
  const context bounded = timeout.count() > 0 ? ctx.with_deadline(after(heard_at_, timeout)) : ctx;
  const bool own_limit = bounded.deadline() != ctx.deadline();
  const auto io = stream_->io;
  const error_code ec = co_await io->readable(bounded);
  // Nothing runs unless somebody waits: a deadline that is still to come would keep io_context::run.
  if (bounded.has_deadline()) io->wake_never();
  if (ec != errc::deadline_exceeded || !own_limit) co_return ec;
  if (stream_) stream_ended(errc::peer_timeout);
  co_return error_code();
}

void event_source_core::stream_ended(const error_code& why) {
  const std::string url = std::exchange(stream_, nullptr)->url;
  const system_error e(why, options_.who() + ": the stream of " + url);
  failed(change(kind::failed, why, e.what(), 200), std::make_exception_ptr(e));
}

// Between streams -----------------------------------------------------------------------------------------------------

// Until something has changed.
task<error_code> event_source_core::wait_for_stream(const context& ctx) {
  if (!attempting_) {
    if (now() >= due_)
      begin_attempt();
    else
      wake_at(due_);
  }
  plain_waiter w(ctx);
  caller_ = &w;
  co_await park(w);
  const error_code ec = w.result();
  caller_ = nullptr;
  wake_never();
  co_return ec;
}

void event_source_core::on_time(steady::time_point time) {
  if (!caller_ || attempting_ || stream_) return;
  if (time >= due_)
    wake_caller();
  else
    wake_at(due_);
}

void event_source_core::begin_attempt() {
  attempting_ = true;
  auto body = [core = self()]() -> task<> {
    const auto keep = core;
    const context ctx(keep->stop_.get_token());
    keep->stream_ = co_await sse::open_events(keep->target_, keep->options_, keep->parser_.last_event_id(), ctx);
  };
  asio::co_spawn(executor(), std::move(body),
                 [core = self()](std::exception_ptr e) { core->attempt_ended(std::move(e)); });
}

void event_source_core::attempt_ended(std::exception_ptr error) {
  attempting_ = false;
  if (closed_) {
    stream_.reset();
  } else if (error) {
    attempt_failed(error);
  } else if (stream_) {
    parser_.restart();
    heard_at_ = now();
    reconnection_.opened(heard_at_);
    stats_.bytes_received += stream_->first_bytes;
    ++stats_.streams;
    tell(change(kind::opened, {}, stream_->url, 200));
  } else {
    end(change(kind::closed, {}, name_ + ": the server answered 204", 204), nullptr);
  }
  wake_caller();
}

void event_source_core::attempt_failed(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const handshake_error& e) {
    change what(kind::failed, e.code(), e.what(), e.status());
    if (is_retried(e)) return failed(std::move(what), error, sse::retry_after(e.fields(), std::time(nullptr)));
    end(std::move(what), error);
  } catch (const boost::system::system_error& e) {
    const bool futile = e.code() == errc::bad_url || is_tls_failure(e.code());
    change what(kind::failed, e.code(), e.what());
    if (!futile) return failed(std::move(what), error);
    end(std::move(what), error);
  } catch (const std::exception& e) {
    end(change(kind::closed, {}, e.what()), error);
  }
}

// For the standard a proxy that does not let us through is the network, which is tried again; but for one that will
// not change its mind.
bool event_source_core::is_retried(const handshake_error& e) const {
  const bool proxy = e.code() == errc::proxy_failed;
  const auto status = e.status();
  if (status == 0) return proxy;
  return (proxy || !options_.strict()) && (status >= 500 || status == 429 || status == 408);
}

void event_source_core::failed(change what, std::exception_ptr error, std::optional<std::chrono::seconds> retry_after) {
  ++stats_.failures;
  what.delay = reconnection_.failed(now(), retry_after);
  if (options_.max_failures() != 0 && reconnection_.failures() >= options_.max_failures())
    return end(std::move(what), std::move(error));
  due_ = after(now(), what.delay);
  tell(what);
}

void event_source_core::end(change what, std::exception_ptr error) {
  error_ = std::move(error);
  if (!error_) closed_ = true;
  what.what = kind::closed;
  what.delay = {};
  tell(what);
}

}  // namespace coax::detail
