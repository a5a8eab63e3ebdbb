// What a client may send and how long it may take; what it gets otherwise, readable to the last byte.

#include "http/support.hpp"
#include <coax/testing.hpp>

BOOST_AUTO_TEST_SUITE(limits)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

task<> ok(exchange& x, context) { co_await x.respond(200, "text/plain", "ok"); }

task<> echo_body(exchange& x, context ctx) {
  auto body = co_await x.body(ctx);
  co_await x.respond(200, "text/plain", std::move(body));
}

struct fixture {
  explicit fixture(asio::io_context& ioc, server_options o = {}) : server(ioc, std::move(o)) {
    server.srv.get("/", ok).post("/", ok).post("/echo", echo_body);
    server.start();
  }
  running_server server;
};

// Sends `text` and returns the status of the one answer, which must be followed by the end of the connection.
task<unsigned> refused(asio::io_context& ioc, std::uint16_t port, std::string text) {
  raw_client c(ioc, port);
  const auto r = co_await c.ask(std::move(text));
  c.finish();
  const auto rest = co_await c.read_all();
  BOOST_TEST(rest == "");
  BOOST_TEST(r.header("Connection") == "close");
  BOOST_TEST(r.header("Content-Type").starts_with("text/plain"));
  co_return r.status;
}

std::string many_fields(std::size_t n) {
  std::string fields;
  for (std::size_t i = 0; i < n; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  return fields;
}

}  // namespace

COAX_CORO_TEST(heads_beyond_the_limits_are_answered_and_the_answer_can_be_read) {
  fixture f(ioc);
  const auto port = f.server.srv.port();
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<std::pair<std::string, unsigned>> rows{
      {get("/", "X: " + std::string(64 * 1024, 'x') + "\r\n"), 431},
      {get("/", "X: " + std::string(16 * 1024, 'x') + "\r\n"), 431},
      {get("/", many_fields(10'000)), 431},
      {get("/", many_fields(100)), 431},
      {get("/" + std::string(64 * 1024, 'x')), 414},
      {std::string(64 * 1024, 'x'), 414},
      {std::string(1024 * 1024, '\r'), 400},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil "
       "HTTP/1.1\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
  };
  for (const auto& [text, status] : rows) {
    const auto got = co_await refused(ioc, port, text);
    BOOST_TEST(got == status, text.substr(0, 80));
  }
  raw_client good(ioc, port);
  const auto r = co_await good.ask(get("/", many_fields(99)));
  BOOST_TEST(r.status == 200U);
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(times_beyond_the_end_of_the_clock_never_come) {
  constexpr auto never = std::chrono::nanoseconds::max();
  fixture f(ioc,
            server_options().head_timeout(never).body_timeout(never).idle_timeout(never).write_stall_timeout(never));
  raw_client c(ioc, f.server.srv.port());
  for (int i = 0; i < 2; ++i) {
    co_await c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-");
    const auto r = co_await c.ask("Length: 3\r\n\r\nabc");
    BOOST_TEST(r.body == "abc");
  }
  co_await f.server.stop();
}

COAX_CORO_TEST(a_body_beyond_its_limit_is_refused_before_it_is_read) {
  fixture f(ioc, server_options().max_body(1000));
  const auto port = f.server.srv.port();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
  const std::string thousand(1000, 'x');

  raw_client exact(ioc, port);
  const auto whole = co_await exact.ask(post + "Content-Length: 1000\r\n\r\n" + thousand);
  const auto announced = co_await refused(ioc, port, post + "Content-Length: 1001\r\n\r\n");
  const auto huge = co_await refused(ioc, port, post + "Content-Length: 18446744073709551615\r\n\r\nabc");
  const auto chunked = co_await refused(
      ioc, port, post + "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + thousand + "\r\n1\r\nx\r\n0\r\n\r\n");
  const auto endless =
      co_await refused(ioc, port, post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(100 * 1024, 'x'));
  std::string extensions;
  for (int i = 0; i < 100; ++i) extensions += "1;" + std::string(300, 'x') + "\r\ny\r\n";
  const auto padded = co_await refused(ioc, port, post + "Transfer-Encoding: chunked\r\n\r\n" + extensions);
  const auto malformed = co_await refused(ioc, port, post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n");

  BOOST_TEST(whole.body == thousand);
  BOOST_TEST(announced == 413U);
  BOOST_TEST(huge == 413U);
  BOOST_TEST(chunked == 413U);
  BOOST_TEST(endless == 400U);
  BOOST_TEST(padded == 413U);
  BOOST_TEST(malformed == 400U);
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(a_body_that_nobody_read_is_skipped_if_it_is_small) {
  fixture f(ioc);
  raw_client small(ioc, f.server.srv.port());
  raw_client large(ioc, f.server.srv.port());

  const auto a = co_await small.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /" + get("/"));
  const auto b = co_await small.read();
  const auto c = co_await large.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\nabc");
  large.finish();
  const auto rest = co_await large.read_all();

  BOOST_TEST(a.status == 200U);
  BOOST_TEST(b.status == 200U);
  BOOST_TEST(c.status == 200U);
  BOOST_TEST(rest == "");
  co_await f.server.stop();
}

COAX_CORO_TEST(a_client_that_drips_its_head_is_answered_with_408_in_time) {
  testing::virtual_clock clock;
  fixture f(ioc, server_options().head_timeout(10s));
  raw_client c(ioc, f.server.srv.port());
  const std::string head = get("/");
  for (std::size_t i = 0; i < 10; ++i) {
    co_await c.send(head.substr(i, 1));
    co_await settle();
    clock.advance(1100ms);
    co_await settle();
  }
  c.finish();

  const auto all = co_await c.read_all();

  BOOST_TEST(all.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  co_await f.server.stop();
}

COAX_CORO_TEST(an_idle_connection_ends_silently_and_a_late_second_head_with_408) {
  testing::virtual_clock clock;
  fixture f(ioc, server_options().head_timeout(10s).idle_timeout(60s));
  raw_client idle(ioc, f.server.srv.port());
  raw_client late(ioc, f.server.srv.port());
  raw_client mute(ioc, f.server.srv.port());
  co_await idle.ask(get("/"));
  co_await late.ask(get("/"));

  clock.advance(11s);
  const auto said_nothing = co_await mute.peek(12);
  clock.advance(39s);
  co_await settle();
  co_await late.send("GET");
  co_await settle();
  clock.advance(9s);
  co_await settle();
  BOOST_TEST(f.server.srv.connections() >= 2U);
  clock.advance(2s);
  idle.finish();
  late.finish();
  const auto after_idle = co_await idle.read_all();
  const auto after_late = co_await late.read_all();

  BOOST_TEST(said_nothing.starts_with("HTTP/1.1 408"));
  BOOST_TEST(after_idle == "");
  BOOST_TEST(after_late.starts_with("HTTP/1.1 408"));
  co_await f.server.stop();
}

COAX_CORO_TEST(a_body_that_does_not_come_is_answered_with_408) {
  testing::virtual_clock clock;
  fixture f(ioc, server_options().body_timeout(30s));
  raw_client c(ioc, f.server.srv.port());
  co_await c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  co_await settle();
  clock.advance(31s);

  const auto r = co_await c.read();
  c.finish();

  BOOST_TEST(r.status == 408U);
  co_await f.server.stop();
}

COAX_CORO_TEST(a_client_that_takes_nothing_of_an_answer_is_cut) {
  testing::virtual_clock clock;
  running_server s(ioc);
  error_code code;
  s.srv.get("/", [&](exchange& x, context) -> task<> {
    const std::string much(64 * 1024 * 1024, 'x');
    try {
      co_await x.start(response());
      co_await x.send(much);
    } catch (const system_error& e) {
      code = e.code();
      throw;
    }
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/"));
  for (int i = 0; i < 200; ++i) co_await settle(1);
  BOOST_TEST(s.srv.connections() == 1U);

  clock.advance(31s);
  while (s.srv.connections() != 0) co_await settle(1);

  BOOST_TEST((code == errc::write_stalled));
  co_await s.stop();
}

COAX_CORO_TEST(a_read_of_the_body_that_is_stopped_goes_on_where_it_stood) {
  running_server s(ioc);
  s.srv.post("/", [](exchange& x, context ctx) -> task<> {
    error_code code;
    try {
      co_await x.body(ctx.with_timeout(5ms));
    } catch (const system_error& e) {
      code = e.code();
    }
    BOOST_TEST((code == errc::deadline_exceeded));
    co_await x.respond(200, "text/plain", "stopped");
    auto body = co_await x.body(ctx);
    BOOST_TEST(body == "hello");
    BOOST_CHECK_THROW(co_await x.body(ctx), std::logic_error);
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  const auto first = co_await c.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  co_await c.send("lo" + get("/"));
  const auto second = co_await c.read();

  BOOST_TEST(first.body == "stopped");
  BOOST_TEST(second.status == 405U);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

BOOST_AUTO_TEST_SUITE_END()
