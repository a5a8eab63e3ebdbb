// When handlers are told to stop, how the server ends, and what happens when things run out.

#include "http/support.hpp"
#include "support/certificates.hpp"
#include <coax/stop_on_signal.hpp>
#include <coax/testing.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <thread>

BOOST_AUTO_TEST_SUITE(lifetime)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

// A handler that works until its context stops, and says so.
struct worker_handler {
  int running = 0;
  int stopped = 0;

  task<> operator()(exchange& x, context ctx) {
    ++running;
    asio::steady_timer never(x.get_executor(), asio::steady_timer::time_point::max());
    const std::stop_callback wake(ctx.stop_token(), [&never] { never.cancel(); });
    if (!ctx.stopped()) co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
    --running;
    ++stopped;
    throw system_error(ctx.stopped());
  }
};

request_handler by_ref(worker_handler& h) {
  return [&h](exchange& x, context ctx) { return h(x, std::move(ctx)); };
}

task<> until(std::function<bool()> condition) {
  while (!condition()) co_await settle(1);
}

task<> echo(exchange& x, context ctx) {
  auto c = co_await accept(x);
  while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
}

task<> ok(exchange& x, context) { co_await x.respond(200, "text/plain", "ok"); }

}  // namespace

COAX_CORO_TEST(a_handler_is_stopped_when_its_client_goes) {
  worker_handler h;
  running_server s(ioc);
  s.srv.get("/work", by_ref(h));
  s.start();
  raw_client polite(ioc, s.srv.port());
  raw_client rude(ioc, s.srv.port());
  co_await polite.send(get("/work"));
  co_await rude.send(get("/work"));
  co_await until([&] { return h.running == 2; });

  polite.socket.close();
  co_await until([&] { return h.stopped == 1; });
  rude.reset();
  co_await until([&] { return s.srv.connections() == 0; });

  BOOST_TEST(h.stopped == 2);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(what_arrives_while_a_handler_works_is_kept_for_the_next_request) {
  bool done = false;
  running_server s(ioc);
  s.srv.get("/", ok).get("/wait", [&](exchange& x, context ctx) -> task<> {
    co_await until([&] { return done; });
    BOOST_TEST(!ctx.stopped());
    co_await x.respond(200, "text/plain", "waited");
  });
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/wait"));
  co_await settle();
  const std::string one = get("/");
  const std::size_t many = 300 * 1024 / one.size();
  std::string flood;
  for (std::size_t i = 0; i < many; ++i) flood += one;
  asio::co_spawn(
      ioc, [&] { return c.send(flood); }, asio::detached);
  co_await settle(200);
  done = true;

  const auto first = co_await c.read();
  std::size_t answered = 0;
  while (answered < many) {
    const auto r = co_await c.read();
    if (r.body != "ok") break;
    ++answered;
  }

  BOOST_TEST(first.body == "waited");
  BOOST_TEST(answered == many);
  co_await s.stop();
}

COAX_CORO_TEST(a_server_that_stops_ends_idle_connections_stops_handlers_and_closes_websockets) {
  worker_handler h;
  running_server s(ioc);
  s.srv.get("/", ok).get("/work", by_ref(h)).get("/ws", echo);
  s.srv.get("/finish", [](exchange& x, context ctx) -> task<> {
    co_await until([&] { return ctx.stopped() == errc::canceled; });
    co_await x.respond(200, "text/plain", "finished");
  });
  s.start();
  raw_client idle(ioc, s.srv.port()), working(ioc, s.srv.port()), ws(ioc, s.srv.port()), finishing(ioc, s.srv.port()),
      mute(ioc, s.srv.port()), half(ioc, s.srv.port());
  co_await idle.ask(get("/"));
  co_await working.send(get("/work"));
  co_await ws.ask(get("/ws", websocket_fields));
  co_await finishing.send(get("/finish"));
  co_await half.send("GET / HT");
  co_await until([&] { return h.running == 1 && s.srv.connections() == 6; });

  s.source.request_stop();
  const auto closing = co_await ws.peek(4);
  BOOST_TEST(closing.substr(0, 4) == std::string_view("\x88\x1a\x03\xe9", 4));
  co_await ws.send(frame(8, "\x03\xe9"));
  for (auto* c : {&idle, &working, &ws, &finishing, &mute, &half}) c->finish();
  const auto unavailable = co_await working.read();
  const auto finished = co_await finishing.read();
  co_await s.ended();

  BOOST_TEST(unavailable.status == 503U);
  BOOST_TEST(unavailable.header("Connection") == "close");
  BOOST_TEST(finished.body == "finished");
  BOOST_TEST(finished.header("Connection") == "close");
  for (auto* c : {&idle, &mute, &half}) {
    const auto rest = co_await c->read_all();
    BOOST_TEST(rest == "");
  }
  BOOST_TEST(s.srv.connections() == 0U);
  BOOST_CHECK_THROW(raw_client(ioc, s.srv.port()), boost::system::system_error);
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_drain_is_bounded_whatever_handlers_and_peers_do) {
  running_server s(ioc, server_options().drain_timeout(30ms));
  int cancelled = 0;
  s.srv.get("/deaf", [&](exchange& x, context) -> task<> {
    asio::steady_timer never(x.get_executor(), asio::steady_timer::time_point::max());
    try {
      co_await never.async_wait(asio::use_awaitable);
    } catch (...) {
      ++cancelled;
      throw;
    }
  });
  s.srv.get("/ws", [&](exchange& x, context) -> task<> {
    auto c = co_await accept(x, accept_options().close_timeout(1h));
    try {
      for (;;) co_await c.read();
    } catch (...) {
      ++cancelled;
      throw;
    }
  });
  s.start();
  raw_client deaf(ioc, s.srv.port()), ws(ioc, s.srv.port());
  co_await deaf.send(get("/deaf"));
  co_await ws.ask(get("/ws", websocket_fields));
  co_await settle();

  s.source.request_stop();
  co_await s.ended();

  BOOST_TEST(cancelled == 2);
  BOOST_TEST(s.srv.connections() == 0U);
  BOOST_TEST(s.logged("time to drain") == 1U);
}

COAX_CORO_TEST(a_reset_at_any_stage_harms_nobody_else) {
  running_server s(ioc);
  s.srv.get("/", ok).get("/ws", echo).post("/", [](exchange& x, context ctx) -> task<> {
    auto body = co_await x.body(ctx);
    co_await x.respond(200, "text/plain", std::move(body));
  });
  s.srv.get("/much", [](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", std::string(8 * 1024 * 1024, 'x'));
  });
  s.start();
  const std::vector<std::string> stages{"",
                                        "G",
                                        "GET / HTTP/1.1\r\nHo",
                                        get("/"),
                                        get("/much"),
                                        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
                                        get("/ws", websocket_fields),
                                        get("/ws", websocket_fields) + "\x81"};
  for (const auto& stage : stages)
    for (const int turns : {0, 1, 3, 10, 30}) {
      raw_client c(ioc, s.srv.port());
      co_await c.send(stage);
      co_await settle(turns);
      c.reset();
    }
  co_await until([&] { return s.srv.connections() == 0; });

  raw_client good(ioc, s.srv.port());
  const auto r = co_await good.ask(get("/"));
  BOOST_TEST(r.body == "ok");
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_client_that_has_said_its_end_still_gets_its_answers) {
  running_server s(ioc);
  s.srv.get("/", ok);
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.send(get("/") + get("/") + "GET");
  c.finish();

  const auto first = co_await c.read();
  const auto second = co_await c.read();
  const auto rest = co_await c.read_all();

  BOOST_TEST(first.body == "ok");
  BOOST_TEST(second.body == "ok");
  BOOST_TEST(rest == "");
  co_await s.stop();
}

COAX_CORO_TEST(a_peer_that_has_vanished_without_a_word_is_given_up) {
  testing::virtual_clock clock;
  running_server s(ioc);
  error_code code;
  s.srv.get("/ws", [&](exchange& x, context) -> task<> {
    auto c = co_await accept(x);
    const auto m = co_await c.try_read();
    if (!m) code = m.error();
  });
  s.start();
  raw_client mute(ioc, s.srv.port());
  co_await mute.ask(get("/ws", websocket_fields));
  for (int i = 0; i < 60 && s.srv.connections() != 0; ++i) {
    clock.advance(1s);
    co_await settle();
  }

  BOOST_TEST((code == errc::peer_timeout));
  BOOST_TEST(s.srv.connections() == 0U);
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(connections_beyond_the_limit_wait_for_their_turn) {
  running_server s(ioc, server_options().max_connections(2));
  s.srv.get("/", ok);
  s.start();
  raw_client a(ioc, s.srv.port()), b(ioc, s.srv.port()), c(ioc, s.srv.port());
  co_await a.ask(get("/"));
  co_await b.ask(get("/"));
  co_await c.send(get("/"));
  co_await settle(200);
  BOOST_TEST(s.srv.connections() == 2U);

  a.reset();
  const auto r = co_await c.read();

  BOOST_TEST(r.body == "ok");
  BOOST_TEST(s.logged("limit of connections", log_level::warning) == 1U);
  co_await s.stop();
}

// No descriptor is left in this process for as long as it lives.
class exhausted_descriptors {
 public:
  exhausted_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(next);
    ::close(next);
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) plugs_.push_back(fd);
  }
  ~exhausted_descriptors() {
    for (const int fd : plugs_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> plugs_;
};

COAX_CORO_TEST(a_process_out_of_descriptors_tells_waits_and_recovers) {
  testing::virtual_clock clock;
  running_server s(ioc);
  s.srv.get("/", ok);
  s.start();
  raw_client c(ioc, s.srv.port());
  raw_client d(ioc, s.srv.port());
  {
    const exhausted_descriptors none_left;
    co_await c.send(get("/"));
    co_await until([&] { return s.logged("cannot accept", log_level::error) == 1; });
    // 50 ms, 100 ms, 200 ms ...: each time it tries again, and is not told of twice.
    for (int i = 0; i < 8; ++i) {
      clock.advance(1s);
      co_await settle();
    }
    BOOST_TEST(s.srv.connections() == 0U);
    BOOST_TEST(s.logged("cannot accept") == 1U);
  }
  clock.advance(1s);

  const auto r = co_await c.read();
  const auto other = co_await d.ask(get("/"));

  BOOST_TEST(r.body == "ok");
  BOOST_TEST(other.body == "ok");
  BOOST_TEST(s.logged("accepting connections again") == 1U);
  c.reset();
  d.reset();
  co_await s.stop();
}

COAX_CORO_TEST(a_server_on_threads_spreads_serves_and_drains) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  running_server s(ioc, server_options().threads(2));
  s.srv.get("/ws", echo).get("/", [&](exchange& x, context) -> task<> {
    {
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    }
    co_await x.respond(200, "text/plain", "ok");
  });
  s.start();
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<raw_client>(ioc, s.srv.port()));
    const auto r = co_await clients.back()->ask(get("/"));
    BOOST_TEST(r.body == "ok");
    if (i % 2 == 0) {
      const auto up = co_await clients.back()->ask(get("/ws", websocket_fields));
      BOOST_TEST(up.status == 101U);
      co_await clients.back()->send(frame(1, "hi"));
      const auto m = co_await clients.back()->peek(4);
      BOOST_TEST(m == "\x81\x02hi");
    }
  }
  s.source.request_stop();
  for (auto& c : clients) {
    co_await c->send(frame(8, "\x03\xe9"));
    c->finish();
    co_await c->read_all();
  }
  co_await s.ended();

  const std::lock_guard lock(mutex);
  BOOST_TEST(!seen.contains(std::this_thread::get_id()));
  BOOST_TEST(seen.size() == 2U);
  BOOST_TEST(s.srv.connections() == 0U);
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_unix_socket_is_served_by_all_threads_and_its_file_removed) {
  using local = asio::local::stream_protocol;
  const auto path = std::filesystem::temp_directory_path() / ("coax-" + std::to_string(::getpid()) + ".sock");
  {
    // A file left from a process that died.
    local::acceptor stale(ioc, local::endpoint(path.string()));
  }
  running_server s(ioc, server_options().threads(2));
  s.srv.get("/", ok);
  s.start("unix:" + path.string());
  BOOST_TEST(s.srv.local_endpoint() == "unix:" + path.string());
  for (int i = 0; i < 4; ++i) {
    local::socket c(ioc);
    co_await c.async_connect(local::endpoint(path.string()), asio::use_awaitable);
    co_await asio::async_write(c, asio::buffer(get("/", "Connection: close\r\n")), asio::use_awaitable);
    std::string all;
    co_await asio::async_read(c, asio::dynamic_buffer(all), asio::as_tuple(asio::use_awaitable));
    BOOST_TEST(all.ends_with("ok"));
  }
  co_await s.stop();
  BOOST_TEST(!std::filesystem::exists(path));
}

COAX_CORO_TEST(a_server_serves_tls_and_bounds_its_handshake) {
  testing::virtual_clock clock;
  running_server s(ioc, server_options().tls(server_tls()).head_timeout(10s));
  s.srv.get("/", [](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", x.secure() ? "secure" : "plain");
  });
  s.start();
  raw_client mute(ioc, s.srv.port());
  while (s.srv.connections() == 0) co_await settle(1);
  co_await settle();
  clock.advance(11s);
  const auto nothing = co_await mute.read_all();
  raw_client plain(ioc, s.srv.port());
  co_await plain.send(get("/"));
  const auto alert = co_await plain.read_all();

  const auto trust = client_tls();
  asio::ssl::stream<tcp::socket> c(tcp::socket(ioc), *trust);
  c.next_layer().connect(tcp::endpoint(asio::ip::address_v4::loopback(), s.srv.port()));
  co_await c.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_await asio::async_write(c, asio::buffer(get("/", "Connection: close\r\n")), asio::use_awaitable);
  std::string all;
  auto r = co_await asio::async_read(c, asio::dynamic_buffer(all), asio::as_tuple(asio::use_awaitable));
  auto& [ec, n] = r;

  BOOST_TEST(all.ends_with("secure"));
  BOOST_TEST((ec == asio::error::eof));
  c.next_layer().close();
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(serve_tells_of_wrong_use) {
  server srv(ioc.get_executor());
  BOOST_CHECK_THROW(co_await srv.serve(context()), std::logic_error);
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "example.com:80",
                              "[::1:80", "unix:", "127.0.0.1:-1"})
    BOOST_CHECK_THROW(srv.listen(address), std::invalid_argument);
  const auto endpoint = srv.listen("127.0.0.1:0");
  server other(ioc.get_executor(), server_options().threads(2));
  BOOST_CHECK_THROW(other.listen(endpoint), system_error);
  BOOST_CHECK_THROW(srv.files("/x", "/no/such/folder"), std::invalid_argument);
  BOOST_CHECK_THROW(server_options().tls("/no/such/file", "/none"), system_error);
  BOOST_TEST(srv.local_endpoint() == endpoint);
  BOOST_TEST(endpoint == "127.0.0.1:" + std::to_string(srv.port()));
  std::stop_source stopped;
  stopped.request_stop();
  co_await srv.serve(stopped.get_token());
  BOOST_CHECK_THROW(co_await srv.serve(context()), std::logic_error);
}

BOOST_AUTO_TEST_CASE(run_serves_until_a_signal) {
  std::string endpoint;
  server srv(server_options().on_listening([&](std::string_view e) { endpoint = e; }));
  srv.get("/stop", [](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", "stopping");
    std::raise(SIGTERM);
  });
  std::thread client;
  asio::post(srv.get_executor(), [&] {
    client = std::thread([port = srv.port()] {
      asio::io_context ioc;
      raw_client c(ioc, port);
      run(ioc, [&]() -> task<> { co_await c.ask(get("/stop")); });
    });
  });

  srv.run("127.0.0.1:0");

  client.join();
  BOOST_TEST(endpoint == srv.local_endpoint());
}

BOOST_AUTO_TEST_CASE(who_is_told_that_it_listens_may_end_it_at_once) {
  bool told = false;
  server srv(server_options().on_listening([&](std::string_view) {
    told = true;
    std::raise(SIGTERM);
  }));
  srv.run("127.0.0.1:0");
  BOOST_TEST(told);
}

COAX_SCENARIO_TEST(a_server_dies_with_its_io_context_at_any_moment) {
  running_server s(ioc);
  s.srv.get("/", ok).get("/ws", echo);
  s.start();
  raw_client c(ioc, s.srv.port());
  co_await c.ask(get("/"));
  co_await c.ask(get("/ws", websocket_fields));
  co_await c.send(frame(1, "hi"));
  co_await c.peek(4);
  s.source.request_stop();
  co_await c.send(frame(8, "\x03\xe9"));
  c.finish();
  co_await s.ended();
}

BOOST_AUTO_TEST_SUITE_END()
