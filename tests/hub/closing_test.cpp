#include "hub/hub_fixture.hpp"

BOOST_AUTO_TEST_SUITE(closing_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

COAX_SCENARIO_TEST(a_close_goes_behind_what_is_queued) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits());
  auto joined = me.join("lobby");
  h.publish_text("lobby", "1");

  me.start_close(status::policy_violation, "enough");
  me.start_close(status::normal, "ignored");
  h.publish_text("lobby", "after");
  co_await settle();
  a.near->unstall();
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"primer", "1", "close 1008 enough"}));
  BOOST_TEST(h.stats().dropped == 1u);
}

COAX_SCENARIO_TEST(a_close_under_way_goes_on_without_the_handle) {
  far_end a(ioc.get_executor());
  hub h;
  {
    peer me = co_await blocked_peer(h, a, queue_limits());
    me.send_text("1");
    me.start_close(status::going_away, "bye");
  }
  co_await settle();
  BOOST_TEST(h.stats().peers == 0u);
  a.near->unstall();
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"primer", "1", "close 1001 bye"}));
}

COAX_CORO_TEST(a_close_behind_a_queue_that_never_leaves_is_not_for_ever) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().stall(3s));
  const auto done = me.connection().done();
  me.send_text("1");
  me.start_close();
  co_await settle();

  for (int i = 0; i != 4; ++i) {
    clock.advance(3s);
    co_await settle();
  }

  BOOST_TEST(done.stop_requested());
  BOOST_TEST(h.stats().dropped == 1u);
  BOOST_TEST(h.stats().disconnected == 0u);
}

COAX_SCENARIO_TEST(close_waits_until_the_connection_has_ended) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  me.send_text("last words");
  auto answer = [&a]() -> task<> {
    co_await settle();
    a.send('\x88', "\x03\xe8");
    co_await settle();
    a.hang_up();
  };

  co_await all(me.close(status::normal, "done"), answer());

  BOOST_TEST(me.connection().closed().clean);
  BOOST_CHECK_THROW(me.start_close(status::abnormal), std::invalid_argument);
}

COAX_SCENARIO_TEST(closing_the_hub_closes_all_peers_and_those_that_come_later) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  peer blocked = co_await blocked_peer(h, a, queue_limits());
  peer free = h.attach(b.accept());
  auto m1 = blocked.join("lobby"), m2 = free.join("lobby");
  h.publish_text("lobby", "last");

  h.close(status::service_restart, "come again");
  h.close();
  peer late = h.attach(c.accept());
  co_await settle();
  a.near->unstall();
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"primer", "last", "close 1012 come again"}));
  COAX_CHECK_FRAMES(b.frames(), names({"last", "close 1012 come again"}));
  COAX_CHECK_FRAMES(c.frames(), names({"close 1012 come again"}));
  BOOST_CHECK_THROW(h.close(status::abnormal), std::invalid_argument);
}

COAX_SCENARIO_TEST(a_destroyed_hub_closes_its_peers_whose_handles_stay_valid) {
  far_end a(ioc.get_executor());
  peer me;
  membership joined, moved;
  {
    hub h;
    me = h.attach(a.accept());
    joined = me.join("lobby");
    h.publish_text("lobby", "last");
  }
  me.send_text("after");
  moved = std::move(joined);
  joined = me.join("other");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"last", "close 1001"}));
}

COAX_SCENARIO_TEST(a_peer_whose_connection_ends_leaves_its_topics) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer gone = h.attach(a.accept()), other = h.attach(b.accept());
  auto m1 = gone.join("lobby"), m2 = other.join("lobby");

  gone.connection().close_now();
  co_await settle();
  const auto handed = h.publish_text("lobby", "hello");
  gone.send_text("nobody hears");
  co_await settle();

  BOOST_TEST(handed == 1u);
  BOOST_TEST(!gone.join("lobby"));
  BOOST_TEST(h.stats().peers == 2u);
  BOOST_TEST(h.stats().dropped == 1u);
  COAX_CHECK_FRAMES(b.frames(), names({"hello"}));
}

COAX_SCENARIO_TEST(a_connection_that_has_ended_already_can_be_attached) {
  far_end a(ioc.get_executor());
  hub h;
  conn c = a.accept();
  c.close_now();

  peer me = h.attach(std::move(c));
  auto joined = me.join("lobby");
  h.publish_text("lobby", "hello");
  co_await settle();

  BOOST_TEST(h.topics().empty());
  BOOST_TEST(h.stats().dropped == 1u);
}

COAX_CORO_TEST(a_dead_client_holds_up_nothing_and_its_memory_is_freed) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer dead = co_await blocked_peer(h, a, queue_limits().stall(1h), test_options().write_stall_timeout(30s));
  peer alive = h.attach(b.accept());
  auto m1 = dead.join("lobby"), m2 = alive.join("lobby");
  for (std::size_t i = 0; i != 10; ++i) h.publish_text("lobby", text(i));
  co_await settle();
  BOOST_TEST(h.stats().queued == 10u);

  clock.advance(30s);
  co_await settle();

  BOOST_TEST(h.stats().queued == 0u);
  BOOST_TEST(h.stats().dropped == 10u);
  BOOST_TEST(h.topics().front().members == 1u);
  COAX_CHECK_FRAMES(b.frames(), numbers(0, 10));
  const auto error = co_await thrown<system_error>(dead.read());
  BOOST_TEST((error && error->code() == errc::write_stalled));
}

BOOST_AUTO_TEST_SUITE_END()
