// The opening handshake on the server's side, and the WebSocket behind it.

#include "http/support.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

BOOST_AUTO_TEST_SUITE(accept_handshake)

using namespace coax;
using namespace coax::test;

namespace {

task<> echo(conn c, context ctx) {
  while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
  co_await c.close();
}

request_handler echo_with(accept_options options) {
  return [options](exchange& x, context ctx) -> task<> {
    auto c = co_await accept(x, options);
    co_await echo(std::move(c), ctx);
  };
}

std::string request(std::string_view fields) { return get("/ws", fields); }

std::string upgrade_request(std::string_view more = {}) {
  return get("/ws", std::string(websocket_fields) + std::string(more));
}

}  // namespace

COAX_CORO_TEST(a_correct_request_becomes_a_websocket) {
  running_server s(ioc);
  s.srv.get("/ws", echo_with(accept_options().header("X-Room", "blue")));
  s.start();
  raw_client c(ioc, s.srv.port());

  co_await c.send(upgrade_request() + frame(1, "early"));
  const auto r = co_await c.read();
  const auto first = co_await c.peek(7);
  BOOST_TEST(r.status == 101U);
  BOOST_TEST(r.header("Upgrade") == "websocket");
  BOOST_TEST(r.header("Connection") == "Upgrade");
  BOOST_TEST(r.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  BOOST_TEST(r.header("X-Room") == "blue");
  BOOST_TEST(!r.has("Content-Length"));
  BOOST_TEST(!r.has("Sec-WebSocket-Protocol"));
  BOOST_TEST(!r.has("Sec-WebSocket-Extensions"));
  BOOST_TEST(first ==
             "\x81\x05"
             "early");

  c.input.clear();
  co_await c.send(frame(8, "\x03\xe8"));
  const auto rest = co_await c.read_all();
  BOOST_TEST(rest == "\x88\x02\x03\xe8");
  co_await s.stop();
  BOOST_TEST(s.quiet());
  BOOST_TEST(s.srv.connections() == 0U);
}

COAX_CORO_TEST(each_breach_of_the_handshake_has_its_answer) {
  struct row {
    std::string request;
    unsigned status;
    std::string field;
    std::string value;
    std::string text;
  };
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string up = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::vector<row> rows{
      {"GET /ws HTTP/1.0\r\nHost: a\r\n" + up + version + key + "\r\n", 426, "Upgrade", "websocket", "HTTP/1.1"},
      {request("Upgrade: websocket\r\n" + version + key), 426, "Connection", "Upgrade", "Connection"},
      {request("Connection: close\r\nUpgrade: websocket\r\n" + version + key), 426, "Upgrade", "websocket",
       "Connection"},
      {request("Connection: Upgrade\r\n" + version + key), 426, "Upgrade", "websocket", "Upgrade"},
      {request("Connection: Upgrade\r\nUpgrade: h2c\r\n" + version + key), 426, "Upgrade", "websocket", "Upgrade"},
      {"POST /ws HTTP/1.1\r\nHost: a\r\n" + up + version + key + "\r\n", 405, "Allow", "GET", "method"},
      {"GET /ws HTTP/1.1\r\n" + up + version + key + "\r\n", 400, "Sec-WebSocket-Version", "13", "Host"},
      {request("Host: b\r\n" + up + version + key), 400, "Sec-WebSocket-Version", "13", "Host"},
      {request(up + key), 400, "Sec-WebSocket-Version", "13", "Sec-WebSocket-Version"},
      {request(up + key + "Sec-WebSocket-Version: 8\r\n"), 400, "Sec-WebSocket-Version", "13", "version"},
      {request(up + key + version + version), 400, "Sec-WebSocket-Version", "13", "Sec-WebSocket-Version"},
      {request(up + version), 400, "", "", "Sec-WebSocket-Key"},
      {request(up + version + key + key), 400, "", "", "Sec-WebSocket-Key"},
      {request(up + version + "Sec-WebSocket-Key: short\r\n"), 400, "", "", "base64"},
      {request(up + version + key + "Origin: http://evil.example\r\n"), 403, "", "", "origin"},
      {request(up + version + key + "Origin: null\r\n"), 403, "", "", "origin"},
      {request(up + version + key + "Content-Length: 2\r\n") + "ab", 400, "", "", "body"},
      {request(up + version + key + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"), 400,
       "Sec-WebSocket-Version", "13", "Transfer-Encoding"},
  };
  running_server s(ioc);
  s.srv.any("/ws", echo_with(accept_options()));
  s.start();
  for (const auto& row : rows) {
    raw_client c(ioc, s.srv.port());
    const auto r = co_await c.ask(row.request);
    BOOST_TEST(r.status == row.status, row.request);
    BOOST_TEST(r.header("Content-Type").starts_with("text/plain"));
    BOOST_TEST(r.body.find(row.text) != std::string::npos, row.request << r.body);
    if (!row.field.empty()) BOOST_TEST(r.head.find(row.field + ": " + row.value + "\r\n") != std::string::npos, r.head);
  }
  raw_client good(ioc, s.srv.port());
  const auto r = co_await good.ask(upgrade_request());
  BOOST_TEST(r.status == 101U);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(no_request_follows_one_that_made_no_websocket) {
  running_server s(ioc);
  s.srv.get("/ws", echo_with(accept_options()));
  s.srv.get("/page", [](exchange& x, context) { return x.respond(200, "text/plain", "page"); });
  s.start();
  const std::string old = "Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 8\r\n";
  const std::vector<std::pair<std::string, unsigned>> rows{
      {get("/ws", old), 400},
      {get("/ws", "Upgrade: websocket\r\n"), 426},
      {get("/page", websocket_fields), 200},
      {get("/nowhere", websocket_fields), 404},
  };
  for (const auto& [request, status] : rows) {
    raw_client c(ioc, s.srv.port());
    co_await c.send(request + get("/page"));
    const auto r = co_await c.read();
    BOOST_TEST(r.status == status, request);
    BOOST_TEST(r.head.find("Connection: close\r\n") != std::string::npos, r.head);
    const auto rest = co_await c.read_all();
    BOOST_TEST(rest.find("page") == std::string::npos, rest);
  }
  // Other protocols are offered with ordinary requests.
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/page", "Connection: Upgrade\r\nUpgrade: h2c\r\n") + get("/page"));
  const auto first = co_await c.read();
  const auto second = co_await c.read();
  BOOST_TEST(first.status == 200U);
  BOOST_TEST(second.status == 200U);
  co_await s.stop();
}

COAX_CORO_TEST(origins_of_the_own_host_and_of_the_patterns_are_welcome) {
  const std::vector<std::pair<std::string, unsigned>> rows{
      {"http://example.com", 101},      {"https://EXAMPLE.com", 101},
      {"http://example.com:81", 403},   {"https://app.friend.org", 101},
      {"http://localhost:3000", 101},   {"https://localhost:3000", 403},
      {"https://friend.org.evil", 403}, {"null", 403},
  };
  running_server s(ioc);
  s.srv.get("/ws", echo_with(accept_options().origin_pattern("*.friend.org").origin_pattern("http://localhost:*")));
  s.srv.get("/open", echo_with(accept_options().insecure_skip_origin_check(true)));
  s.start();
  for (const auto& [origin, status] : rows) {
    raw_client c(ioc, s.srv.port());
    const auto r = co_await c.ask(upgrade_request("Origin: " + origin + "\r\n"));
    BOOST_TEST(r.status == status, origin);
  }
  raw_client c(ioc, s.srv.port());
  const auto r = co_await c.ask(get("/open", std::string(websocket_fields) + "Origin: http://evil.example\r\n"));
  BOOST_TEST(r.status == 101U);
  co_await s.stop();
}

BOOST_AUTO_TEST_CASE(malformed_options_are_refused_at_once) {
  BOOST_CHECK_THROW(accept_options().origin_pattern("[a"), std::invalid_argument);
  BOOST_CHECK_THROW(accept_options().subprotocol("two words"), std::invalid_argument);
  BOOST_CHECK_THROW(accept_options().header("X", "a\r\nY: b"), std::invalid_argument);
  accept_options original;
  accept_options copy = original;
  copy.subprotocol("chat");
  accept_options again = original;
  again.origin_pattern("a");
  BOOST_CHECK_THROW(again.origin_pattern("[b"), std::invalid_argument);
}

COAX_CORO_TEST(the_servers_order_of_subprotocols_and_the_clients_spelling_decide) {
  running_server s(ioc);
  s.srv.get("/ws", [](exchange& x, context) -> task<> {
    auto c = co_await accept(x, accept_options().subprotocol("v2").subprotocol("v1").require_subprotocol(true));
    co_await c.write_text(c.subprotocol());
    co_await c.close();
  });
  s.start();
  raw_client both(ioc, s.srv.port());
  raw_client none(ioc, s.srv.port());

  const auto r = co_await both.ask(upgrade_request("Sec-WebSocket-Protocol: v1, V2\r\n"));
  const auto said = co_await both.peek(4);
  const auto refused = co_await none.ask(upgrade_request("Sec-WebSocket-Protocol: v3\r\n"));

  BOOST_TEST(r.header("Sec-WebSocket-Protocol") == "V2");
  BOOST_TEST(said.starts_with("\x81\x02V2"));
  BOOST_TEST(refused.status == 400U);
  both.reset();
  co_await s.stop();
}

COAX_CORO_TEST(authorize_accepts_refuses_or_fails) {
  running_server s(ioc);
  std::optional<unsigned> thrown;
  const authorize_hook authorize = [](exchange& x, context) -> task<std::optional<response>> {
    if (x.header("Authorization") == "yes") co_return std::nullopt;
    if (x.header("Authorization") == "bug") throw std::runtime_error("no database");
    co_return response(401).header("WWW-Authenticate", "Bearer").body("who are you?");
  };
  s.srv.get("/ws", [&, authorize](exchange& x, context ctx) -> task<> {
    try {
      auto c = co_await accept(x, accept_options().authorize(authorize), ctx);
      co_await echo(std::move(c), ctx);
    } catch (const handshake_error& e) {
      thrown = e.status();
      BOOST_TEST(e.fields().get("WWW-Authenticate") == "Bearer");
      BOOST_TEST(e.body() == "who are you?");
      throw;
    }
  });
  s.start();
  raw_client yes(ioc, s.srv.port());
  raw_client no(ioc, s.srv.port());
  raw_client known(ioc, s.srv.port());
  raw_client bug(ioc, s.srv.port());

  const auto accepted = co_await yes.ask(upgrade_request("Authorization: yes\r\n"));
  const auto refused = co_await no.ask(upgrade_request("Authorization: no\r\n"));
  const auto again = co_await known.ask(upgrade_request("Authorization: yes\r\n"));
  BOOST_TEST(s.quiet());
  const auto failed = co_await bug.ask(upgrade_request("Authorization: bug\r\n"));

  BOOST_TEST(accepted.status == 101U);
  BOOST_TEST(refused.status == 401U);
  BOOST_TEST(refused.body == "who are you?");
  BOOST_TEST(thrown.value_or(0) == 401U);
  BOOST_TEST(again.status == 101U);
  BOOST_TEST(failed.status == 500U);
  BOOST_TEST(s.logged("no database", log_level::error) == 1U);
  co_await s.stop();
}

COAX_CORO_TEST(accept_after_an_answer_is_an_error_of_the_program) {
  running_server s(ioc);
  s.srv.get("/ws", [](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", "answered");
    BOOST_CHECK_THROW(co_await accept(x), std::logic_error);
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(upgrade_request());

  BOOST_TEST(r.body == "answered");
  co_await s.stop();
}

COAX_CORO_TEST(an_accept_that_takes_too_long_is_answered_with_408) {
  running_server s(ioc);
  error_code code;
  s.srv.get("/ws", [&](exchange& x, context) -> task<> {
    const authorize_hook slow = [](exchange&, context ctx) -> task<std::optional<response>> {
      asio::steady_timer t(co_await asio::this_coro::executor, *ctx.deadline() + std::chrono::milliseconds(5));
      co_await t.async_wait(asio::use_awaitable);
      co_return std::nullopt;
    };
    try {
      co_await accept(x, accept_options().authorize(slow).handshake_timeout(std::chrono::milliseconds(20)));
    } catch (const system_error& e) {
      code = e.code();
      throw;
    }
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(upgrade_request());

  BOOST_TEST((code == errc::handshake_timeout));
  BOOST_TEST(r.status == 408U);
  co_await s.stop();
}

COAX_CORO_TEST(the_context_of_a_handler_stops_when_its_websocket_ends) {
  running_server s(ioc);
  bool stopped = false;
  s.srv.get("/ws", [&](exchange& x, context ctx) -> task<> {
    auto c = co_await accept(x);
    const auto reading = c.close_read();
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    const std::stop_callback wake(ctx.stop_token(), [&never] { never.cancel(); });
    co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
    stopped = ctx.stopped() == errc::canceled;
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.ask(upgrade_request());
  BOOST_TEST(s.srv.connections() == 1U);

  c.reset();
  while (s.srv.connections() != 0) co_await settle(1);

  BOOST_TEST(stopped);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_connection_kept_beyond_its_handler_is_still_drained) {
  running_server s(ioc);
  conn kept;
  s.srv.get("/ws", [&](exchange& x, context) -> task<> {
    kept = co_await accept(x);
    kept.close_read();
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.ask(upgrade_request());
  co_await settle();
  BOOST_TEST(s.srv.connections() == 1U);

  s.source.request_stop();
  const auto closing = co_await c.peek(4);
  BOOST_TEST(closing.substr(0, 4) == std::string_view("\x88\x1a\x03\xe9", 4), closing);
  co_await c.send(frame(8, "\x03\xe9"));
  co_await s.ended();

  BOOST_TEST(kept.closed().clean);
  BOOST_TEST(s.srv.connections() == 0U);
}

namespace http = boost::beast::http;

// What a Beast server has at hand when it has read an upgrade request.
struct beast_side {
  http::request<http::string_body> request{http::verb::get, "/chat?room=1", 11};
  boost::beast::flat_buffer buffer;

  void add_early(std::string_view bytes) {
    buffer.commit(asio::buffer_copy(buffer.prepare(bytes.size()), asio::buffer(bytes)));
  }
};

task<tcp::socket> connected(asio::io_context& ioc, raw_client*& c, std::unique_ptr<raw_client>& owner) {
  tcp::acceptor a(ioc, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  owner = std::make_unique<raw_client>(ioc, a.local_endpoint().port());
  c = owner.get();
  co_return co_await a.async_accept(asio::use_awaitable);
}

COAX_CORO_TEST(a_request_that_beast_has_read_becomes_a_websocket_with_the_bytes_behind_it) {
  raw_client* c = nullptr;
  std::unique_ptr<raw_client> owner;
  auto socket = co_await connected(ioc, c, owner);
  beast_side b;
  b.request.set("Host", "a");
  b.request.set("Connection", "Upgrade");
  b.request.set("Upgrade", "websocket");
  b.request.set("Sec-WebSocket-Version", "13");
  b.request.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  b.add_early(frame(1, "early").substr(0, 8));
  co_await c->send(frame(1, "early").substr(8));

  auto ws = co_await accept(std::move(socket), b.request, b.buffer.data(), accept_options().header("X", "y"));
  const auto m = co_await ws.read();
  const auto r = co_await c->read();

  BOOST_TEST(m.text() == "early");
  BOOST_TEST(r.status == 101U);
  BOOST_TEST(r.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  BOOST_TEST(r.header("X") == "y");
}

COAX_CORO_TEST(a_request_of_beast_that_is_refused_has_its_answer_and_its_end) {
  raw_client* c = nullptr;
  std::unique_ptr<raw_client> owner;
  auto socket = co_await connected(ioc, c, owner);
  beast_side b;
  b.request.set("Host", "a");
  c->finish();

  unsigned status = 0;
  try {
    co_await accept(std::move(socket), b.request, b.buffer.data());
  } catch (const handshake_error& e) {
    status = e.status();
  }
  const auto all = co_await c->read_all();

  BOOST_TEST(status == 426U);
  BOOST_TEST(all.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  BOOST_TEST(all.find("Connection: Upgrade\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
