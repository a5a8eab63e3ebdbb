#include "protocol/handshake.hpp"
#include "websocket/connection.hpp"
#include "websocket/dial_connect.hpp"
#include "websocket/dial_reply.hpp"
#include <coax/dial.hpp>

namespace coax {
namespace detail {
namespace {

/// Closes the transport of an attempt that fails.
class attempt {
 public:
  explicit attempt(std::shared_ptr<transport> t) : stream_(stream::create(std::move(t))) {}
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;
  ~attempt() {
    if (const auto t = stream_->release()) t->close();
  }
  stream& io() noexcept { return *stream_; }
  std::shared_ptr<transport> succeed() noexcept { return stream_->release(); }

 private:
  std::shared_ptr<stream> stream_;
};

// RFC 6455 section 4.1.
std::string make_request(const dial_target& target, const dial_options& options, std::string_view key) {
  std::string r = "GET " + target.request + " HTTP/1.1\r\n";
  const auto add = [&r](std::string_view name, std::string_view value) {
    r.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", options.host().empty() ? target.host_field : options.host());
  add("Upgrade", "websocket");
  add("Connection", "Upgrade");
  add("Sec-WebSocket-Version", "13");
  add("Sec-WebSocket-Key", key);
  std::string offered;
  for (const auto& name : options.subprotocols()) offered.append(offered.empty() ? "" : ", ").append(name);
  if (!offered.empty()) add("Sec-WebSocket-Protocol", offered);
  if (!target.credentials.empty() && !options.headers().contains("Authorization"))
    add("Authorization", "Basic " + target.credentials);
  for (const auto& f : options.headers()) add(f.name, f.value);
  return r += "\r\n";
}

task<conn> shake_hands(const dial_target& target, const dial_options& options, const context& ctx) {
  attempt a(co_await connect_to(target, options, ctx));
  const std::string key = protocol::make_key();
  const std::string request = make_request(target, options, key);
  const asio::const_buffer bytes = asio::buffer(request);
  const error_code ec = co_await a.io().write(bytes, ctx);
  if (ec) throw system_error(ec, "dial: sending the request to " + target.name());

  reply_reader reply(a.io());
  co_await reply.read_head(ctx);
  const auto fields = reply.fields();
  protocol::reply_head head;
  head.status = reply.status();
  head.fields = fields;
  protocol::client_offer offer;
  offer.key = key;
  offer.subprotocols = options.subprotocols();
  const auto subprotocol = protocol::check_reply(head, offer);
  if (!subprotocol) {
    std::string body;
    if (head.status != 101) body = co_await reply.read_body(ctx);
    throw handshake_error("dial: " + subprotocol.error().text, head.status, reply.copy_fields(), std::move(body));
  }
  const connection_settings settings(protocol::role::client, options, *subprotocol);
  co_return conn(connection::create(a.succeed(), settings, reply.rest()));
}

}  // namespace
}  // namespace detail

task<conn> dial(std::string url, dial_options options, context ctx) {
  const auto target = detail::parse_dial_target(url);
  if (const auto ec = ctx.stopped()) throw system_error(ec, "dial");
  const auto bounded = ctx.with_timeout(options.handshake_timeout());
  const bool own_limit = bounded.deadline() != ctx.deadline();
  try {
    co_return co_await detail::shake_hands(target, options, bounded);
  } catch (const system_error& e) {
    // Which of the two deadlines it was is what the caller wants to know.
    if (own_limit && e.code() == errc::deadline_exceeded)
      throw system_error(errc::handshake_timeout, "dial: " + target.name());
    throw;
  }
}

}  // namespace coax
