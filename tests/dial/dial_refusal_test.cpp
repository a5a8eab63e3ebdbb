/// Everything that a server can answer but a correct 101.
#include "dial/failure.hpp"
#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <ostream>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(refusals)

using namespace test;
using namespace std::chrono_literals;

task<std::optional<handshake_error>> refusal(std::string url, dial_options options = {}) {
  try {
    const auto c = co_await dial(std::move(url), std::move(options));
    BOOST_ERROR("was accepted");
  } catch (const handshake_error& e) {
    co_return e;
  }
  co_return std::nullopt;
}

struct row {
  const char* name;
  const char* reply;
  unsigned status;
  const char* text;  // in what()
};

std::ostream& operator<<(std::ostream& os, const row& r) { return os << r.name; }

#define HEAD "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: {accept}\r\n"

const row rows[] = {
    {"200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "200"},
    {"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, "404"},
    {"426", "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", 426, "426"},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", 204, "204"},
    {"redirect", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, "302"},
    {"no Upgrade", HEAD CONNECTION ACCEPT "\r\n", 101, "Upgrade"},
    {"wrong Upgrade", HEAD "Upgrade: h2c\r\n" CONNECTION ACCEPT "\r\n", 101, "Upgrade"},
    {"no Connection", HEAD UPGRADE ACCEPT "\r\n", 101, "Connection"},
    {"wrong Connection", HEAD UPGRADE "Connection: keep-alive\r\n" ACCEPT "\r\n", 101, "Connection"},
    {"no Accept", HEAD UPGRADE CONNECTION "\r\n", 101, "Sec-WebSocket-Accept"},
    {"wrong Accept", HEAD UPGRADE CONNECTION "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", 101,
     "Sec-WebSocket-Accept"},
    {"two Accepts", HEAD UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Accept: x\r\n\r\n", 101, "Sec-WebSocket-Accept"},
    {"unoffered subprotocol", HEAD UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: soap\r\n\r\n", 101, "soap"},
    {"two subprotocols",
     HEAD UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 101,
     "subprotocol"},
    {"unoffered extension", HEAD UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101,
     "permessage-deflate"},
    {"garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "HTTP"},
    {"broken field", HEAD "no colon\r\n\r\n", 0, "HTTP"},
    {"nothing", "", 0, "ended"},
    {"truncated", HEAD UPGRADE, 0, "ended"},
    {"only interim", "HTTP/1.1 100 Continue\r\n\r\n", 0, "ended"},
    {"many interim",
     "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\n"
     "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 A\r\n\r\n"
     "HTTP/1.1 100 A\r\n\r\n",
     0, "interim"},
};

BOOST_DATA_TEST_CASE(wrong_answers_are_refused, rows, wrong) {
  const row r = wrong;
  run([r](asio::io_context& ioc) -> task<> {
    const scripted_server server(ioc, reply(r.reply));
    const auto e = co_await refusal(server.url(), dial_options().subprotocol("chat"));
    BOOST_REQUIRE(e);
    BOOST_CHECK_EQUAL(e->code(), error_code(errc::handshake_failed));
    BOOST_CHECK_EQUAL(e->status(), r.status);
    BOOST_CHECK_MESSAGE(std::string_view(e->what()).find(r.text) != std::string_view::npos, e->what());
  });
}

COAX_CORO_TEST(a_refusal_carries_status_fields_and_body) {
  const scripted_server server(ioc, reply("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                                          "Content-Length: 11\r\n\r\nwho are you",
                                          afterwards::stay));
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->status(), 401u);
  BOOST_CHECK_EQUAL(e->fields().get("www-authenticate"), "Basic realm=\"x\"");
  BOOST_CHECK_EQUAL(e->body(), "who are you");
}

COAX_CORO_TEST(a_chunked_body_is_decoded) {
  const scripted_server server(
      ioc, reply("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntry\r\n6\r\n again\r\n0\r\n\r\n",
                 afterwards::stay));
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->body(), "try again");
}

COAX_CORO_TEST(a_body_up_to_the_end_of_the_connection_is_read) {
  const scripted_server server(ioc, reply("HTTP/1.0 403 Forbidden\r\n\r\nno"));
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->body(), "no");
}

COAX_CORO_TEST(a_long_body_is_cut) {
  const scripted_server server(
      ioc, reply("HTTP/1.1 500 Oops\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'), afterwards::stay));
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->body(), std::string(handshake_error::max_body, 'x'));
}

COAX_CORO_TEST(a_body_that_does_not_come_is_not_waited_for) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, [&](std::shared_ptr<detail::stream> s, std::string) -> task<> {
    co_await send(s, "HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\nhalf ");
    co_await settle(50);
    clock.advance(3s);
    co_await wait_for_end(s);
  });
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->status(), 500u);
  BOOST_CHECK_EQUAL(e->body(), "half ");
}

COAX_CORO_TEST(an_endless_head_is_refused) {
  const scripted_server server(ioc, [](std::shared_ptr<detail::stream> s, std::string) -> task<> {
    const std::string line = "X-Filler: " + std::string(100, 'x') + "\r\n";
    std::string head = HEAD;
    for (int i = 0; i < 1000; ++i) head += line;
    co_await send(s, head);
    co_await wait_for_end(s);
  });
  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_MESSAGE(std::string_view(e->what()).find("16 KiB") != std::string_view::npos, e->what());
}

scripted_server::script silence_then(std::function<void()> what) {
  return [what = std::move(what)](std::shared_ptr<detail::stream> s, std::string) -> task<> {
    co_await settle();
    what();
    co_await wait_for_end(s);
  };
}

COAX_CORO_TEST(silence_ends_with_the_handshake_timeout) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, silence_then([&clock] { clock.advance(30s); }));
  const error_code ec = co_await failure(server.url());
  BOOST_CHECK_EQUAL(ec, error_code(errc::handshake_timeout));
  BOOST_CHECK(ec == std::errc::timed_out);
}

COAX_CORO_TEST(an_earlier_deadline_of_the_context_keeps_its_name) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, silence_then([&clock] { clock.advance(5s); }));
  const error_code ec = co_await failure(server.url(), dial_options(), context().with_timeout(5s));
  BOOST_CHECK_EQUAL(ec, error_code(errc::deadline_exceeded));
}

COAX_CORO_TEST(a_stop_ends_the_attempt) {
  std::stop_source stop;
  const scripted_server server(ioc, silence_then([stop]() mutable { stop.request_stop(); }));
  const error_code ec = co_await failure(server.url(), dial_options(), context(stop.get_token()));
  BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
}

COAX_CORO_TEST(a_stopped_context_connects_to_nobody) {
  std::stop_source stop;
  stop.request_stop();
  const scripted_server server(ioc, reply(""));
  const error_code ec = co_await failure(server.url(), dial_options(), context(stop.get_token()));
  BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
  co_await settle();
  BOOST_CHECK_EQUAL(server.accepted(), 0);
}

COAX_CORO_TEST(a_port_without_a_server_is_an_error_of_the_system) {
  std::string url;
  {
    const scripted_server server(ioc, reply(""));
    url = server.url();
  }
  const error_code ec = co_await failure(url);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::connection_refused));
}

COAX_CORO_TEST(a_name_that_does_not_exist_is_an_error) {
  const error_code ec = co_await failure("ws://host.invalid/");
  BOOST_CHECK_MESSAGE(ec.category() == asio::error::get_netdb_category(), ec.message());
}

COAX_CORO_TEST(giving_up_a_look_up_does_not_wait_for_it) {
  std::stop_source stop;
  asio::post(ioc, [stop]() mutable { stop.request_stop(); });
  const error_code ec = co_await failure("ws://host.invalid/", dial_options(), context(stop.get_token()));
  BOOST_CHECK(ec == errc::canceled || ec.category() == asio::error::get_netdb_category());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
