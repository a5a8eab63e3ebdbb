#include "adapters/byte_streams.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <random>

BOOST_AUTO_TEST_SUITE(byte_streams_and_time)

using namespace coax;
using namespace coax::test;

COAX_SCENARIO_TEST(a_read_that_runs_out_of_time_leaves_the_stream_whole) {
  testing::virtual_clock clock;
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  const auto frame = p.frame(protocol::opcode::binary, "hello");
  co_await p.send(frame.substr(0, 3));

  s.expires_after(10s);
  piece got;
  auto read = [&]() -> task<> { got = co_await read_piece(s); };
  const auto done = beside(ioc.get_executor(), read);
  co_await settle();
  BOOST_TEST(!*done);
  clock.advance(11s);
  while (!*done) co_await settle(1);
  BOOST_TEST((got.ec == errc::deadline_exceeded));
  BOOST_TEST((got.ec == std::errc::timed_out));

  const auto late = co_await read_piece(s);
  BOOST_TEST((late.ec == errc::deadline_exceeded));
  const auto written = co_await send_all(s, "x");
  BOOST_TEST((written == errc::deadline_exceeded));

  s.expires_never();
  co_await p.send(frame.substr(3));
  const auto whole = co_await read_piece(s);
  BOOST_TEST(whole.bytes == "hello");
}

COAX_CORO_TEST(a_time_beyond_the_end_of_the_clock_never_comes) {
  testing::virtual_clock clock;
  stream_pair p(ioc);
  p.server.expires_after(std::chrono::nanoseconds::max());
  clock.advance(1h);
  const auto sent = co_await send_all(p.client, "x");
  const auto got = co_await read_piece(p.server);
  BOOST_TEST(!sent);
  BOOST_TEST(got.bytes == "x");
}

COAX_SCENARIO_TEST(a_new_time_holds_for_what_is_in_progress) {
  testing::virtual_clock clock;
  stream_pair p(ioc);
  p.server.expires_after(10s);
  piece got;
  auto read = [&]() -> task<> { got = co_await read_piece(p.server); };
  const auto done = beside(ioc.get_executor(), read);
  co_await settle();
  p.server.expires_after(60s);
  clock.advance(30s);
  co_await settle();
  BOOST_TEST(!*done);
  p.server.expires_at(coax::detail::now() + 5s);
  clock.advance(6s);
  while (!*done) co_await settle(1);
  BOOST_TEST((got.ec == errc::deadline_exceeded));
}

COAX_CORO_TEST(a_time_that_is_set_lets_the_io_context_end_when_nothing_waits) {
  asio::io_context other(1);
  auto p = std::make_unique<stream_pair>(other);
  p->server.expires_after(1h);
  std::string bytes(10, ' ');
  int completed = 0;
  p->server.async_read_some(asio::buffer(bytes), [&](error_code, std::size_t) { ++completed; });
  p->client.async_write_some(asio::const_buffer("x", 1), [&](error_code, std::size_t) { ++completed; });
  for (int i = 0; i < 1000 && completed != 2; ++i) other.poll();
  BOOST_TEST(completed == 2);
  p.reset();
  other.run();
  co_return;
}

COAX_CORO_TEST(a_stalled_write_that_runs_out_of_time_sends_nothing_or_all) {
  testing::virtual_clock clock;
  stream_pair p(ioc, byte_stream_options().max_message(200'000), testing::faults().capacity(10'000));
  const auto bytes = pattern(200'000);
  p.client.expires_after(1s);
  error_code ec;
  std::size_t sent = 0;
  auto write = [&]() -> task<> {
    while (!ec) {
      const auto r = co_await p.client.async_write_some(asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
      ec = std::get<0>(r);
      sent += std::get<1>(r);
    }
  };
  const auto done = beside(ioc.get_executor(), write);
  co_await settle(200);
  clock.advance(2s);
  while (!*done) co_await settle(1);
  BOOST_TEST((ec == errc::deadline_exceeded));
  BOOST_TEST(sent % bytes.size() == 0u);
  BOOST_TEST(sent > 0u);

  // What was told to be sent arrives, and what comes behind it.
  p.client.expires_never();
  auto more = [&]() -> task<> { co_await send_all(p.client, "the end"); };
  const auto sender = beside(ioc.get_executor(), more);
  for (std::size_t i = 0; i < sent; i += bytes.size()) {
    const auto got = co_await receive(p.server, bytes.size());
    BOOST_TEST((got == bytes));
  }
  const auto end = co_await receive(p.server, 7);
  BOOST_TEST(end == "the end");
}

COAX_SCENARIO_TEST(every_kind_of_cancellation_ends_a_read_and_loses_nothing) {
  stream_pair p(ioc);
  std::string bytes(100, ' ');
  for (const auto type :
       {asio::cancellation_type::total, asio::cancellation_type::partial, asio::cancellation_type::terminal}) {
    asio::cancellation_signal signal;
    const auto ec = std::make_shared<error_code>();
    p.server.async_read_some(asio::buffer(bytes),
                             asio::bind_cancellation_slot(signal.slot(), [ec](error_code e, std::size_t) { *ec = e; }));
    co_await settle();
    signal.emit(type);
    co_await settle();
    BOOST_TEST((*ec == asio::error::operation_aborted));
  }
  co_await send_all(p.client, "here");
  const auto got = co_await receive(p.server, 4);
  BOOST_TEST(got == "here");
}

COAX_CORO_TEST(no_byte_is_lost_over_many_cancels_and_timeouts) {
  const auto small = testing::faults().random_sizes(5).capacity(4000);
  stream_pair p(peers(ioc, options().send_queue_limit(5000), small), byte_stream_options().max_message(3000));
  const auto sent = pattern(600'000);
  std::mt19937 random(11);
  int cancelled_writes = 0, cancelled_reads = 0;

  auto write = [&]() -> task<> {
    for (std::size_t at = 0; at < sent.size();) {
      std::size_t n = 0;
      bool done = false;
      asio::cancellation_signal signal;
      const auto from = asio::buffer(sent) + at;
      p.client.async_write_some(from, asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t size) {
                                  cancelled_writes += ec == asio::error::operation_aborted;
                                  n = size;
                                  done = true;
                                }));
      co_await settle(static_cast<int>(random() % 20));
      if (!done) signal.emit(asio::cancellation_type::total);
      while (!done) co_await settle(1);
      at += n;
      if (random() % 20 == 0) co_await settle(200);
    }
    p.client.close_write();
  };
  const auto writer = beside(ioc.get_executor(), write);

  std::string got;
  for (error_code last; last != asio::error::eof;) {
    std::string bytes(2000, ' ');
    bool done = false;
    asio::cancellation_signal signal;
    p.server.async_read_some(asio::buffer(bytes),
                             asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t n) {
                               cancelled_reads += ec == asio::error::operation_aborted;
                               last = ec;
                               got.append(bytes, 0, n);
                               done = true;
                             }));
    co_await settle(static_cast<int>(random() % 20));
    if (!done) signal.emit(asio::cancellation_type::terminal);
    while (!done) co_await settle(1);
    if (random() % 20 == 0) co_await settle(200);
  }
  BOOST_TEST((got == sent));
  BOOST_TEST(cancelled_reads > 10);
  BOOST_TEST(cancelled_writes > 10);
  BOOST_TEST(*writer);
}

BOOST_AUTO_TEST_SUITE_END()
