#include "hub/hub_fixture.hpp"

#include <algorithm>
#include <set>

BOOST_AUTO_TEST_SUITE(overflow_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

COAX_SCENARIO_TEST(disconnect_closes_a_slow_peer_and_drops_what_it_has_queued) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(5));
  auto joined = me.join("lobby");
  for (std::size_t i = 0; i != 5; ++i) h.publish_text("lobby", text(i));
  co_await settle();
  BOOST_TEST(h.stats().queued == 5u);
  BOOST_TEST(h.stats().disconnected == 0u);

  h.publish_text("lobby", "one too many");
  h.publish_text("lobby", "another");
  co_await settle();
  const auto s = h.stats();
  const auto later = h.publish_text("lobby", "later");
  a.near->unstall();
  co_await settle();

  BOOST_TEST(s.disconnected == 1u);
  BOOST_TEST(s.dropped == 7u);
  BOOST_TEST(s.delivered == 1u);
  BOOST_TEST(s.queued == 0u);
  BOOST_TEST(s.topics == 0u);
  BOOST_TEST(later == 0u);
  BOOST_TEST(!me.join("lobby"));
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "close 1013 slow consumer"}));
}

COAX_SCENARIO_TEST(the_handler_of_a_peer_that_was_too_slow_is_told_so) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(1).close_status(status{4008}));
  me.send_text("1");
  me.send_text("2");
  co_await settle();
  a.near->unstall();
  co_await settle();
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "close 4008 slow consumer"}));
  a.send('\x88', "\x0f\xa8");

  const auto next = co_await thrown<system_error>(me.next());
  const auto read = co_await thrown<system_error>(me.read());

  BOOST_TEST((next && next->code() == errc::slow_consumer));
  BOOST_TEST((read && read->code() == errc::slow_consumer));
}

COAX_SCENARIO_TEST(drop_oldest_keeps_the_newest_messages_whole_and_in_order) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(5).on_full(overflow::drop_oldest));
  auto joined = me.join("lobby");

  const auto s = co_await overfill(h, a, "lobby", 1000);
  h.publish_text("lobby", "after");
  co_await settle();

  BOOST_TEST(s.dropped == 995u);
  BOOST_TEST(s.queued == 5u);
  BOOST_TEST(s.disconnected == 0u);
  BOOST_TEST(h.stats().delivered == 7u);
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "995", "996", "997", "998", "999", "after"}));
}

// The first member has room for the first of them, the second for none: each waits with another part of the same turn.
COAX_SCENARIO_TEST(what_is_published_in_one_turn_stays_in_order_for_members_with_and_without_room) {
  far_end a(ioc.get_executor(), testing::faults().capacity(1024)), b(ioc.get_executor());
  hub h;
  const auto limits = queue_limits().bytes(10 << 20);
  peer half = h.attach(a.accept(), limits);
  peer blocked = co_await blocked_peer(h, b, limits);
  auto first = half.join("lobby");
  auto second = blocked.join("lobby");
  co_await settle();

  names sent;
  for (const char c : {'1', '2', '3', '4'}) h.publish_text("lobby", sent.emplace_back(40 * 1024, c));
  co_await settle();
  BOOST_TEST(h.stats().queued == 6u);
  b.near->unstall();
  names to_a, to_b;
  for (int i = 0; i != 1000 && to_a.size() + to_b.size() != 2 * sent.size() + 1; ++i) {
    co_await settle();
    for (auto& f : a.frames()) to_a.push_back(std::move(f));
    for (auto& f : b.frames()) to_b.push_back(std::move(f));
  }

  COAX_CHECK_FRAMES(to_a, sent);
  sent.insert(sent.begin(), "primer");
  COAX_CHECK_FRAMES(to_b, sent);
  BOOST_TEST(h.stats().delivered == 9u);
}

// Room appears and goes in the middle of frames: whatever is dropped, what arrives is whole and in order.
BOOST_AUTO_TEST_CASE(dropping_never_breaks_framing) {
  for (unsigned seed = 1; seed != 50; ++seed) {
    run([seed](asio::io_context& ioc) -> task<> {
      far_end a(ioc.get_executor(), testing::faults().max_write(7).random_sizes(seed).capacity(64));
      hub h;
      peer me = h.attach(a.accept(), queue_limits().messages(4).on_full(overflow::drop_oldest));
      auto joined = me.join("lobby");
      names got;
      for (std::size_t i = 0; i != 300; ++i) {
        h.publish_text("lobby", text(1000 + i));
        if (i % 5 == seed % 5) co_await settle(1 + static_cast<int>(seed % 3));
        if (i % 3 == 0)
          for (auto& f : a.frames()) got.push_back(std::move(f));
      }
      for (int i = 0; i != 30; ++i) {
        co_await settle();
        for (auto& f : a.frames()) got.push_back(std::move(f));
      }

      BOOST_TEST_CONTEXT("seed " << seed) {
        BOOST_TEST(std::is_sorted(got.begin(), got.end()));
        BOOST_TEST(std::set<std::string>(got.begin(), got.end()).size() == got.size());
        BOOST_TEST((!got.empty() && got.back() == "1299"));
        BOOST_TEST(std::count(got.begin(), got.end(), "malformed") == 0);
        BOOST_TEST(h.stats().delivered == got.size());
        BOOST_TEST(h.stats().dropped == 300 - got.size());
      }
    });
  }
}

COAX_SCENARIO_TEST(a_topic_can_have_a_policy_of_its_own) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(4));
  auto chat = me.join("chat");
  auto ticks = me.join("ticks", join_options().on_full(overflow::drop_oldest));

  for (std::size_t i = 0; i != 3; ++i) {
    h.publish_text("ticks", "tick " + text(2 * i));
    h.publish_text("ticks", "tick " + text(2 * i + 1));
    h.publish_text("chat", "chat " + text(i));
  }
  co_await settle();
  const auto s = h.stats();
  a.near->unstall();
  co_await settle();

  BOOST_TEST(s.dropped == 5u);
  BOOST_TEST(s.disconnected == 0u);
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "chat 0", "chat 1", "tick 5", "chat 2"}));
}

COAX_SCENARIO_TEST(bytes_are_bounded_as_well) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().bytes(1000));

  me.send_text(std::string(500, 'a'));
  me.send_text(std::string(400, 'b'));
  co_await settle();
  BOOST_TEST(h.stats().queued == 2u);
  me.send_text(std::string(100, 'c'));
  co_await settle();

  BOOST_TEST(h.stats().disconnected == 1u);
  BOOST_TEST(h.stats().dropped == 3u);
}

COAX_CORO_TEST(a_message_that_grows_too_old_ends_a_peer) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().stall(5s));
  me.send_text("old");
  co_await settle();

  clock.advance(5s - 1ms);
  co_await settle();
  BOOST_TEST(h.stats().disconnected == 0u);
  clock.advance(1ms);
  co_await settle();
  a.near->unstall();
  co_await settle();

  BOOST_TEST(h.stats().disconnected == 1u);
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "close 1013 slow consumer"}));
}

COAX_CORO_TEST(a_message_that_grows_too_old_is_dropped_under_drop_oldest) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().stall(5s).on_full(overflow::drop_oldest));
  for (std::size_t i = 0; i != 4; ++i) {
    me.send_text(text(i));
    co_await settle();
    clock.advance(2s);
    co_await settle();
  }

  BOOST_TEST(h.stats().dropped == 2u);
  a.near->unstall();
  co_await settle();
  clock.advance(1h);
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"primer", "2", "3"}));
  BOOST_TEST(h.stats().disconnected == 0u);
}

COAX_SCENARIO_TEST(a_burst_above_the_limits_is_no_overflow_while_the_socket_has_room) {
  far_end a(ioc.get_executor(), testing::faults().capacity(1024 * 1024));
  hub h;
  peer me = h.attach(a.accept(), queue_limits().messages(3).bytes(100));
  auto joined = me.join("lobby");

  for (std::size_t i = 0; i != 5000; ++i) h.publish_text("lobby", text(100'000 + i));
  co_await settle();

  BOOST_TEST(h.stats().delivered == 5000u);
  COAX_CHECK_FRAMES(a.frames(), numbers(100'000, 105'000));
}

COAX_SCENARIO_TEST(a_blocked_peer_delays_nobody) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  peer slow = co_await blocked_peer(h, a, queue_limits().messages(10));
  peer fast = h.attach(b.accept());
  auto m1 = slow.join("lobby"), m2 = fast.join("lobby");

  for (std::size_t i = 0; i != 20; ++i) {
    h.publish_text("lobby", text(i));
    co_await settle(3);
    BOOST_TEST((b.frames() == names{text(i)}));
  }
  peer late = h.attach(c.accept());
  auto m3 = late.join("lobby");
  h.publish_text("lobby", "last");
  co_await settle(3);

  COAX_CHECK_FRAMES(c.frames(), names({"last"}));
  COAX_CHECK_FRAMES(a.frames(), names());
  BOOST_TEST(h.stats().disconnected == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
