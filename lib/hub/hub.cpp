#include "core/clock.hpp"
#include "hub/answer.hpp"
#include "hub/registry.hpp"
#include "protocol/close_frame.hpp"
#include <coax/hub.hpp>

#include <stdexcept>
#include <string>

namespace coax {

hub::hub(const hub_options& options) : registry_(detail::registry::create(options)) {}
hub::hub(const queue_limits& queue) : hub(hub_options().queue(queue)) {}
hub::~hub() { registry_->close(status::going_away, {}); }

peer hub::attach(conn c, const peer_options& options) {
  return peer(registry_->attach(detail::peer_socket(std::move(c)), options));
}
peer hub::attach(conn c, const queue_limits& queue) { return attach(std::move(c), peer_options().queue(queue)); }
peer hub::attach(sse::event_stream s, const peer_options& options) {
  return peer(registry_->attach(detail::peer_socket(std::move(s)), options));
}

resumption hub::resume(peer& p, std::string_view token, const rejoin& join) {
  if (!p || p.core_->hub != registry_) throw std::invalid_argument("coax: hub::resume: not a peer of this hub");
  auto r = registry_->resume(p.core_, token, join);
  resumption back;
  back.refused = r.refused;
  for (auto& s : r.joined) back.joined.emplace_back(std::move(s));
  return back;
}

result<std::size_t> hub::try_publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                                     const publish_options& options) {
  registry_->check_published(topic);
  prepared_message m(kind, bytes);
  const auto admitted = registry_->admit(topic, m.encoded()->size(), options);
  if (admitted.wait) return error_code(errc::would_block);
  registry_->publish(topic, registry_->make(std::move(m), options));
  return admitted.members;
}

std::size_t hub::publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                         const publish_options& options) {
  const auto n = try_publish(topic, kind, bytes, options);
  if (!n) throw system_error(n.error(), "publish");
  return *n;
}

std::size_t hub::publish_text(std::string_view topic, std::string_view text, const publish_options& options) {
  return publish(topic, message_kind::text, asio::buffer(text), options);
}

task<position> hub::publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                            const publish_options& options, context ctx) {
  registry_->check_published(topic);
  return publish_framed(std::string(topic), prepared_message(kind, bytes), options, std::move(ctx));
}

task<position> hub::publish_text(std::string_view topic, std::string_view text, const publish_options& options,
                                 context ctx) {
  return publish(topic, message_kind::text, asio::buffer(text), options, std::move(ctx));
}

task<position> hub::publish_framed(std::string topic, prepared_message what, publish_options options, context ctx) {
  const auto registry = registry_;
  const auto size = what.encoded()->size();
  if (const auto ec = ctx.stopped()) throw system_error(ec, "publish");
  for (;;) {
    const auto blocking = registry->admit(topic, size, options).wait;
    if (!blocking) break;
    auto wait = [blocking, size](context inner) -> task<error_code> {
      const auto at_call = inner;
      const error_code ec = co_await blocking->wait_for_room(size, at_call);
      co_return ec;
    };
    const error_code ec = co_await detail::on_home<error_code>(blocking->home->executor(), ctx, wait);
    if (ec) throw system_error(ec, "publish");
  }
  auto ask = [&](broker_session::reply<position> done) {
    registry->publish(topic, registry->make(std::move(what), options), std::move(done));
  };
  auto at = co_await detail::ask_and_wait<position>(ctx, ask);
  if (!at) throw system_error(at.error(), "publish");
  co_return std::move(*at);
}

task<history_page> hub::history(std::string topic, position since, std::size_t limit, context ctx) {
  const auto registry = registry_;
  registry->check_name(topic, "history");
  auto ask = [&](broker_session::reply<history_page> done) { registry->history(topic, since, limit, std::move(done)); };
  auto page = co_await detail::ask_and_wait<history_page>(ctx, ask);
  if (!page) throw system_error(page.error(), "history");
  co_return std::move(*page);
}

std::vector<topic_stats> hub::topics() const { return registry_->topics(); }
hub_stats hub::stats() const { return registry_->stats(); }
hub_state hub::state() const { return registry_->state(); }

task<std::vector<present_user>> hub::presence(std::string topic, context ctx) {
  const auto registry = registry_;
  registry->check_name(topic, "presence");
  auto ask = [&](broker_session::reply<std::vector<present_user>> done) { registry->members(topic, std::move(done)); };
  auto users = co_await detail::ask_and_wait<std::vector<present_user>>(ctx, ask);
  if (!users) throw system_error(users.error(), "presence");
  co_return std::move(*users);
}

std::size_t hub::kick(const selector& who, status code, std::string_view reason) {
  protocol::check_close({code, reason});
  return registry_->kick(who, code, reason);
}

std::size_t hub::shed(double fraction, std::chrono::nanoseconds over) {
  return registry_->shed(fraction, over, drain_options());
}

task<drain_report> hub::drain(drain_options options, context ctx) {
  const auto registry = registry_;
  const auto before = registry->stats();
  const auto start = detail::after(detail::now(), options.lead());
  const auto end = detail::after(start, options.limit());
  registry->drain(options);
  if (options.lead() > options.lead().zero()) {
    // Also without peers: they may still come.
    const auto lead = ctx.with_deadline(start);
    auto nothing = [](const broker_session::reply<std::size_t>&) {};
    co_await detail::ask_and_wait<std::size_t>(lead, nothing);
    if (const auto ec = ctx.stopped()) throw system_error(ec, "drain");
  }
  drain_report report;
  report.peers = registry->peers();
  const auto until = ctx.with_deadline(detail::after(end, std::chrono::seconds(1)));
  auto ask = [&](broker_session::reply<std::size_t> done) { registry->when_empty(std::move(done)); };
  const auto gone = co_await detail::ask_and_wait<std::size_t>(until, ask);
  if (!gone && ctx.stopped()) throw system_error(ctx.stopped(), "drain");
  const auto totals = registry->stats();
  report.flushed = static_cast<std::size_t>(totals.flushed - before.flushed);
  report.given_up = static_cast<std::size_t>(totals.given_up - before.given_up);
  report.undelivered = static_cast<std::size_t>(totals.undelivered - before.undelivered);
  report.cut = static_cast<std::size_t>(totals.cut - before.cut);
  report.left = totals.peers;
  co_return report;
}

void hub::close(status code, std::string_view reason) {
  protocol::check_close({code, reason});
  registry_->close(code, reason);
}

}  // namespace coax
