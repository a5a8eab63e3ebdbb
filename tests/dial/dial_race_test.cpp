/// RFC 8305, in theory and against addresses that do not answer.
#include "websocket/dial_race.hpp"

#include "dial/failure.hpp"
#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <deque>
#include <sstream>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(racing)

using namespace test;
using namespace std::chrono_literals;
using asio::ip::tcp;
using detail::attempt_schedule;
using stream_ptr = std::shared_ptr<detail::stream>;

std::vector<asio::ip::address> addresses(const std::string& list) {
  std::vector<asio::ip::address> all;
  std::istringstream words(list);
  for (std::string word; words >> word;) all.push_back(asio::ip::make_address(word));
  return all;
}

task<> greet(stream_ptr s, std::string request) {
  co_await send(s, upgrade(request) + std::string("\x81\x05hello"));
  co_await wait_for_end(s);
}

// A port of an address where connecting is neither answered nor refused: its queue is full.
class black_hole {
 public:
  black_hole(asio::io_context& ioc, const std::string& address, std::uint16_t port) : acceptor_(ioc) {
    const tcp::endpoint here(asio::ip::make_address(address), port);
    acceptor_.open(here.protocol());
    acceptor_.bind(here);
    acceptor_.listen(0);
    for (int i = 0; i < 4; ++i) {
      auto& s = fillers_.emplace_back(ioc);
      // The first ones fill the queue, the others wait for ever.
      s.async_connect(here, [](const error_code&) {});
    }
  }

 private:
  tcp::acceptor acceptor_;
  std::deque<tcp::socket> fillers_;
};

resolver_hook resolves_to(std::string list) {
  return [list](std::string, context) -> task<std::vector<asio::ip::address>> { co_return addresses(list); };
}

BOOST_AUTO_TEST_CASE(families_take_turns) {
  const auto check = [](const std::string& from, const std::string& to) {
    BOOST_CHECK(detail::interleave(addresses(from)) == addresses(to));
  };
  check("", "");
  check("1.1.1.1", "1.1.1.1");
  check("::1 ::2 ::3 1.1.1.1 1.1.1.2", "::1 1.1.1.1 ::2 1.1.1.2 ::3");
  check("1.1.1.1 1.1.1.2 ::1", "1.1.1.1 ::1 1.1.1.2");
  check("1.1.1.1 1.1.1.2", "1.1.1.1 1.1.1.2");
}

BOOST_AUTO_TEST_CASE(attempts_begin_after_a_delay_or_a_failure) {
  const detail::steady::time_point t{};
  attempt_schedule s(3);
  BOOST_CHECK(s.due(t) == 0u);
  BOOST_CHECK(!s.due(t + 249ms));
  BOOST_CHECK(s.next() == t + 250ms);
  BOOST_CHECK(s.due(t + 250ms) == 1u);
  BOOST_CHECK(!s.due(t + 300ms));
  s.failed();
  BOOST_CHECK(s.due(t + 300ms) == 2u);
  BOOST_CHECK(!s.due(t + 10s));
  BOOST_CHECK(s.next() == detail::steady::time_point::max());
  s.failed();
  BOOST_CHECK(!s.all_failed());
  s.failed();
  BOOST_CHECK(s.all_failed());
}

COAX_CORO_TEST(a_second_address_is_tried_while_the_first_is_silent) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, &greet);
  const black_hole hole(ioc, "127.0.0.9", static_cast<std::uint16_t>(std::stoul(server.port())));
  const auto options = dial_options().resolver(resolves_to("127.0.0.9 127.0.0.1"));
  asio::co_spawn(
      ioc,
      [&]() -> task<> {
        co_await settle();
        BOOST_CHECK_EQUAL(server.accepted(), 0);
        clock.advance(249ms);
        co_await settle();
        BOOST_CHECK_EQUAL(server.accepted(), 0);
        clock.advance(1ms);
      },
      asio::detached);

  auto c = co_await dial(server.url("ws", "several.example"), options);
  BOOST_CHECK_EQUAL(c.remote_endpoint(), "127.0.0.1:" + server.port());
}

COAX_CORO_TEST(a_refusal_does_not_wait) {
  testing::virtual_clock clock;  // stands still
  const scripted_server server(ioc, &greet);
  const auto options = dial_options().resolver(resolves_to("127.0.0.8 127.0.0.9 127.0.0.1"));
  auto c = co_await dial(server.url("ws", "several.example"), options);
  BOOST_CHECK_EQUAL(c.remote_endpoint(), "127.0.0.1:" + server.port());
}

COAX_CORO_TEST(when_all_fail_the_last_error_is_told) {
  std::string url;
  {
    const scripted_server server(ioc, &greet);
    url = server.url("ws", "several.example");
  }
  const auto options = dial_options().resolver(resolves_to("127.0.0.8 127.0.0.9"));
  const error_code ec = co_await failure(url, options);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::connection_refused));
  const error_code none = co_await failure(url, dial_options().resolver(resolves_to("")));
  BOOST_CHECK_EQUAL(none, error_code(asio::error::host_not_found));
}

COAX_CORO_TEST(a_stop_or_the_time_limit_closes_all_attempts) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, &greet);
  const auto port = static_cast<std::uint16_t>(std::stoul(server.port()));
  const black_hole one(ioc, "127.0.0.8", port);
  const black_hole two(ioc, "127.0.0.9", port);
  const auto url = server.url("ws", "several.example");
  const auto options = dial_options().resolver(resolves_to("127.0.0.8 127.0.0.9"));
  const auto before = open_descriptors();

  std::stop_source stop;
  auto meanwhile = [&clock, stop]() mutable -> task<> {
    co_await settle();
    clock.advance(250ms);
    co_await settle();
    stop.request_stop();
  };
  asio::co_spawn(ioc, meanwhile, asio::detached);
  const error_code stopped = co_await failure(url, options, context(stop.get_token()));
  BOOST_CHECK_EQUAL(stopped, error_code(errc::canceled));
  co_await settle();
  BOOST_CHECK_EQUAL(open_descriptors(), before);

  auto later = [&clock]() -> task<> {
    co_await settle();
    clock.advance(250ms);
    co_await settle();
    clock.advance(30s);
  };
  asio::co_spawn(ioc, later, asio::detached);
  const error_code late = co_await failure(url, options);
  BOOST_CHECK_EQUAL(late, error_code(errc::handshake_timeout));
  co_await settle();
  BOOST_CHECK_EQUAL(open_descriptors(), before);
}

COAX_CORO_TEST(what_a_resolver_throws_ends_the_dial) {
  const auto options = dial_options().resolver([](std::string host, context) -> task<std::vector<asio::ip::address>> {
    throw system_error(asio::error::host_not_found, "no " + host);
    co_return std::vector<asio::ip::address>();
  });
  const error_code ec = co_await failure("ws://several.example/", options);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::host_not_found));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
