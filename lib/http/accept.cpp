#include "http/foreign_exchange.hpp"
#include "protocol/handshake.hpp"
#include "websocket/connection.hpp"
#include <coax/accept.hpp>

#include <optional>
#include <span>
#include <stdexcept>

namespace coax {

using detail::exchange_state;
using phase = exchange_state::phase;

accept_options::accept_options() : policy_(std::make_shared<protocol::accept_policy>()) {}

// Options are copied into each call of accept; what all copies have in common is made once.
protocol::accept_policy& accept_options::change() {
  if (policy_.use_count() != 1) policy_ = std::make_shared<protocol::accept_policy>(*policy_);
  return *policy_;
}

accept_options& accept_options::subprotocol(std::string name) {
  if (!protocol::is_token(name)) throw std::invalid_argument("accept_options: the subprotocol is not a token");
  change().subprotocols.push_back(std::move(name));
  return *this;
}

accept_options& accept_options::subprotocols(std::vector<std::string> names) {
  change().subprotocols.clear();
  for (auto& name : names) subprotocol(std::move(name));
  return *this;
}

accept_options& accept_options::require_subprotocol(bool on) {
  change().require_subprotocol = on;
  return *this;
}

accept_options& accept_options::origin_pattern(std::string pattern) {
  auto all = origins_;
  all.push_back(std::move(pattern));
  return origin_patterns(std::move(all));
}

accept_options& accept_options::origin_patterns(std::vector<std::string> patterns) {
  protocol::origin_patterns compiled(patterns);
  change().origins = std::move(compiled);
  origins_ = std::move(patterns);
  return *this;
}

accept_options& accept_options::insecure_skip_origin_check(bool on) {
  change().check_origin = !on;
  return *this;
}

namespace {

response answer_of(const protocol::rejection& r) {
  auto answer = http::text_answer(r.http_status, r.text);
  for (const auto& field : r.fields) answer.header(field.name, field.value);
  return answer;
}

task<> ask(exchange& x, const authorize_hook& authorize, context ctx) {
  auto& s = x.state();
  std::optional<response> answer;
  std::exception_ptr error;
  try {
    answer = co_await authorize(x, ctx);
  } catch (...) {
    error = std::current_exception();
  }
  if (error) {
    if (s.at() == phase::open) co_await x.respond(500, "text/plain; charset=utf-8", "authorization failed\n", ctx);
    std::rethrow_exception(error);
  }
  if (answer) {
    std::string why = "refused by authorize";
    co_await s.refuse(*std::move(answer), std::move(why), ctx);
  }
  if (s.at() != phase::open) throw handshake_error("answered by authorize");
}

response switching(const protocol::upgrade& u, const headers& more) {
  response head(101);
  head.header("Upgrade", "websocket").header("Connection", "Upgrade").header("Sec-WebSocket-Accept", u.accept);
  if (!u.subprotocol.empty()) head.header("Sec-WebSocket-Protocol", u.subprotocol);
  if (u.deflate) head.header("Sec-WebSocket-Extensions", u.deflate->extension);
  for (const auto& field : more) head.header(field.name, field.value);
  return head;
}

task<protocol::upgrade> check(exchange& x, const accept_options& options, context ctx) {
  auto& s = x.state();
  protocol::request_head head;
  head.method = s.request().method;
  head.version = s.request().version;
  head.fields = s.request().fields;
  auto verdict = protocol::check_upgrade(head, options.policy(), options.deflate());
  if (verdict && s.body_pending()) {
    protocol::rejection has_body;
    has_body.text = "a WebSocket request with a body";
    verdict = has_body;
  }
  if (!verdict) {
    auto why = verdict.error().text;
    auto answer = answer_of(verdict.error());
    co_await s.refuse(std::move(answer), std::move(why), ctx);
  }
  if (options.authorize()) co_await ask(x, options.authorize(), ctx);
  co_return *std::move(verdict);
}

}  // namespace

task<conn> accept(exchange& x, accept_options options, context ctx) {
  auto& s = x.state();
  if (s.at() != phase::open) throw std::logic_error("coax::accept: the exchange has an answer already");
  const auto limited = ctx.with_timeout(options.handshake_timeout());
  const auto upgrade = co_await check(x, options, limited);
  error_code ec = limited.stopped();
  if (!ec) {
    if (auto busy = s.reserve()) {
      std::string why = "the server has all the WebSockets that it takes";
      co_await s.refuse(*std::move(busy), std::move(why), limited);
    }
    const auto head = switching(upgrade, options.headers());
    ec = co_await s.upgrade(head, http::framing::none, limited);
  }
  if (ec == errc::deadline_exceeded && !ctx.stopped()) ec = errc::handshake_timeout;
  if (ec == errc::handshake_timeout && s.at() == phase::open)
    co_await x.respond(408, "text/plain; charset=utf-8", "the handshake took too long\n", ctx);
  if (ec) throw system_error(ec, "accept");

  std::string rest;
  auto t = s.release(rest);
  std::optional<protocol::deflate_agreement> deflate;
  if (upgrade.deflate) deflate = upgrade.deflate->agreement;
  const detail::connection_settings settings(protocol::role::server, options, upgrade.subprotocol, deflate);
  auto c = detail::connection::create(std::move(t), settings, std::as_bytes(std::span(rest)));
  s.upgraded(c);
  co_return conn(std::move(c));
}

namespace detail {

task<conn> accept_foreign(std::shared_ptr<transport> t, foreign_request request, accept_options options, context ctx) {
  auto taken = [options = std::move(options), ctx = std::move(ctx)](exchange& x) { return accept(x, options, ctx); };
  return http::answer_foreign<conn>(std::move(t), std::move(request), std::move(taken));
}

}  // namespace detail
}  // namespace coax
