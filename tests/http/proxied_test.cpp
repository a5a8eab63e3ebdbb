// Connections that begin with a header of the PROXY protocol.

#include "http/support.hpp"
#include "http/worker.hpp"
#include "io/stream.hpp"
#include "support/certificates.hpp"
#include <coax/testing.hpp>

#include <boost/asio/ssl.hpp>

BOOST_AUTO_TEST_SUITE(proxied_connections)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

const std::string line = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"s + "\x20\x01\x0d\xb8"s + std::string(11, '\0') +
                           "\x01"s + "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x02\xdc\x04\x01\xbb"s;
const std::string local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

task<> tell(exchange& x, context) {
  co_await x.respond(200, "text/plain", x.remote_endpoint() + " to " + x.local_endpoint());
}

task<> tell_on_websocket(exchange& x, context) {
  auto c = co_await accept(x);
  co_await c.write_text(c.remote_endpoint());
  co_await c.close();
}

server_options with(proxy_protocol mode, std::vector<std::string> trusted = {"127.0.0.1"}) {
  return server_options().proxy_protocol(mode, trusted);
}

struct fixture {
  fixture(asio::io_context& ioc, server_options o) : server(ioc, std::move(o)) {
    server.srv.get("/", tell).get("/ws", tell_on_websocket);
    server.start();
  }
  running_server server;
};

// What comes back for that many bytes: a body, or the end of the connection.
task<std::string> outcome(asio::io_context& ioc, const fixture& f, std::string bytes) {
  raw_client c(ioc, f.server.srv.port());
  co_await c.send(bytes);
  const auto r = co_await c.read();
  co_return r.status == 0 ? "cut" : std::to_string(r.status) + ' ' + r.body;
}

}  // namespace

COAX_CORO_TEST(the_endpoints_are_those_that_the_proxy_tells) {
  for (const auto mode : {proxy_protocol::accept, proxy_protocol::require}) {
    fixture f(ioc, with(mode));

    const auto v1 = co_await outcome(ioc, f, line + get("/"));
    const auto v2 = co_await outcome(ioc, f, binary + get("/"));
    const auto own = co_await outcome(ioc, f, local + get("/"));

    BOOST_TEST(v1 == "200 192.0.2.1:56324 to 192.0.2.2:443");
    BOOST_TEST(v2 == "200 [2001:db8::1]:56324 to [2001:db8::2]:443");
    BOOST_TEST(own.starts_with("200 127.0.0.1:"));
    BOOST_TEST(f.server.srv.stats().refused_proxies == 0U);
    co_await f.server.stop();
  }
}

COAX_CORO_TEST(a_header_may_come_byte_by_byte) {
  fixture f(ioc, with(proxy_protocol::require));
  for (const auto& header : {line, binary}) {
    raw_client c(ioc, f.server.srv.port());
    for (const char byte : header) {
      co_await c.send(std::string_view(&byte, 1));
      co_await settle(2);
    }

    const auto r = co_await c.ask(get("/"));
    const auto again = co_await c.ask(get("/"));

    BOOST_TEST(r.status == 200U);
    BOOST_TEST(again.body == r.body);
  }
  co_await f.server.stop();
}

COAX_CORO_TEST(what_is_required_and_missing_or_malformed_cuts_the_connection) {
  fixture f(ioc, with(proxy_protocol::require));
  const std::vector<std::string> rows{get("/"), "PROXY TCP4 192.0.2.1\r\n" + get("/"), "PROXY " + std::string(200, 'x'),
                                      binary.substr(0, 12) + "\x31\x21\0\0"s};

  for (const auto& bytes : rows) {
    const auto answer = co_await outcome(ioc, f, bytes);
    BOOST_TEST(answer == "cut", bytes);
  }

  BOOST_TEST(f.server.srv.stats().refused_proxies == rows.size());
  BOOST_TEST(f.server.srv.stats().requests == 0U);
  co_await f.server.stop();
}

COAX_CORO_TEST(what_is_accepted_may_be_missing) {
  fixture f(ioc, with(proxy_protocol::accept));

  const auto without = co_await outcome(ioc, f, get("/"));
  const auto alike = co_await outcome(ioc, f, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto malformed = co_await outcome(ioc, f, "PROXY TCP4 192.0.2.1\r\n" + get("/"));

  BOOST_TEST(without.starts_with("200 127.0.0.1:"));
  BOOST_TEST(alike.starts_with("405 "));
  BOOST_TEST(malformed == "cut");
  co_await f.server.stop();
}

COAX_CORO_TEST(who_is_not_trusted_cannot_speak_it) {
  fixture required(ioc, with(proxy_protocol::require, {"10.0.0.0/8", "unix"}));
  fixture accepted(ioc, with(proxy_protocol::accept, {"10.0.0.0/8", "unix"}));

  const auto cut = co_await outcome(ioc, required, line + get("/"));
  const auto garbage = co_await outcome(ioc, accepted, line + get("/"));
  const auto plain = co_await outcome(ioc, accepted, get("/"));

  BOOST_TEST(cut == "cut");
  BOOST_TEST(garbage.starts_with("400 "));
  BOOST_TEST(plain.starts_with("200 127.0.0.1:"));
  co_await required.server.stop();
  co_await accepted.server.stop();
}

COAX_CORO_TEST(a_websocket_knows_the_client_of_the_proxy) {
  fixture f(ioc, with(proxy_protocol::require));
  raw_client c(ioc, f.server.srv.port());

  co_await c.send(line + get("/ws", websocket_fields));
  const auto r = co_await c.read();
  const auto said = co_await c.peek(17);

  BOOST_TEST(r.status == 101U);
  BOOST_TEST(said.substr(2, 15) == "192.0.2.1:56324");
  c.reset();
  co_await f.server.stop();
}

COAX_CORO_TEST(the_header_comes_before_tls) {
  fixture f(ioc, with(proxy_protocol::require).tls(server_tls()));
  const auto trust = client_tls();
  asio::ssl::stream<tcp::socket> s(ioc, *trust);
  s.next_layer().connect(tcp::endpoint(asio::ip::address_v4::loopback(), f.server.srv.port()));

  // None of what TLS begins with may be taken for the header.
  co_await asio::async_write(s.next_layer(), asio::buffer(binary), asio::use_awaitable);
  co_await s.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  const auto request = get("/", "Connection: close\r\n");
  co_await asio::async_write(s, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  auto r = co_await asio::async_read(s, asio::dynamic_buffer(answer), asio::as_tuple(asio::use_awaitable));

  BOOST_TEST(std::get<0>(r) == asio::error::eof);
  BOOST_TEST(answer.ends_with("\r\n\r\n[2001:db8::1]:56324 to [2001:db8::2]:443"));
  co_await f.server.stop();
}

COAX_CORO_TEST(a_header_that_does_not_come_is_not_waited_for_without_end) {
  testing::virtual_clock clock;
  fixture required(ioc, with(proxy_protocol::require).head_timeout(5s));
  fixture accepted(ioc, with(proxy_protocol::accept).head_timeout(5s));
  raw_client a(ioc, required.server.srv.port());
  raw_client b(ioc, accepted.server.srv.port());
  co_await a.send("PROXY TCP4 192.");
  co_await b.send("PROXY TCP4 192.");
  while (required.server.srv.connections() == 0 || accepted.server.srv.connections() == 0) co_await settle(1);
  co_await settle();

  clock.advance(6s);
  const auto cut = co_await a.read_all();
  const auto late = co_await b.read();

  BOOST_TEST(cut.find("HTTP") == std::string::npos);
  BOOST_TEST(late.status == 408U);
  BOOST_TEST(required.server.srv.stats().refused_proxies == 1U);
  b.reset();
  co_await required.server.stop();
  co_await accepted.server.stop();
}

COAX_CORO_TEST(a_server_that_drains_does_not_wait_for_headers) {
  fixture f(ioc, with(proxy_protocol::require));
  raw_client c(ioc, f.server.srv.port());
  co_await c.send("PROXY ");
  while (f.server.srv.connections() == 0) co_await settle(1);

  f.server.source.request_stop();
  co_await f.server.ended();

  BOOST_TEST(f.server.srv.connections() == 0U);
  BOOST_TEST(f.server.quiet());
}

namespace {

// A header, a request and a WebSocket's 101 through a pipe with such faults; what came back.
task<std::string> converse_with(const testing::faults& faults) {
  const auto ex = co_await asio::this_coro::executor;
  auto pair = testing::memory_pair(ex, ex);
  auto& [server_end, client_end] = pair;
  server_end->set_faults(faults);
  const auto site = std::make_shared<http::site>(with(proxy_protocol::require, {"unix"}));
  site->routes.add("GET", "/", tell);
  const auto w = std::make_shared<http::worker>(ex, site);
  site->workers.push_back(w);
  site->opened();
  w->serve(server_end);
  const auto s = detail::stream::create(client_end);
  const context ctx;
  const auto bytes = binary + get("/", "Connection: close\r\n");
  error_code ec = co_await s->write(asio::const_buffer(bytes.data(), bytes.size()), ctx);
  std::string all;
  while (!ec) {
    char buffer[512];
    const auto n = co_await s->read_some(asio::buffer(buffer), ctx);
    ec = n ? error_code() : n.error();
    if (n) all.append(buffer, *n);
  }
  s->lower().close();
  bool drained = false;
  w->drain([&] { drained = true; });
  for (int i = 0; i < 100 && !drained; ++i) co_await settle(1);
  BOOST_TEST(drained);
  BOOST_TEST(site->open.load() == 0U);
  co_return all;
}

bool complete(const std::string& all) { return all.ends_with("\r\n\r\n[2001:db8::1]:56324 to [2001:db8::2]:443"); }

}  // namespace

COAX_SCENARIO_TEST(a_conversation_behind_a_header_is_the_same_in_pieces_of_any_size) {
  std::string all = co_await converse_with(testing::faults());
  BOOST_TEST(complete(all), all);
  all = co_await converse_with(testing::faults().max_read(1).max_write(1));
  BOOST_TEST(complete(all), all);
}

COAX_CORO_TEST(each_read_and_write_may_fail_and_nothing_is_left) {
  bool whole = false;
  std::uint64_t n = 0;
  for (; !whole && n < 500; ++n) {
    const auto all = co_await converse_with(testing::faults().max_read(20).max_write(50).fail_after(n));
    whole = complete(all);
  }
  BOOST_TEST(whole);
  BOOST_TEST(n > 5U);
}

BOOST_AUTO_TEST_SUITE_END()
