// A connection of a server in memory: every step of its I/O fails once, and every size of piece is met.

#include "http/worker.hpp"
#include "io/stream.hpp"
#include "support/run.hpp"
#include <coax/accept.hpp>
#include <coax/testing.hpp>

BOOST_AUTO_TEST_SUITE(session_in_memory)

using namespace coax;
using namespace coax::test;

namespace {

constexpr char ws_request[] =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\0\0\0\0hi\x88\x80\0\0\0\0";
const std::string requests =
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    "helloGET /stream HTTP/1.1\r\nHost: a\r\n\r\n" +
    std::string(ws_request, sizeof ws_request - 1);

std::shared_ptr<http::site> make_site(server_options options = {}) {
  auto s = std::make_shared<http::site>(std::move(options));
  s->routes.add("GET", "/a", [](exchange& x, context) -> task<> { co_await x.respond(200, "text/plain", "answer a"); });
  s->routes.add("POST", "/echo", [](exchange& x, context ctx) -> task<> {
    auto body = co_await x.body(ctx);
    co_await x.respond(200, "text/plain", std::move(body));
  });
  s->routes.add("GET", "/stream", [](exchange& x, context) -> task<> {
    co_await x.start(response());
    co_await x.send("stre");
    co_await x.send("am");
  });
  s->routes.add("GET", "/ws", [](exchange& x, context ctx) -> task<> {
    auto c = co_await accept(x);
    while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
    co_await c.close();
  });
  return s;
}

// Sends all requests, the last of which becomes a WebSocket that closes, and returns what came back.
task<std::string> converse(std::shared_ptr<transport> t) {
  const auto s = detail::stream::create(std::move(t));
  const context ctx;
  std::string all;
  error_code ec = co_await s->write(asio::const_buffer(requests.data(), requests.size()), ctx);
  while (!ec) {
    char buffer[512];
    const auto n = co_await s->read_some(asio::buffer(buffer), ctx);
    ec = n ? error_code() : n.error();
    if (n) all.append(buffer, *n);
  }
  s->lower().close();
  co_return all;
}

bool complete(const std::string& all) {
  std::size_t at = 0;
  for (const std::string_view part :
       {"answer a", "hello", "4\r\nstre\r\n2\r\nam\r\n0\r\n\r\n", "HTTP/1.1 101", "\x81\x02hi"}) {
    at = all.find(part, at);
    if (at == std::string::npos) return false;
  }
  return all.ends_with(std::string_view("\x88\x00", 2));
}

// A conversation with such faults at the server's end; nothing of it is left when this returns.
task<std::string> converse_with(const testing::faults& f) {
  const auto ex = co_await asio::this_coro::executor;
  auto pair = testing::memory_pair(ex, ex);
  auto& [server_end, client_end] = pair;
  server_end->set_faults(f);
  const auto site = make_site();
  const auto w = std::make_shared<http::worker>(ex, site);
  site->workers.push_back(w);
  ++site->open;
  w->serve(server_end);
  auto all = co_await converse(client_end);
  bool drained = false;
  w->drain([&] { drained = true; });
  for (int i = 0; i < 100 && !drained; ++i) co_await settle(1);
  BOOST_TEST(drained);
  BOOST_TEST(site->open.load() == 0U);
  co_return all;
}

}  // namespace

COAX_SCENARIO_TEST(a_conversation_is_the_same_in_pieces_of_any_size) {
  std::string all = co_await converse_with(testing::faults());
  BOOST_TEST(complete(all), all);
  all = co_await converse_with(testing::faults().max_read(1).max_write(1));
  BOOST_TEST(complete(all), all);
}

COAX_CORO_TEST(a_conversation_is_the_same_in_pieces_of_random_size) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto all = co_await converse_with(testing::faults().max_read(40).max_write(40).random_sizes(seed));
    BOOST_TEST(complete(all), all);
  }
}

COAX_CORO_TEST(each_read_and_write_may_fail_and_nothing_is_left) {
  bool whole = false;
  std::uint64_t n = 0;
  for (; !whole && n < 500; ++n) {
    const auto all = co_await converse_with(testing::faults().max_read(50).max_write(50).fail_after(n));
    whole = complete(all);
  }
  BOOST_TEST(whole);
  BOOST_TEST(n > 20U);
}

COAX_CORO_TEST(one_busy_client_leaves_the_thread_to_others) {
  const auto ex = co_await asio::this_coro::executor;
  auto pair = testing::memory_pair(ex, ex);
  auto& [server_end, client_end] = pair;
  int served = 0;
  const auto site = std::make_shared<http::site>(server_options());
  site->routes.add("GET", "/", [&](exchange& x, context) -> task<> {
    ++served;
    co_await x.respond(response(204));
  });
  const auto w = std::make_shared<http::worker>(ex, site);
  const auto s = detail::stream::create(client_end);
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const context ctx;
  co_await s->write(asio::const_buffer(flood.data(), flood.size()), ctx);
  ++site->open;
  w->serve(server_end);

  int longest = 0;
  for (int before = served; served < 400;) {
    co_await settle(1);
    longest = std::max(longest, served - std::exchange(before, served));
  }

  BOOST_TEST(longest <= 32);
  s->lower().close();
  bool drained = false;
  w->drain([&] { drained = true; });
  for (int i = 0; i < 1000 && !drained; ++i) co_await settle(1);
  BOOST_TEST(drained);
}

BOOST_AUTO_TEST_SUITE_END()
