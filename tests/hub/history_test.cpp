#include "hub/hub_fixture.hpp"
#include <coax/local_broker.hpp>

BOOST_AUTO_TEST_SUITE(history_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

publish_options kept(std::size_t n) { return publish_options().history(n); }

}  // namespace

COAX_SCENARIO_TEST(who_joins_with_recent_gets_the_last_messages_first) {
  far_end a(ioc.get_executor());
  hub h;
  for (std::size_t i = 0; i != 100; ++i) h.publish_text("lobby", text(i), kept(50));

  peer me = h.attach(a.accept());
  auto joined = me.join("lobby", join_options().recent(5));
  h.publish_text("lobby", "live", kept(50));
  co_await settle();
  const bool whole = co_await joined.recovered();
  h.publish_text("lobby", "later", kept(50));
  co_await settle();

  BOOST_TEST(whole);
  COAX_CHECK_FRAMES(a.frames(), names({"95", "96", "97", "98", "99", "live", "later"}));
}

COAX_SCENARIO_TEST(who_joins_with_recent_gets_all_that_is_published_then) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  for (std::size_t i = 0; i != 10; ++i) h.publish_text("kept", text(i), kept(50));

  peer one = h.attach(a.accept()), other = h.attach(b.accept());
  auto in_kept = one.join("kept", join_options().recent(2));
  auto in_passing = other.join("passing", join_options().recent(2));
  for (std::size_t i = 10; i != 20; ++i) {
    h.publish_text("kept", text(i), kept(50));
    h.publish_text("passing", text(i));
  }
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), numbers(8, 20));
  COAX_CHECK_FRAMES(b.frames(), numbers(10, 20));
}

COAX_SCENARIO_TEST(who_joins_since_a_position_gets_what_came_after_it) {
  far_end a(ioc.get_executor());
  hub h;
  position at;
  for (std::size_t i = 0; i != 100; ++i) {
    const auto p = co_await h.publish_text("lobby", text(i), kept(500), context());
    if (i == 9) at = p;
  }

  peer me = h.attach(a.accept());
  auto joined = me.join("lobby", join_options().since(at));
  for (std::size_t i = 100; i != 200; ++i) h.publish_text("lobby", text(i), kept(500));
  co_await settle(50);
  const bool whole = co_await joined.recovered();
  for (std::size_t i = 200; i != 300; ++i) h.publish_text("lobby", text(i), kept(500));
  co_await settle(50);

  BOOST_TEST(whole);
  COAX_CHECK_FRAMES(a.frames(), numbers(10, 300));
  BOOST_TEST(h.stats().queued == 0u);
}

COAX_SCENARIO_TEST(a_position_that_has_left_the_history_is_told) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  const auto at = co_await h.publish_text("lobby", "first", kept(5), context());
  for (std::size_t i = 0; i != 20; ++i) h.publish_text("lobby", text(i), kept(5));

  peer old = h.attach(a.accept()), strange = h.attach(b.accept()), fresh = h.attach(c.accept());
  auto m1 = old.join("lobby", join_options().since(at));
  auto m2 = strange.join("lobby", join_options().since(position("another epoch", 7, 7)));
  auto m3 = fresh.join("lobby");
  const bool whole = co_await m1.recovered();
  const bool known = co_await m2.recovered();
  const bool plain = co_await m3.recovered();
  co_await settle();

  BOOST_TEST(!whole);
  BOOST_TEST(!known);
  BOOST_TEST(plain);
  COAX_CHECK_FRAMES(a.frames(), numbers(15, 20));
  COAX_CHECK_FRAMES(b.frames(), numbers(15, 20));
  COAX_CHECK_FRAMES(c.frames(), names());
}

// The past comes at the pace of the socket: it is no overflow.
COAX_SCENARIO_TEST(a_long_past_does_not_overflow_a_small_queue) {
  far_end a(ioc.get_executor(), testing::faults().capacity(64));
  hub h;
  for (std::size_t i = 0; i != 200; ++i) h.publish_text("lobby", text(1000 + i), kept(500));
  peer me = h.attach(a.accept(), queue_limits().messages(2));
  auto joined = me.join("lobby", join_options().since({}));

  names got;
  for (std::size_t i = 0; i != 200; ++i) {
    co_await settle(4);
    if (i % 2 == 0 && i < 20) h.publish_text("lobby", text(1200 + i / 2), kept(500));
    for (auto& f : a.frames()) got.push_back(std::move(f));
  }

  COAX_CHECK_FRAMES(got, numbers(1000, 1210));
  BOOST_TEST(h.stats().disconnected == 0u);
  BOOST_TEST(h.stats().dropped == 0u);
}

COAX_SCENARIO_TEST(the_log_can_be_read) {
  hub h;
  const auto first = co_await h.publish_text("lobby", "one", kept(10), context());
  const auto options = publish_options().history(10).key("k");
  const auto last = co_await h.publish_text("lobby", "two", options, context());

  const auto page = co_await h.history("lobby", first, 100);
  const auto nothing = co_await h.history("nowhere", {}, 100);

  BOOST_TEST(first.offset() == 1u);
  BOOST_TEST(page.entries.size() == 1u);
  BOOST_TEST(page.entries.front()->key() == "k");
  BOOST_CHECK(page.end == last);
  BOOST_TEST(nothing.entries.empty());
}

COAX_SCENARIO_TEST(hubs_that_share_a_broker_share_their_topics) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  const auto broker = local_broker();
  hub one(hub_options().broker(broker)), two(hub_options().broker(broker));
  peer p = one.attach(a.accept()), q = two.attach(b.accept());
  auto m1 = p.join("lobby"), m2 = q.join("lobby");

  one.publish_text("lobby", "1", publish_options().except(p));
  two.publish_text("lobby", "2", publish_options().except(q));
  co_await settle();

  // The peers have the same number in their hubs; nevertheless each is left out of its own.
  COAX_CHECK_FRAMES(a.frames(), names({"2"}));
  COAX_CHECK_FRAMES(b.frames(), names({"1"}));
}

// The last to leave unsubscribes, the next to come subscribes anew.
COAX_SCENARIO_TEST(a_topic_that_was_left_can_be_joined_again) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  for (int i = 0; i != 5; ++i) {
    auto joined = me.join("lobby");
    h.publish_text("lobby", text(static_cast<std::size_t>(i)));
  }
  h.publish_text("lobby", "nobody");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), numbers(0, 5));
}

BOOST_AUTO_TEST_CASE(names_and_options_are_checked_at_the_door) {
  asio::io_context ioc;
  far_end a(ioc.get_executor());
  hub h(hub_options().max_name(8).max_topics(2));
  peer me = h.attach(a.accept());

  for (const char* name : {"", "123456789", "\xff", "a/#/b"}) {
    BOOST_CHECK_THROW((void)me.join(name), std::invalid_argument);
    BOOST_CHECK_THROW(h.publish_text(name, "x"), std::invalid_argument);
  }
  for (const char* filter : {"+", "a/+/b", "a/#", "#"})
    BOOST_CHECK_THROW(h.publish_text(filter, "x"), std::invalid_argument);
  BOOST_CHECK_THROW((void)me.join("a/#", join_options().recent(1)), std::invalid_argument);
  BOOST_CHECK_THROW((void)me.join("a/#", join_options().on_full(overflow::rewind)), std::invalid_argument);
  BOOST_CHECK_THROW(peer_options().user("\xff"), std::invalid_argument);
  BOOST_CHECK_THROW(peer_options().data("\xff"), std::invalid_argument);
  BOOST_CHECK_THROW(peer_options().labels({"\xff"}), std::invalid_argument);
  BOOST_CHECK_THROW(publish_options().event_type("a\nb"), std::invalid_argument);
  auto m1 = me.join("c++"), m2 = me.join("#1");
  BOOST_CHECK_THROW((void)me.join("three"), system_error);
  BOOST_TEST(h.publish_text("c++", "x") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
