#include "hub/registry.hpp"
#include "io/elsewhere.hpp"
#include "protocol/close_frame.hpp"
#include <coax/peer.hpp>

#include <memory>
#include <string>
#include <utility>

namespace coax {

using core_ptr = std::shared_ptr<detail::peer_core>;

membership::membership() noexcept = default;
membership::membership(std::shared_ptr<detail::subscription> s) noexcept : subscription_(std::move(s)) {}
membership::membership(membership&&) noexcept = default;

membership& membership::operator=(membership&& other) noexcept {
  if (this == &other) return *this;
  leave();
  subscription_ = std::move(other.subscription_);
  return *this;
}

membership::~membership() { leave(); }

std::string_view membership::topic() const noexcept {
  return subscription_ ? std::string_view(subscription_->topic->name) : std::string_view();
}

void membership::leave() noexcept {
  if (const auto s = std::exchange(subscription_, nullptr)) s->peer->hub->leave(s);
}

task<bool> membership::live(context ctx) {
  const auto s = subscription_;
  if (!s) co_return false;
  auto wait = [s](context inner) -> task<error_code> {
    const auto at_call = inner;
    const error_code ec = co_await s->peer->wait_for_news(s, at_call);
    co_return ec;
  };
  const error_code ec = co_await detail::on_home<error_code>(s->peer->home->executor(), ctx, wait);
  if (ec && ec != make_error_code(errc::closed)) throw system_error(ec, "live");
  co_return !ec;
}

task<bool> membership::recovered(context ctx) {
  const auto s = subscription_;
  if (!s) co_return true;
  if (s->past == detail::past::unknown) {
    auto wait = [s](context inner) -> task<error_code> {
      const auto at_call = inner;
      const error_code ec = co_await s->peer->wait_for_recovery(s, at_call);
      co_return ec;
    };
    const error_code ec = co_await detail::on_home<error_code>(s->peer->home->executor(), ctx, wait);
    if (ec) throw system_error(ec, "recovered");
  }
  co_return s->past != detail::past::holed;
}

peer::peer() noexcept = default;
peer::peer(core_ptr core) noexcept : core_(std::move(core)) {}
peer::peer(peer&&) noexcept = default;

peer& peer::operator=(peer&& other) noexcept {
  if (this == &other) return *this;
  if (const auto old = std::exchange(core_, std::move(other.core_))) old->hub->detach(old);
  return *this;
}

peer::~peer() {
  if (core_) core_->hub->detach(core_);
}

std::uint64_t peer::id() const noexcept { return core_->id; }

const peer_options& peer::options() const noexcept { return core_->options; }

membership peer::join(std::string_view topic, const join_options& options) {
  return membership(core_->hub->join(core_, topic, options));
}

void peer::send(message_kind kind, asio::const_buffer bytes) { core_->hub->send(core_, kind, bytes); }
void peer::send_text(std::string_view text) { send(message_kind::text, asio::buffer(text)); }

task<std::string> peer::resume_token(context ctx) {
  const auto core = core_;
  core->hub->resumes();
  auto write = [core](context inner) -> task<result<std::string>> {
    if (const auto ec = inner.stopped()) co_return error_code(ec);
    co_return core->make_token().text;
  };
  auto token = co_await detail::on_home<result<std::string>>(core->home->executor(), ctx, write);
  if (!token) throw system_error(token.error(), "resume_token");
  co_return std::move(*token);
}

namespace {

// In place of how the connection says it.
[[noreturn]] void throw_slow_consumer(std::string_view operation) {
  throw system_error(errc::slow_consumer, std::string(operation) + ": closed by the hub");
}

// The peer is closed, and whoever reads is told why.
void check_rate(detail::peer_core& core, std::size_t size) {
  if (core.admits(size)) return;
  constexpr std::string_view reason = "rate limit";
  const auto with = std::make_shared<const detail::close_request>(
      detail::close_request{status::policy_violation, std::string(reason), detail::close_request::when::at_once});
  core.home->submit(detail::commands::close{core.shared_from_this(), with});
  throw close_error(status::policy_violation, std::string(reason), false);
}

task<error_code> wait_until_finished(core_ptr core, context ctx) {
  auto wait = [core](context inner) -> task<error_code> {
    const auto at_call = inner;
    co_return co_await core->link->wait_until_finished(at_call);
  };
  co_return co_await detail::on_home<error_code>(core->link->executor(), std::move(ctx), wait);
}

task<> wait_for_end(core_ptr core, context ctx, std::string_view operation) {
  const error_code ec = co_await wait_until_finished(core, std::move(ctx));
  if (ec) throw system_error(ec, std::string(operation));
  if (core->evicted()) throw_slow_consumer(operation);
}

}  // namespace

task<std::optional<message>> peer::next(context ctx) {
  const auto core = core_;
  if (core->events) {
    co_await wait_for_end(core, std::move(ctx), "next");
    co_return std::nullopt;
  }
  try {
    auto m = co_await core->socket.next(std::move(ctx));
    if (m) check_rate(*core, m->size());
    if (m || !core->evicted()) co_return m;
  } catch (const close_error&) {
    if (!core->evicted()) throw;
  }
  throw_slow_consumer("next");
}

task<message> peer::read(context ctx) {
  const auto core = core_;
  if (core->events) {
    co_await wait_for_end(core, std::move(ctx), "read");
    throw system_error(errc::closed, "read: a stream of events");
  }
  try {
    auto m = co_await core->socket.read(std::move(ctx));
    check_rate(*core, m.size());
    co_return m;
  } catch (const close_error&) {
    if (!core->evicted()) throw;
  }
  throw_slow_consumer("read");
}

void peer::start_close(status code, std::string_view reason) {
  protocol::check_close({code, reason});
  const auto with = std::make_shared<const detail::close_request>(detail::close_request{code, std::string(reason)});
  core_->home->submit(detail::commands::close{core_, with});
}

task<> peer::close(status code, std::string_view reason, context ctx) {
  const auto core = core_;
  start_close(code, reason);
  const error_code ec = co_await wait_until_finished(core, std::move(ctx));
  if (ec) throw system_error(ec, "close");
}

conn& peer::connection() noexcept { return core_->socket; }
sse::event_stream& peer::stream() noexcept { return core_->events; }

}  // namespace coax
