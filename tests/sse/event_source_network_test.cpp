/// Over sockets: TLS, a proxy, a Unix socket, threads.
#include "io/tls_transport.hpp"
#include "sse/event_site.hpp"
#include "support/certificates.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstdio>
#include <future>
#include <thread>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_source_network)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_options;

// An event for each connection, with what came before as its data.
scripted_server::script counting(int& connections) {
  return [&connections](stream_ptr s, std::string request) -> task<> {
    const auto id = std::to_string(++connections);
    co_await send_and_end(s, ok + "id: " + id + "\ndata: after " + field(request, "Last-Event-ID") + "\n\n");
    co_await wait_for_end(s);
  };
}

COAX_CORO_TEST(over_tls) {
  int connections = 0;
  scripted_server server(ioc, counting(connections));
  server.tls();
  const auto options = event_source_options().retry(0s).tls(client_tls());
  event_source es(ioc.get_executor(), server.url("https", "localhost"), options);
  for (const auto* expected : {"after ", "after 1", "after 2"}) {
    const auto got = co_await next_data(es);
    BOOST_CHECK_EQUAL(got, expected);
  }
}

COAX_CORO_TEST(a_certificate_that_is_refused_is_final) {
  int connections = 0;
  scripted_server server(ioc, counting(connections));
  server.tls();
  event_source es(ioc.get_executor(), server.url("https", "localhost"), event_source_options().retry(0s));
  std::string text;
  const auto ec = co_await next_failure(es, {}, &text);
  BOOST_CHECK(ec.category() == detail::tls_verify_category());
  BOOST_CHECK(text.starts_with("event_source: the TLS handshake with localhost:"));
}

COAX_CORO_TEST(through_a_proxy) {
  std::vector<std::string> connects;
  int refused = 0;
  const scripted_server proxy(ioc, [&](stream_ptr s, std::string request) -> task<> {
    connects.push_back(request.substr(0, request.find("\r\n")));
    if (refused++ == 0) {
      co_await send(s, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    } else {
      co_await send(s, "HTTP/1.1 200 Go\r\n\r\n");
      const auto inner = co_await read_head(s);
      BOOST_CHECK(inner.starts_with("GET /e HTTP/1.1\r\n"));
      co_await send_and_end(s, ok + "data: through\n\n");
    }
    co_await wait_for_end(s);
  });
  const auto options = event_source_options().retry(0s).proxy("http://127.0.0.1:" + proxy.port());
  event_source es(ioc.get_executor(), "http://example.com/e", options);
  const auto got = co_await next_data(es);
  BOOST_CHECK_EQUAL(got, "through");
  BOOST_CHECK((connects == std::vector<std::string>(2, "CONNECT example.com:80 HTTP/1.1")));
}

COAX_CORO_TEST(a_proxy_that_wants_other_credentials_is_final) {
  const scripted_server proxy(ioc, reply("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"));
  const auto options = event_source_options().retry(0s).proxy("http://127.0.0.1:" + proxy.port());
  event_source es(ioc.get_executor(), "http://example.com/e", options);
  const auto ec = co_await next_failure(es);
  BOOST_CHECK(ec == errc::proxy_failed);
}

COAX_CORO_TEST(over_a_unix_socket) {
  using protocol = asio::local::stream_protocol;
  const std::string path = "/tmp/coax-sse-" + std::to_string(::getpid()) + ".sock";
  std::remove(path.c_str());
  protocol::acceptor acceptor(ioc, protocol::endpoint(path));
  std::string request;
  auto server = [&]() -> task<> {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    const auto s = detail::stream::create(make_transport(std::move(socket)));
    request = co_await read_head(s);
    co_await send(s, ok + "data: local\n\n");
    co_await wait_for_end(s);
  };
  auto client = [&]() -> task<> {
    event_source es(ioc.get_executor(), "http+unix://" + path + ":/events?a", event_source_options());
    const auto got = co_await next_data(es);
    BOOST_CHECK_EQUAL(got, "local");
    BOOST_CHECK_EQUAL(es.url(), "http+unix://" + path + ":/events?a");
  };
  co_await all(server(), client());
  BOOST_CHECK(request.starts_with("GET /events?a HTTP/1.1\r\nHost: localhost\r\n"));
  std::remove(path.c_str());
}

COAX_CORO_TEST(a_host_that_cannot_be_reached_is_tried_again) {
  int connections = 0;
  auto server = std::make_unique<scripted_server>(ioc, counting(connections));
  const auto url = server->url("http");
  server.reset();  // the port is closed now
  co_await settle(2);
  std::vector<error_code> errors;
  std::unique_ptr<event_source> es;
  const auto options = event_source_options().retry(0s).on_change([&](const sse::event_source_change& c) {
    errors.push_back(c.error);
    if (errors.size() == 2) es->close();
  });
  es = std::make_unique<event_source>(ioc.get_executor(), url, options);
  const auto got = co_await next_data(*es);
  BOOST_CHECK_EQUAL(got, "(end)");
  BOOST_REQUIRE_EQUAL(errors.size(), 2u);
  BOOST_CHECK(errors[0] == asio::error::connection_refused);
}

// The source on a thread of its own.
struct home {
  home() : guard(ioc.get_executor()), thread([this] { ioc.run(); }) {}
  ~home() {
    guard.reset();
    ioc.stop();
    thread.join();
  }
  asio::io_context ioc{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::thread thread;
};

COAX_CORO_TEST(next_may_be_called_from_another_executor) {
  home h;
  event_site site(h.ioc, [](stream_ptr s, std::string request, int) -> task<> {
    const auto last = field(request, "Last-Event-ID");
    const auto id = std::to_string(last.empty() ? 1 : std::stoi(last) + 1);
    co_await send_and_end(s, ok + "id: " + id + "\ndata: " + id + "\n\n");
  });
  event_source es(h.ioc.get_executor(), "http://h/", site.options());
  int expected = 1;
  for (int i = 0; i < 200; ++i) {
    std::stop_source stop;
    std::jthread stopper([&stop] { stop.request_stop(); });
    try {
      auto e = co_await es.next(stop.get_token());
      BOOST_REQUIRE(e);
      BOOST_REQUIRE_EQUAL(e->data(), std::to_string(expected++));
    } catch (const system_error& e) {
      BOOST_REQUIRE(e.code() == errc::canceled);
    }
  }
  const auto got = co_await next_data(es);
  BOOST_CHECK_EQUAL(got, std::to_string(expected));
}

COAX_CORO_TEST(close_may_come_from_any_thread) {
  for (int i = 0; i < 50; ++i) {
    home h;
    event_site site(h.ioc, [i](stream_ptr s, std::string, int) -> task<> {
      if (i % 3 == 0) co_await send(s, ok + "data: x\n\n");
      if (i % 3 == 1) co_await send_and_end(s, ok + "data: x\n\n");
      co_await wait_for_end(s);
    });
    event_source es(h.ioc.get_executor(), "http://h/", site.options());
    std::promise<void> ended;
    auto reader = [&es]() -> task<> {
      while (auto e = co_await es.next()) {
      }
    };
    // Boost.Test is for one thread.
    asio::co_spawn(h.ioc, reader, [&ended](std::exception_ptr e) {
      if (e)
        ended.set_exception(e);
      else
        ended.set_value();
    });
    if (i % 2 == 0) std::this_thread::yield();
    es.close();
    auto outcome = ended.get_future();
    BOOST_REQUIRE(outcome.wait_for(watchdog) == std::future_status::ready);
    BOOST_CHECK_NO_THROW(outcome.get());
  }
  co_return;
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
