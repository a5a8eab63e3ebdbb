#include "websocket/peers.hpp"

namespace coax::test {
namespace {

using protocol::opcode;
using protocol::role;

COAX_CORO_TEST(a_silent_peer_is_pinged_and_kept_when_it_answers) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(30s, 10s));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  for (int round = 0; round < 3; ++round) {
    co_await pass(clock, 26s);
    BOOST_TEST(s.our_end->bytes_written() == static_cast<std::uint64_t>(round) * 10u);  // 27 s is the earliest
    co_await pass(clock, 8s);
    const auto ping = co_await s.receive();
    BOOST_REQUIRE(ping);
    BOOST_TEST((ping->head.op == opcode::ping));
    co_await s.send(s.frame(opcode::pong, ping->payload));
    co_await settle();
  }
  BOOST_TEST(!*reader);
}

COAX_CORO_TEST(pings_come_an_idle_time_after_the_last_pong_however_long_a_pong_may_take) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(3s, 20s));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  for (int round = 0; round < 4; ++round) {
    co_await pass(clock, 4s);
    BOOST_REQUIRE(s.our_end->bytes_written() == static_cast<std::uint64_t>(round + 1) * 10u);
    const auto ping = co_await s.receive();
    BOOST_REQUIRE(ping);
    BOOST_TEST((ping->head.op == opcode::ping));
    co_await s.send(s.frame(opcode::pong, ping->payload));
    co_await settle();
  }
  BOOST_TEST(!*reader);
}

COAX_CORO_TEST(a_dead_peer_is_given_up_in_time) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(30s, 10s));
  error_code ec;
  auto reader = beside(ioc.get_executor(), [&]() -> task<> {
    const auto r = co_await s.ours.try_read();
    ec = r.error();
  });
  co_await pass(clock, 35s);
  BOOST_TEST(!*reader);
  co_await pass(clock, 10s);
  BOOST_TEST(*reader);
  BOOST_TEST((ec == errc::peer_timeout));
  BOOST_TEST((ec == std::errc::timed_out));
  BOOST_TEST((s.ours.closed().initiator == close_initiator::timeout));
}

COAX_CORO_TEST(any_byte_is_a_sign_of_life) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(3s, 1s));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  const std::string bytes = s.frame(opcode::text, pattern(100));
  for (std::size_t i = 0; i < 20; ++i) {
    co_await s.send(bytes.substr(i, 1));
    co_await pass(clock, 2s);
  }
  BOOST_TEST(!*reader);
  BOOST_TEST(s.our_end->bytes_written() == 0u);
}

COAX_CORO_TEST(without_a_reader_keepalive_reads_for_itself) {
  testing::virtual_clock clock;
  peers p(ioc, options().keepalive(3s, 1s));
  co_await pass(clock, 20s);  // nobody reads; each end's ping is a sign of life for the other
  BOOST_TEST((p.server.closed().initiator == close_initiator::none));
  BOOST_TEST((p.client.closed().initiator == close_initiator::none));
  BOOST_TEST(p.server.stats().pongs_received + p.client.stats().pongs_received >= 4u);
}

COAX_CORO_TEST(a_slow_application_is_no_dead_peer) {
  testing::virtual_clock clock;
  peers p(ioc, options().keepalive(3s, 1s));
  for (int i = 0; i < 3; ++i) co_await p.client.write_text("unread");
  co_await pass(clock, 30s);
  BOOST_TEST((p.server.closed().initiator == close_initiator::none));
  for (int i = 0; i < 3; ++i) {
    const auto m = co_await p.server.read();
    BOOST_TEST(m.text() == "unread");
  }
}

COAX_CORO_TEST(clients_do_not_ping_unless_asked_to) {
  testing::virtual_clock clock;
  scripted s(ioc, role::client);
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  co_await pass(clock, 300s, 1s);
  BOOST_TEST(s.our_end->bytes_written() == 0u);
}

COAX_CORO_TEST(a_connection_without_messages_is_closed_however_much_it_pings) {
  testing::virtual_clock clock;
  peers p(ioc, options().idle_timeout(40s).keepalive(3s, 1s));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await p.client.next()) BOOST_TEST(m->text() == "in use");
  });
  auto echo = beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await p.server.next()) BOOST_TEST(m->empty());
  });
  for (int i = 0; i < 4; ++i) {
    co_await pass(clock, 30s, 1s);
    co_await p.server.write_text("in use");
    BOOST_TEST((p.server.closed().initiator == close_initiator::none));
  }
  co_await pass(clock, 39s, 1s);
  BOOST_TEST((p.server.closed().initiator == close_initiator::none));
  co_await pass(clock, 12s, 1s);
  BOOST_TEST((p.server.closed().status == status::going_away));
  // Whoever's jitter is the shorter pings, and keeps the other from it.
  BOOST_TEST(p.client.stats().pings_received + p.server.stats().pings_received > 20u);
}

COAX_CORO_TEST(a_connection_that_has_come_of_age_is_closed_with_1012) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().max_lifetime(100s).keepalive(0s));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  co_await pass(clock, 89s, 1s);
  BOOST_TEST(s.our_end->bytes_written() == 0u);
  co_await pass(clock, 22s, 1s);
  const auto close = co_await s.receive();
  BOOST_REQUIRE(close);
  BOOST_TEST(close->status() == 1012u);
}

COAX_CORO_TEST(times_beyond_the_end_of_the_clock_never_come) {
  testing::virtual_clock clock;
  constexpr auto never = std::chrono::nanoseconds::max();
  scripted s(ioc, role::server,
             options().keepalive(never, never).idle_timeout(never).max_lifetime(never).write_stall_timeout(never));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  co_await s.send(s.frame(opcode::ping, ""));
  co_await pass(clock, 300s, 1s);
  BOOST_TEST(!*reader);
  BOOST_TEST(s.our_end->bytes_written() == 2u);  // the pong
}

COAX_CORO_TEST(a_peer_that_takes_nothing_is_given_up) {
  testing::virtual_clock clock;
  peers p(ioc, options().write_stall_timeout(5s).keepalive(0s).send_queue_limit(1000));
  p.server_end->stall();
  co_await p.server.write_text("stuck");
  error_code ec;
  auto writer = beside(ioc.get_executor(), [&]() -> task<> {
    const std::string text = pattern(20000);
    const auto w = co_await p.server.try_write(message_kind::text, buffer(text));
    ec = w.error();
  });
  co_await pass(clock, 4900ms);
  BOOST_TEST(!*writer);
  co_await pass(clock, 200ms);
  BOOST_TEST(*writer);
  BOOST_TEST((ec == errc::closed));
  BOOST_TEST((p.server.closed().error == errc::write_stalled));
  const auto r = co_await p.server.try_read();
  BOOST_TEST((r.error() == errc::write_stalled));
}

COAX_CORO_TEST(progress_however_slow_is_no_stall) {
  testing::virtual_clock clock;
  peers p(ioc, options().write_stall_timeout(2s).keepalive(0s).read_limit(0),
          testing::faults().capacity(1000).max_read(1000));
  auto writer = beside(ioc.get_executor(), [&]() -> task<> {
    const std::string text = pattern(20000);
    co_await p.server.write_text(text);
  });
  std::size_t got = 0;
  auto reader = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.client.read();
    got = m.size();
  });
  for (int i = 0; i < 40; ++i) co_await pass(clock, 1s);
  BOOST_TEST(*writer);
  BOOST_TEST(got == 20000u);
}

COAX_CORO_TEST(a_close_that_is_not_answered_ends_in_time) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(0s));
  auto closer = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.close(); });
  co_await pass(clock, 4900ms);
  BOOST_TEST(!*closer);
  co_await pass(clock, 200ms);
  BOOST_TEST(*closer);
  BOOST_TEST((s.ours.closed().initiator == close_initiator::timeout));
  BOOST_TEST(!s.ours.closed().clean);
}

COAX_CORO_TEST(a_close_behind_a_stalled_queue_ends_in_time) {
  testing::virtual_clock clock;
  peers p(ioc, options().keepalive(0s));
  p.server_end->stall();
  co_await p.server.write_text("stuck");
  auto closer = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.close(); });
  co_await pass(clock, 5100ms);
  BOOST_TEST(*closer);
}

COAX_CORO_TEST(a_peer_that_never_stops_sending_after_its_breach_is_cut_off_in_time) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(0s));
  auto bad = s.frame(opcode::text, "x");
  bad[0] |= 0x10;
  co_await s.send(bad);
  const auto r = co_await s.ours.try_read();
  BOOST_TEST((r.error() == errc::protocol_error));
  auto closed = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.close(); });
  bool cut_off = false;
  auto flood = beside(ioc.get_executor(), [&]() -> task<> {
    try {
      for (;;) {
        co_await s.send(pattern(1000));
        co_await settle(2);
      }
    } catch (const system_error&) {
      cut_off = true;
    }
  });
  co_await pass(clock, 4900ms);
  BOOST_TEST(!*closed);
  co_await pass(clock, 300ms);
  BOOST_TEST(*closed);
  BOOST_TEST(cut_off);
}

COAX_CORO_TEST(deadlines_of_several_operations_fire_in_their_order) {
  testing::virtual_clock clock;
  peers p(ioc, options().keepalive(0s));
  p.client_end->stall();
  std::string order;
  const auto ex = ioc.get_executor();
  auto late = context().with_timeout(3s), middle = context().with_timeout(2s), early = context().with_timeout(1s);
  beside(ex, [&]() -> task<> {
    co_await p.server.try_read(late);
    order += 'c';
  });
  auto ping = [&](context ctx, char name) -> task<> {
    try {
      co_await p.server.ping(ctx);
    } catch (const system_error& e) {
      BOOST_TEST((e.code() == errc::deadline_exceeded));
    }
    order += name;
  };
  beside(ex, [&]() -> task<> { co_await ping(middle, 'b'); });
  beside(ex, [&]() -> task<> { co_await ping(early, 'a'); });
  co_await settle();
  co_await pass(clock, 3100ms);
  BOOST_TEST(order == "abc");
}

}  // namespace
}  // namespace coax::test
