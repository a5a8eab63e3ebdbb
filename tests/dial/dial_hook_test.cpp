/// What a program may put in the place of a part of `dial`.
#include "dial/failure.hpp"
#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace coax {
namespace {

using namespace test;
using namespace std::chrono_literals;
using stream_ptr = std::shared_ptr<detail::stream>;

task<> greet(stream_ptr s, std::string request) {
  co_await send(s, upgrade(request) + "\x81\x05hello");
  co_await wait_for_end(s);
}

task<> serve(std::shared_ptr<transport> t) {
  const auto s = detail::stream::create(std::move(t));
  const std::string request = co_await read_head(s);
  if (!request.empty()) co_await greet(s, request);
}

BOOST_AUTO_TEST_SUITE(hooks)

COAX_CORO_TEST(a_connector_may_give_any_stream) {
  const scripted_server server(ioc, [](stream_ptr s, std::string request) -> task<> {
    co_await send(s, upgrade(request) + "\x81\x05hello");
    co_await wait_for_end(s);
  });
  const auto options =
      dial_options().connector([&server](std::string host, std::uint16_t port, context) -> task<asio::ip::tcp::socket> {
        BOOST_CHECK_EQUAL(host, "server.example");
        BOOST_CHECK_EQUAL(port, 80);
        asio::ip::tcp::socket s(co_await asio::this_coro::executor);
        const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(),
                                         static_cast<std::uint16_t>(std::stoul(server.port())));
        co_await s.async_connect(to, asio::use_awaitable);
        co_return s;
      });
  auto c = co_await dial("ws://server.example/", options);
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
}

// What never comes, in a coroutine that does not look at its context.
task<> wait_for_ever() {
  asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

// Each of the hooks in turn.
std::vector<dial_options> with_endless_hooks(bool& begun) {
  std::vector<dial_options> all(2);
  all[0].connector([&begun](std::string, std::uint16_t, context) -> task<std::shared_ptr<transport>> {
    begun = true;
    co_await wait_for_ever();
    co_return nullptr;
  });
  all[1].resolver([&begun](std::string, context) -> task<std::vector<asio::ip::address>> {
    begun = true;
    co_await wait_for_ever();
    co_return std::vector<asio::ip::address>();
  });
  return all;
}

COAX_CORO_TEST(hooks_that_know_no_context_end_with_the_dial) {
  testing::virtual_clock clock;
  bool begun = false;
  for (const auto& options : with_endless_hooks(begun)) {
    auto later = [&clock]() -> task<> {
      co_await settle();
      clock.advance(30s);
    };
    asio::co_spawn(ioc, later, asio::detached);
    const error_code late = co_await failure("ws://server.example/", options);
    BOOST_CHECK_EQUAL(late, error_code(errc::handshake_timeout));

    std::stop_source stop;
    auto stopper = [stop]() mutable -> task<> {
      co_await settle();
      stop.request_stop();
    };
    asio::co_spawn(ioc, stopper, asio::detached);
    const error_code stopped = co_await failure("ws://server.example/", options, context(stop.get_token()));
    BOOST_CHECK_EQUAL(stopped, error_code(errc::canceled));

    begun = false;
    const error_code before = co_await failure("ws://server.example/", options, context(stop.get_token()));
    BOOST_CHECK_EQUAL(before, error_code(errc::canceled));
    BOOST_CHECK(!begun);
  }
}

COAX_CORO_TEST(asio_cancels_hooks_too) {
  bool begun = false;
  for (const auto& options : with_endless_hooks(begun)) {
    asio::cancellation_signal signal;
    bool ended = false;
    error_code ec;
    auto body = [&ec, options]() -> task<> { ec = co_await failure("ws://server.example/", options); };
    asio::co_spawn(ioc, body, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ended = true; }));
    co_await settle();
    BOOST_CHECK(begun && !ended);
    signal.emit(asio::cancellation_type::terminal);
    co_await settle();
    BOOST_CHECK(ended);
    BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
  }
}

// It may be at the end of its work when nobody wants it any more.
COAX_CORO_TEST(what_a_connector_brings_too_late_is_closed) {
  auto [near, far] = testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  std::stop_source stop;
  const auto options = dial_options().connector(
      [ours = near, stop](std::string, std::uint16_t, context) mutable -> task<std::shared_ptr<transport>> {
        stop.request_stop();
        try {
          co_await settle(3);
        } catch (const boost::system::system_error&) {
        }
        co_return ours;
      });
  const error_code ended = co_await failure("ws://server.example/", options, context(stop.get_token()));
  BOOST_CHECK_EQUAL(ended, error_code(errc::canceled));
  char c[1];
  error_code ec;
  far->read_some(asio::buffer(c), ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::eof));
}

// Cut also while a hook waits.
COAX_SCENARIO_TEST(a_dial_with_a_hook_may_be_cut_anywhere) {
  auto [near, far] = testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  asio::co_spawn(ioc, serve(far), asio::detached);
  const auto options =
      dial_options().connector([ours = near](std::string, std::uint16_t, context) -> task<std::shared_ptr<transport>> {
        co_await settle(5);
        co_return ours;
      });
  auto c = co_await dial("ws://server.example/", options);
  const auto got = co_await c.read();
  BOOST_CHECK_EQUAL(got.text(), "hello");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
