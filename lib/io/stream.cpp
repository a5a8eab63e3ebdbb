#include "io/stream.hpp"

#include "core/buffer_pool.hpp"

#include <boost/asio/error.hpp>

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace coax::detail {

std::shared_ptr<stream> stream::create(std::shared_ptr<transport> t) {
  auto s = std::make_shared<stream>(std::move(t));
  s->transport_->observe(std::static_pointer_cast<stream>(s->shared_from_this()));
  return s;
}

void stream::on_ready(transport::direction d) {
  if (auto* w = std::exchange(parked_[static_cast<int>(d)], nullptr)) wake_inline(*w);
}

void stream::on_shutdown() noexcept {
  if (transport_) transport_->close();
}

task<error_code> stream::wait(transport::direction d, const context& ctx) {
  if (const auto ec = ctx.stopped()) co_return ec;
  auto& parked = parked_[static_cast<int>(d)];
  plain_waiter w(ctx);
  parked = &w;
  transport_->wait(d);
  co_await park(w);
  const error_code ec = w.result();
  if (parked == &w) parked = nullptr;
  co_return ec;
}

task<error_code> stream::readable(const context& ctx) { co_return co_await wait(transport::direction::read, ctx); }

task<result<std::size_t>> stream::read_some(asio::mutable_buffer to, const context& ctx) {
  for (;;) {
    if (const auto ec = ctx.stopped()) co_return ec;
    error_code ec;
    const auto n = transport_->read_some(to, ec);
    if (!ec) co_return n;
    if (ec != asio::error::would_block) co_return ec;
    ec = co_await wait(transport::direction::read, ctx);
    if (ec) co_return ec;
  }
}

task<error_code> stream::write(std::span<const asio::const_buffer> from, const context& ctx) {
  std::vector<asio::const_buffer> rest(from.begin(), from.end());
  std::size_t first = 0;
  for (;;) {
    while (first < rest.size() && rest[first].size() == 0) ++first;
    if (first == rest.size() && !transport_->output_pending()) co_return error_code();
    error_code ec;
    auto n = transport_->write_some(std::span(rest).subspan(first), ec);
    if (ec && ec != asio::error::would_block) co_return ec;
    for (; n > 0 && n >= rest[first].size(); ++first) n -= rest[first].size();
    if (n > 0) rest[first] += n;
    if (!ec) continue;
    ec = co_await wait(transport::direction::write, ctx);
    if (ec) co_return ec;
  }
}

task<error_code> stream::write(asio::const_buffer from, const context& ctx) {
  const std::span<const asio::const_buffer> one(&from, 1);
  co_return co_await write(one, ctx);
}

task<> stream::shutdown(const context& ctx) {
  transport_->shutdown_send();
  const std::span<const asio::const_buffer> nothing;
  error_code ec = co_await write(nothing, ctx);
  borrowed_buffer buffer;
  while (!ec) {
    const auto n = co_await read_some({buffer.borrow(), buffer.size}, ctx);
    ec = n ? error_code() : n.error();
  }
  transport_->close();
}

}  // namespace coax::detail
