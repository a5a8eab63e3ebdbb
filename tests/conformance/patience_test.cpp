// Half-open and slow peers: each costs its time-out and no more.

#include "conformance/echo_site.hpp"
#include <coax/testing.hpp>

BOOST_AUTO_TEST_SUITE(half_open_and_slow_peers)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

// Sends garbage until the connection is cut.
task<> flood(raw_client& c) {
  const std::string garbage(64 * 1024, '\xa5');
  error_code ec;
  while (!ec) {
    auto r = co_await asio::async_write(c.socket, asio::buffer(garbage), asio::as_tuple(asio::use_awaitable));
    ec = std::get<0>(r);
  }
}

std::string large_frame(unsigned mebibytes) {
  const std::size_t size = std::size_t{mebibytes} << 20;
  std::string f = "\x82\xff";
  for (int shift = 56; shift >= 0; shift -= 8) f += static_cast<char>(size >> shift & 0xff);
  return f + std::string(4 + size, '\0');
}

}  // namespace

COAX_CORO_TEST(a_peer_that_never_reads_stalls_nobody_for_long) {
  echo_site site(ioc, accept_options().read_limit(0).write_stall_timeout(200ms).close_timeout(200ms));
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  c.socket.set_option(asio::socket_base::receive_buffer_size(16 * 1024));
  co_await c.send(large_frame(8));

  co_await site.until_ended(1);
  BOOST_CHECK(site.endings[0].info.initiator == close_initiator::timeout);
  BOOST_CHECK_EQUAL(site.endings[0].info.error, make_error_code(errc::write_stalled));
  co_await site.until_empty();
  co_await site.serves_the_next();
  co_await site.stop();
}

COAX_CORO_TEST(a_peer_that_never_writes_is_asked_and_then_let_go) {
  echo_site site(ioc, accept_options().keepalive(100ms, 200ms).close_timeout(200ms));
  raw_client c(ioc, site.port());
  co_await upgrade(c);

  auto all = co_await c.read_all();
  const auto first = take_frame(all);
  BOOST_REQUIRE(first);
  BOOST_CHECK_EQUAL(first->first, 0x89U);
  co_await site.until_ended(1);
  BOOST_CHECK_EQUAL(site.endings[0].code, make_error_code(errc::peer_timeout));
  BOOST_CHECK(site.endings[0].info.initiator == close_initiator::timeout);
  co_await site.until_empty();
  co_await site.serves_the_next();
  co_await site.stop();
}

COAX_CORO_TEST(a_byte_now_and_then_keeps_a_peer_alive) {
  testing::virtual_clock clock;
  echo_site site(ioc, accept_options().keepalive(30s, 10s));
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  // One byte for each ping, and no pong at all.
  const auto slow = frame(1, "slow");
  for (const char& one : slow) {
    clock.advance(34s);
    co_await c.peek(10);
    const auto ping = take_frame(c.input);
    BOOST_REQUIRE(ping && ping->first == 0x89U);
    clock.advance(8s);
    co_await c.send(std::string_view(&one, 1));
    co_await settle();
    clock.advance(4s);
    co_await settle();
  }

  const auto echo = co_await c.peek(6);
  BOOST_CHECK_EQUAL(echo, "\x81\x04slow");
  c.reset();
  co_await site.until_ended(1);
  co_await site.stop();
}

COAX_CORO_TEST(requests_and_frames_byte_by_byte_are_as_good_as_whole_ones) {
  echo_site site(ioc);
  raw_client c(ioc, site.port());
  const std::string all = get("/ws", websocket_fields) + frame(9, "are you there") +
                          std::string("\x01\x82\0\0\0\0sl\x89\x81\0\0\0\0p\x80\x82\0\0\0\0ow", 23) +
                          frame(8, "\x03\xe8");
  for (const char& one : all) {
    co_await c.send(std::string_view(&one, 1));
    co_await settle(1);
  }
  const auto r = co_await c.read();
  BOOST_CHECK_EQUAL(r.status, 101U);
  const auto rest = co_await c.read_all();
  BOOST_CHECK_EQUAL(rest,
                    "\x8a\x0d"
                    "are you there"
                    "\x8a\x01p"
                    "\x81\x04slow"
                    "\x88\x02\x03\xe8");
  c.socket.close();
  co_await site.stop();
}

COAX_CORO_TEST(a_peer_that_does_not_answer_a_close_is_not_waited_for_long) {
  echo_site site(ioc, accept_options().close_timeout(200ms));
  raw_client c(ioc, site.port());
  co_await upgrade(c, "/bye");
  const auto all = co_await c.read_all();
  BOOST_CHECK_EQUAL(all,
                    "\x88\x05\x03\xe8"
                    "bye");
  co_await site.until_ended(1);
  BOOST_CHECK(!site.endings[0].clean);
  BOOST_CHECK(site.endings[0].info.initiator == close_initiator::timeout ||
              site.endings[0].info.initiator == close_initiator::local);
  co_await site.until_empty();
  co_await site.stop();
}

COAX_CORO_TEST(a_peer_that_holds_on_after_its_breach_is_cut) {
  echo_site site(ioc, accept_options().close_timeout(200ms));
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  co_await c.send("\xc1\x80");
  const auto all = co_await c.read_all();
  BOOST_CHECK(all.starts_with("\x88") && !all.ends_with("<reset>"));
  // Our end stays open.
  co_await site.until_empty();
  co_await site.serves_the_next();
  co_await site.stop();
}

COAX_CORO_TEST(a_peer_that_floods_after_its_breach_is_cut) {
  echo_site site(ioc, accept_options().close_timeout(200ms));
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  co_await flood(c);
  co_await site.until_ended(1);
  BOOST_CHECK(site.endings[0].info.initiator == close_initiator::protocol);
  co_await site.until_empty();
  co_await site.serves_the_next();
  co_await site.stop();
}

COAX_CORO_TEST(a_peer_that_sends_no_request_is_let_go) {
  echo_site site(ioc, {}, server_options().head_timeout(100ms));
  raw_client silent(ioc, site.port());
  raw_client half(ioc, site.port());
  co_await half.send("GET /ws HTTP/1.1\r\nHost:");
  const auto nothing = co_await silent.read_all();
  const auto refused = co_await half.read();
  BOOST_CHECK(nothing.empty() || nothing.starts_with("HTTP/1.1 408"));
  BOOST_CHECK_EQUAL(refused.status, 408U);
  silent.socket.close();
  half.socket.close();
  co_await site.until_empty();
  co_await site.serves_the_next();
  co_await site.stop();
}

BOOST_AUTO_TEST_SUITE_END()
