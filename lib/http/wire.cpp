#include "http/wire.hpp"

#include "core/buffer_pool.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

namespace coax::http {

std::shared_ptr<wire> wire::create(std::shared_ptr<transport> t, std::chrono::nanoseconds write_stall,
                                   std::stop_source stop) {
  auto w = std::make_shared<wire>(std::move(t), write_stall, std::move(stop));
  w->lower().observe(w);
  return w;
}

wire::wire(std::shared_ptr<transport> t, std::chrono::nanoseconds write_stall, std::stop_source stop)
    : stream_(detail::stream::create(std::move(t))), write_stall_(write_stall), stop_(std::move(stop)) {}

void wire::consume(std::size_t n) noexcept {
  used_ += n;
  if (used_ < input_.size()) return;
  // An idle connection holds no buffer.
  std::string().swap(input_);
  used_ = 0;
}

// A client that is always ready would keep the thread: others have their turn once in a while.
task<> wire::take_turns() {
  if (++operations_ % 16 == 0) co_await asio::post(executor(), asio::use_awaitable);
}

task<error_code> wire::fill(const context& ctx) {
  if (ended_) co_return ended_;
  co_await take_turns();
  error_code ec = pull();
  while (ec == asio::error::would_block) {
    filling_ = true;
    ec = co_await stream_->readable(ctx);
    filling_ = false;
    if (ec) break;
    ec = pull();
  }
  if (watching_ && !ended_) lower().wait(transport::direction::read);
  co_return ec;
}

error_code wire::pull() {
  if (cut_) return errc::closed;
  detail::borrowed_buffer buffer;
  error_code ec;
  const auto n = lower().read_some({buffer.borrow(), buffer.size}, ec);
  if (!ec) {
    if (used_ != 0) input_.erase(0, std::exchange(used_, 0));
    input_.append(reinterpret_cast<const char*>(buffer.data()), n);
  } else if (ec != asio::error::would_block) {
    ended_ = ec;
    stop_.request_stop();
  }
  return ec;
}

// Most handlers have answered by the next turn: for them there is nothing to watch.
void wire::watch() {
  watching_ = true;
  asio::post(executor(), [self = shared_from_this(), number = ++watch_number_] {
    if (self->watching_ && number == self->watch_number_ && !self->filling_) self->look();
  });
}

void wire::look() {
  while (!cut_ && !ended_ && input().size() < most_ahead) {
    const auto ec = pull();
    if (!ec) continue;
    if (ec == asio::error::would_block) lower().wait(transport::direction::read);
    return;
  }
}

void wire::on_ready(transport::direction d) {
  // The stream has gone when the transport was handed on.
  if (!stream_) return;
  if (d == transport::direction::write || filling_)
    static_cast<transport::observer&>(*stream_).on_ready(d);
  else if (watching_)
    look();
}

task<error_code> wire::write(std::string_view head, std::string_view body, const context& ctx) {
  constexpr std::size_t slice = 256 * 1024;
  do {
    const auto n = std::min(body.size(), slice);
    const std::array<asio::const_buffer, 2> buffers{asio::const_buffer(head.data(), head.size()),
                                                    asio::const_buffer(body.data(), n)};
    const auto limited = ctx.with_timeout(write_stall_);
    co_await take_turns();
    if (cut_) co_return errc::closed;
    const std::span<const asio::const_buffer> both(buffers);
    const error_code ec = co_await stream_->write(both, limited);
    if (ec == errc::deadline_exceeded && !ctx.stopped()) co_return errc::write_stalled;
    if (ec) co_return ec;
    head = {};
    body.remove_prefix(n);
  } while (!body.empty());
  co_return error_code();
}

task<> wire::shutdown(std::chrono::nanoseconds limit) {
  unwatch();
  if (cut_) co_return;
  filling_ = true;  // the stream reads from here on
  const auto ctx = context().with_timeout(limit);
  co_await stream_->shutdown(ctx);
}

void wire::cut() noexcept {
  if (std::exchange(cut_, true) || !stream_) return;
  lower().close();
  if (!stream_->shut_down()) stream_->wake_all(errc::closed);
}

std::shared_ptr<transport> wire::release(std::string& rest) {
  unwatch();
  rest = input();
  consume(input().size());
  auto t = stream_->release();
  stream_.reset();
  return t;
}

}  // namespace coax::http
