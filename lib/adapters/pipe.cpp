#include "adapters/pipe_state.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <stop_token>

namespace coax::detail {
namespace {

// What a lane holds that moves little.
constexpr std::size_t least_chunk = 4 * 1024;

}  // namespace

asio::any_io_executor pipe_handler::get_executor() const noexcept { return state_->executor(); }
asio::cancellation_slot pipe_handler::get_cancellation_slot() const noexcept { return state_->slot(lane_); }
void pipe_handler::operator()(const error_code& ec, std::size_t n) const { state_->completed(lane_, ec, n); }

one_sided_shutdown::one_sided_shutdown(ssl_st* tls) noexcept
    : tls_(tls), received_((SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN) != 0) {
  SSL_set_shutdown(tls_, SSL_get_shutdown(tls_) | SSL_RECEIVED_SHUTDOWN);
}

one_sided_shutdown::~one_sided_shutdown() {
  if (!received_) SSL_set_shutdown(tls_, SSL_get_shutdown(tls_) & ~SSL_RECEIVED_SHUTDOWN);
}

pipe_state::pipe_state(asio::any_io_executor ex, pipe_end& a, pipe_end& b, pipe_options options)
    : parking_lot(std::move(ex)), options_(std::move(options)) {
  lanes_[0].from = lanes_[1].to = &a;
  lanes_[0].to = lanes_[1].from = &b;
  for (auto& l : lanes_) l.chunk = std::min(least_chunk, std::max<std::size_t>(options_.buffer_size(), 1));
}

void pipe_state::start() {
  for (auto& l : lanes_) read(l);
}

task<> pipe_state::wait() {
  auto initiate = [this](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
      slot.assign([this](asio::cancellation_type type) {
        // A slot's handler must not destroy itself by going on with the coroutine.
        if (type != asio::cancellation_type::none)
          asio::post(executor(), [state = self()] { state->stop(errc::canceled); });
      });
    waiting_.emplace(std::move(handler));
  };
  if (lanes_[0].at == step::done && lanes_[1].at == step::done) co_return;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable);
}

pipe_result pipe_state::take_result() {
  pipe_result r;
  r.forth = std::move(lanes_[0].flow);
  r.back = std::move(lanes_[1].flow);
  return r;
}

void pipe_state::stop(error_code why) {
  if (stopped_) return;
  stopped_ = why;
  for (auto& l : lanes_) interrupt(l);
}

void pipe_state::completed(unsigned i, const error_code& ec, std::size_t n) {
  auto& l = lanes_[i];
  l.signal.slot().clear();
  switch (l.at) {
    case step::reading: return has_read(l, ec, n);
    case step::writing: return has_written(l, ec, n);
    // The direction came to its end before; how the goodbye went is of no account.
    case step::ending: return finish(l, pipe_outcome::finished, {});
    case step::done: return;
  }
}

void pipe_state::read(lane& l) {
  if (stopped_) return finish(l, pipe_outcome::stopped, stopped_);
  l.at = step::reading;
  if (l.buffer.capacity() > 2 * l.chunk) l.buffer.release();
  l.buffer.reserve(l.chunk);
  l.from->read_some({l.buffer.data(), l.chunk}, handler(l));
  if (l.draining) drain(l);
}

void pipe_state::has_read(lane& l, const error_code& ec, std::size_t n) {
  if (n != 0) {
    l.begin = 0;
    l.buffer.resize(n);
    adapt(l, n);
    return write(l);
  }
  if (ec == asio::error::eof) return source_ended(l);
  if (!ec) return read(l);
  if (stopped_ || l.draining) return finish(l, pipe_outcome::stopped, stopped_ ? stopped_ : errc::canceled);
  fail(l, pipe_outcome::read_failed, ec);
}

// More at a time while the source fills what it is given, little for one that trickles.
void pipe_state::adapt(lane& l, std::size_t n) noexcept {
  const auto most = std::max<std::size_t>(options_.buffer_size(), 1);
  if (n == l.chunk)
    l.chunk = std::min(4 * l.chunk, most);
  else if (n < l.chunk / 4)
    l.chunk = std::min(std::max(l.chunk / 4, least_chunk), most);
}

void pipe_state::write(lane& l) {
  if (stopped_) return finish(l, pipe_outcome::stopped, stopped_);
  l.at = step::writing;
  l.to->write_some({l.buffer.data() + l.begin, l.buffer.size() - l.begin}, handler(l));
}

void pipe_state::has_written(lane& l, const error_code& ec, std::size_t n) {
  l.begin += n;
  l.flow.bytes += n;
  if (n != 0 && options_.on_progress()) options_.on_progress()(lanes_[0].flow.bytes, lanes_[1].flow.bytes);
  if (ec && !stopped_) return fail(l, pipe_outcome::write_failed, ec);
  if (l.begin != l.buffer.size()) return write(l);
  l.buffer.clear();
  l.begin = 0;
  read(l);
}

void pipe_state::source_ended(lane& l) {
  l.at = step::ending;
  l.buffer.release();
  if (!l.to->end_output(handler(l))) finish(l, pipe_outcome::finished, {});
}

// A source that fails has nothing to take from the other lane either; a sink that fails may have sent its last words.
void pipe_state::fail(lane& l, pipe_outcome outcome, const error_code& ec) {
  auto& rest = other(l);
  if (outcome == pipe_outcome::write_failed) {
    rest.draining = true;
    if (rest.at == step::reading) drain(rest);
  } else {
    stopped_ = errc::canceled;
    interrupt(rest);
  }
  finish(l, outcome, ec);
}

// What the source has at hand completes a read before this turn comes.
void pipe_state::drain(lane& l) {
  asio::post(executor(), [state = self(), &l] {
    if (l.at == step::reading) state->interrupt(l);
  });
}

// Writes only by the mildest kind of cancellation, which TLS ignores: its record must go out whole.
void pipe_state::interrupt(lane& l) {
  if (l.at == step::done) return;
  l.signal.emit(l.at == step::writing ? asio::cancellation_type::total : asio::cancellation_type::terminal);
}

void pipe_state::finish(lane& l, pipe_outcome outcome, const error_code& ec) {
  l.at = step::done;
  l.flow.outcome = outcome;
  l.flow.error = ec;
  if (!l.buffer.empty())
    l.flow.unsent.assign(reinterpret_cast<const char*>(l.buffer.data()) + l.begin, l.buffer.size() - l.begin);
  l.buffer.release();
  if (other(l).at == step::done && waiting_) waiting_.resume();
}

task<pipe_result> run_pipe(pipe_end& a, pipe_end& b, pipe_options options, context ctx) {
  const asio::any_io_executor ex = co_await asio::this_coro::executor;
  const auto state = std::make_shared<pipe_state>(ex, a, b, std::move(options));
  if (const auto ec = ctx.stopped()) state->stop(ec);
  state->start();

  stop_scope scope(ex, ctx);
  auto stop = [ctx, weak = std::weak_ptr(state)] {
    const auto target = weak.lock();
    if (!target || target->shut_down()) return;
    asio::post(target->executor(), [target, why = ctx.stopped()] { target->stop(why ? why : errc::canceled); });
  };
  std::stop_callback link(scope.get_token(), std::move(stop));
  co_await state->wait();
  co_return state->take_result();
}

}  // namespace coax::detail
