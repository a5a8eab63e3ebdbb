// How many clients a server takes, and what the others are told.

#include "http/support.hpp"
#include <coax/metrics.hpp>
#include <coax/sse.hpp>

BOOST_AUTO_TEST_SUITE(admission_control)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

task<> ok(exchange& x, context) { co_await x.respond(200, "text/plain", "ok"); }

task<> echo(exchange& x, context ctx) {
  auto c = co_await accept(x);
  while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
  co_await c.close();
}

struct fixture {
  fixture(asio::io_context& ioc, admission_options o) : server(ioc, server_options().admission(std::move(o))) {
    server.srv.get("/", ok).get("/readyz", ok).get("/ws", echo);
    server.srv.get("/events", [this](exchange& x, context ctx) -> task<> {
      auto s = co_await sse::accept(x, sse::stream_options(), ctx);
      kept.push_back(std::move(s));
    });
    server.start();
  }
  server_stats stats() const { return server.srv.stats(); }
  std::vector<sse::event_stream> kept;
  running_server server;
};

// That it is an answer to somebody who is to come back.
int retry_after(const raw_reply& r) {
  BOOST_TEST(r.status == 503U);
  BOOST_TEST(r.header("Connection") == "close");
  BOOST_TEST(r.header("Cache-Control") == "no-store");
  return r.has("Retry-After") ? std::stoi(r.header("Retry-After")) : -1;
}

}  // namespace

COAX_CORO_TEST(connections_above_the_bound_are_told_to_come_back) {
  fixture f(ioc, admission_options().connections(2).retry_after(3s, 9s));
  raw_client first(ioc, f.server.srv.port());
  raw_client second(ioc, f.server.srv.port());
  const auto a = co_await first.ask(get("/"));
  const auto b = co_await second.ask(get("/"));
  BOOST_TEST(a.status == 200U);
  BOOST_TEST(b.status == 200U);

  raw_client third(ioc, f.server.srv.port());
  const auto refused = co_await third.ask(get("/"));
  const auto end = co_await third.read_all();

  const auto seconds = retry_after(refused);
  BOOST_TEST((seconds >= 3 && seconds <= 9));
  BOOST_TEST(end == "");
  BOOST_TEST(f.stats().refused_connections == 1U);
  const auto still = co_await first.ask(get("/"));
  BOOST_TEST(still.status == 200U);

  // And who comes back finds the place of who has gone.
  second.socket.close();
  while (f.stats().connections > 1) co_await settle(1);
  raw_client again(ioc, f.server.srv.port());
  const auto served = co_await again.ask(get("/"));
  BOOST_TEST(served.status == 200U);
  co_await f.server.stop();
}

COAX_CORO_TEST(a_full_server_is_not_ill) {
  fixture f(ioc, admission_options().connections(0).admit([](const exchange&) { return admission::refuse; }));
  raw_client c(ioc, f.server.srv.port());
  raw_client d(ioc, f.server.srv.port());

  const auto probe = co_await c.ask(get("/readyz"));
  const auto visit = co_await d.ask(get("/"));

  BOOST_TEST(probe.status == 200U);
  BOOST_TEST(visit.status == 503U);
  co_await f.server.stop();
}

COAX_CORO_TEST(websockets_and_streams_share_a_bound) {
  fixture f(ioc, admission_options().streams(2));
  raw_client ws(ioc, f.server.srv.port());
  raw_client sse(ioc, f.server.srv.port());
  co_await ws.send(get("/ws", websocket_fields));
  const auto a = co_await ws.read();
  co_await sse.send(get("/events"));
  const auto b = co_await sse.read(expect_body::no);
  BOOST_TEST(a.status == 101U);
  BOOST_TEST(b.status == 200U);
  BOOST_TEST(f.stats().streams == 2U);

  raw_client third(ioc, f.server.srv.port());
  const auto plain = co_await third.ask(get("/"));
  const auto refused = co_await third.ask(get("/ws", websocket_fields));
  raw_client fourth(ioc, f.server.srv.port());
  const auto refused_events = co_await fourth.ask(get("/events"));
  BOOST_TEST(plain.status == 200U);
  BOOST_TEST(retry_after(refused) >= 5);
  BOOST_TEST(retry_after(refused_events) <= 15);
  BOOST_TEST(f.stats().refused_streams == 2U);

  ws.reset();
  sse.reset();
  while (f.stats().streams != 0) co_await settle(1);
  raw_client fifth(ioc, f.server.srv.port());
  co_await fifth.send(get("/ws", websocket_fields));
  const auto taken = co_await fifth.read();
  BOOST_TEST(taken.status == 101U);
  fifth.reset();
  co_await f.server.stop();
  BOOST_TEST(f.stats().streams == 0U);
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(a_request_that_becomes_no_websocket_keeps_no_place) {
  fixture f(ioc, admission_options().streams(1));
  for (int i = 0; i < 3; ++i) {
    raw_client c(ioc, f.server.srv.port());
    const auto refused = co_await c.ask(get("/ws"));
    BOOST_TEST(refused.status == 426U);
  }
  BOOST_TEST(f.stats().streams == 0U);
  BOOST_TEST(f.stats().refused_streams == 0U);
  co_await f.server.stop();
}

COAX_CORO_TEST(the_hook_decides_request_by_request) {
  fixture f(ioc, admission_options().admit([](const exchange& x) {
    if (x.header("X-Trouble") == "throw") throw std::runtime_error("on purpose");
    return x.header("X-Trouble").empty() ? admission::admit : admission::refuse;
  }));
  raw_client a(ioc, f.server.srv.port());
  raw_client b(ioc, f.server.srv.port());

  const auto good = co_await a.ask(get("/"));
  const auto refused = co_await a.ask(get("/nowhere", "X-Trouble: yes\r\n"));
  const auto thrown = co_await b.ask(get("/", "X-Trouble: throw\r\n"));

  BOOST_TEST(good.status == 200U);
  BOOST_TEST(retry_after(refused) >= 5);
  BOOST_TEST(thrown.status == 500U);
  BOOST_TEST(f.stats().refused_by_hook == 1U);
  BOOST_TEST(f.stats().requests == 3U);
  co_await f.server.stop();
}

COAX_CORO_TEST(clients_are_told_different_times) {
  fixture f(ioc, admission_options().retry_after(1s, 1000s).admit([](const exchange&) { return admission::refuse; }));
  std::set<int> times;
  for (int i = 0; i < 20; ++i) {
    raw_client c(ioc, f.server.srv.port());
    const auto r = co_await c.ask(get("/"));
    times.insert(retry_after(r));
  }

  // That 20 of a thousand are nearly all the same does not happen.
  BOOST_TEST(times.size() > 5U);
  BOOST_TEST(*times.begin() >= 1);
  BOOST_TEST(*times.rbegin() <= 1000);
  co_await f.server.stop();
}

COAX_CORO_TEST(figures_are_told_as_text) {
  fixture f(ioc, admission_options().admit([](const exchange&) { return admission::refuse; }));
  raw_client c(ioc, f.server.srv.port());
  co_await c.ask(get("/"));

  const auto text = prometheus_text(f.stats());

  for (const auto* line : {"\ncoax_server_accepted_total 1\n", "\ncoax_server_refused_by_hook_total 1\n",
                           "\n# TYPE coax_server_streams gauge\ncoax_server_streams 0\n"})
    BOOST_TEST(text.find(line) != std::string::npos, line);
  co_await f.server.stop();
}

BOOST_AUTO_TEST_CASE(a_time_that_makes_no_sense_is_an_error) {
  admission_options o;
  BOOST_CHECK_THROW(o.retry_after(0s, 1s), std::invalid_argument);
  BOOST_CHECK_THROW(o.retry_after(5s, 4s), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
