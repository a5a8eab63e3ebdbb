#include "protocol/accept_key.hpp"
#include "protocol/handshake.hpp"
#include "websocket/connection.hpp"
#include "websocket/dial_attempt.hpp"
#include "websocket/dial_connect.hpp"
#include "websocket/dial_reply.hpp"
#include "websocket/dial_request.hpp"
#include <coax/dial.hpp>

#include <optional>

namespace coax {
namespace detail {
namespace {

// One request and its answer; nothing when that was a redirect, which `request` has followed.
task<std::optional<conn>> shake_hands(dial_request& request, const dial_options& options, const context& ctx) {
  dial_attempt attempt(co_await connect_to(request.target(), options, ctx));
  const std::string key = protocol::make_key();
  const std::string head = request.head(key);
  const asio::const_buffer bytes = asio::buffer(head);
  const error_code ec = co_await attempt.io().write(bytes, ctx);
  if (ec) throw system_error(ec, "dial: sending the request to " + request.target().name());

  reply_reader reply(attempt.io(), options.who());
  co_await reply.read_head(ctx);
  const auto fields = reply.head().fields();
  request.keep_cookies(fields);
  protocol::reply_head answer;
  answer.status = reply.head().status();
  answer.fields = fields;
  std::string wrong;
  if (request.follows(answer.status)) {
    // The body of a redirect is for people; the connection ends with it.
    const auto followed = request.follow(fields);
    if (followed) co_return std::nullopt;
    wrong = "the server answered " + std::to_string(answer.status) + ": " + followed.error().text;
  } else {
    protocol::client_offer offer;
    offer.key = key;
    offer.subprotocols = options.subprotocols();
    offer.deflate = options.deflate();
    const auto choice = protocol::check_reply(answer, offer);
    if (choice) {
      const connection_settings settings(protocol::role::client, options, choice->subprotocol, choice->deflate);
      co_return conn(connection::create(attempt.succeed(), settings, reply.rest()));
    }
    wrong = choice.error().text;
  }
  std::string body;
  if (answer.status != 101) body = co_await reply.read_body(ctx);
  throw handshake_error("dial: " + wrong, answer.status, reply.head().copy_fields(), std::move(body));
}

}  // namespace
}  // namespace detail

task<conn> dial(std::string url, dial_options options, context ctx) {
  detail::dial_request request(url, options);
  if (const auto ec = ctx.stopped()) throw system_error(ec, "dial");
  const auto bounded = ctx.with_timeout(options.handshake_timeout());
  const bool own_limit = bounded.deadline() != ctx.deadline();
  try {
    for (;;) {
      auto c = co_await detail::shake_hands(request, options, bounded);
      if (c) co_return std::move(*c);
    }
  } catch (const system_error& e) {
    // Which of the two deadlines it was is what the caller wants to know.
    if (own_limit && e.code() == errc::deadline_exceeded)
      throw system_error(errc::handshake_timeout, "dial: " + request.target().name());
    throw;
  }
}

}  // namespace coax
