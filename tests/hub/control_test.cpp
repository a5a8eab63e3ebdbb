#include "hub/hub_fixture.hpp"
#include "hub/token_bucket.hpp"
#include <coax/local_broker.hpp>
#include <coax/metrics.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(control_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

COAX_SCENARIO_TEST(wildcards_match_by_levels_and_a_message_comes_once) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto plus = me.join("a/+/c"), hash = me.join("a/#"), exact = me.join("a/b/c");

  BOOST_TEST(h.publish_text("a/b/c", "1") == 3u);  // once through each, and it comes once
  BOOST_TEST(h.publish_text("a/x/c", "2") == 2u);
  BOOST_TEST(h.publish_text("a", "3") == 1u);
  BOOST_TEST(h.publish_text("b/x/c", "nobody") == 0u);
  hash.leave();
  BOOST_TEST(h.publish_text("a/x", "nobody") == 0u);
  h.publish_text("a/y/c", "4");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"1", "2", "3", "4"}));
  BOOST_TEST(h.stats().skipped == 3u);
  BOOST_TEST(h.stats().queued == 0u);
}

COAX_SCENARIO_TEST(a_filter_chooses_and_one_that_throws_refuses) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept()), other = h.attach(b.accept());
  const auto even = [](const log_entry& e) { return e.offset() % 2 == 0; };
  const auto bad = [](const log_entry& e) -> bool {
    if (e.offset() == 2) throw std::bad_alloc();
    return true;
  };
  auto m1 = me.join("lobby", join_options().filter(even));
  auto m2 = other.join("lobby", join_options().filter(bad));

  for (std::size_t i = 1; i != 6; ++i) h.publish_text("lobby", text(i), publish_options().history(10));
  co_await settle();
  m1.leave();
  m1 = me.join("lobby", join_options().filter(even).since({}));
  co_await settle(40);

  COAX_CHECK_FRAMES(a.frames(), names({"2", "4", "2", "4"}));
  COAX_CHECK_FRAMES(b.frames(), names({"1", "3", "4", "5"}));
  BOOST_TEST(h.stats().filter_errors == 1u);
  BOOST_TEST(h.stats().filtered == 4u);
}

COAX_SCENARIO_TEST(a_filter_may_use_the_hub) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  membership joined;
  const auto busy = [&](const log_entry&) {
    h.publish_text("other", "from the filter");
    joined.leave();
    return true;
  };
  auto other = me.join("other");
  joined = me.join("lobby", join_options().filter(busy));

  h.publish_text("lobby", "1");
  h.publish_text("lobby", "2");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"1", "2", "from the filter", "from the filter"}));
  BOOST_TEST(h.stats().failures == 0u);
}

COAX_SCENARIO_TEST(kick_closes_those_who_are_meant_at_once) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  peer ada = h.attach(a.accept(), peer_options().user("ada").labels({"beta"}));
  peer ada2 = h.attach(b.accept(), peer_options().user("ada"));
  peer bob = h.attach(c.accept(), peer_options().user("bob").labels({"alpha", "beta"}));
  auto m1 = ada.join("lobby"), m2 = ada2.join("lobby"), m3 = bob.join("lobby");
  a.near->stall();
  h.publish_text("lobby", "primer");
  co_await settle();
  h.publish_text("lobby", "queued");
  co_await settle();

  BOOST_TEST(h.kick(selector::user("ada"), status{4001}, "signed out") == 2u);
  co_await settle();
  BOOST_TEST(h.publish_text("lobby", "later") == 1u);
  BOOST_TEST(!ada.join("lobby"));
  BOOST_TEST(h.kick(selector::label("alpha")) == 1u);
  BOOST_TEST(h.kick(selector::id(77)) == 0u);
  BOOST_CHECK_THROW(h.kick(selector::all(), status::normal, "\xff"), std::invalid_argument);
  a.near->unstall();
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"primer", "close 4001 signed out"}));
  COAX_CHECK_FRAMES(b.frames(), names({"primer", "queued", "close 4001 signed out"}));
  COAX_CHECK_FRAMES(c.frames(), names({"primer", "queued", "later", "close 1008"}));
  BOOST_TEST(h.stats().dropped == 1u);
}

COAX_SCENARIO_TEST(a_handler_may_publish_while_it_is_being_kicked) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept()), other = h.attach(b.accept());
  auto m1 = me.join("lobby"), m2 = other.join("lobby");

  h.kick(selector::id(me.id()), status{4000}, "out");
  h.publish_text("lobby", "1");
  me.send_text("2");
  co_await settle();
  h.publish_text("lobby", "3");
  me.send_text("4");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"close 4000 out"}));
  COAX_CHECK_FRAMES(b.frames(), names({"1", "3"}));
}

namespace {

// A client that answers the close of its server, and hangs up.
task<> say_goodbye(far_end& end) {
  end.send('\x88', "\x03\xf4");
  co_await settle();
  end.hang_up();
}

task<> keep_until_closed(peer p) {
  try {
    while (auto m = co_await p.next()) {
    }
  } catch (const system_error&) {
  }
}

}  // namespace

COAX_CORO_TEST(a_drain_spreads_its_closes_and_ends_when_all_have_answered) {
  testing::virtual_clock clock;
  constexpr std::size_t count = 20;
  std::vector<std::unique_ptr<far_end>> ends;
  hub h;
  for (std::size_t i = 0; i != count; ++i) {
    ends.push_back(std::make_unique<far_end>(ioc.get_executor()));
    asio::co_spawn(ioc, keep_until_closed(h.attach(ends.back()->accept())), asio::detached);
  }
  co_await settle();
  std::optional<drain_report> report;
  auto drains = [&]() -> task<> {
    const auto options = drain_options().over(10s).limit(60s).retry(2s);
    report = co_await h.drain(options);
  };
  std::vector<std::size_t> closed_by;
  auto clients = [&]() -> task<> {
    co_await settle();
    std::size_t closed = 0;
    for (int second = 0; second != 11; ++second) {
      clock.advance(1s);
      co_await settle();
      for (auto& e : ends)
        for (const auto& f : e->frames()) {
          BOOST_TEST((f.starts_with("close 1012 retry in ") && f.ends_with(" ms")));
          ++closed;
          co_await say_goodbye(*e);
        }
      closed_by.push_back(closed);
    }
    co_await settle();
  };

  co_await all(drains(), clients());

  BOOST_REQUIRE(report);
  BOOST_TEST(report->peers == count);
  BOOST_TEST(report->cut == 0u);
  BOOST_TEST(report->left == 0u);
  BOOST_TEST(closed_by.back() == count);
  BOOST_TEST(closed_by.front() < count);
  BOOST_TEST(h.stats().peers == 0u);
  BOOST_CHECK(h.state() == hub_state::draining);
}

COAX_CORO_TEST(a_drain_cuts_at_its_limit_who_does_not_answer) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  asio::co_spawn(ioc, keep_until_closed(h.attach(a.accept(test_options().close_timeout(1h).write_stall_timeout(1h)))),
                 asio::detached);
  a.near->stall();
  co_await settle();
  std::optional<drain_report> report;
  auto drains = [&]() -> task<> {
    const auto options = drain_options().over(5s).limit(20s);
    report = co_await h.drain(options);
  };
  auto time_passes = [&]() -> task<> {
    for (int i = 0; i != 25; ++i) {
      clock.advance(1s);
      co_await settle();
    }
  };

  co_await all(drains(), time_passes());

  BOOST_REQUIRE(report);
  BOOST_TEST(report->cut == 1u);
  BOOST_TEST(report->left == 0u);
}

COAX_SCENARIO_TEST(while_a_hub_drains_nobody_comes_in) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  std::stop_source stop;
  stop.request_stop();
  const auto error = co_await thrown<system_error>(h.drain(drain_options(), context(stop.get_token())));

  BOOST_TEST((error && error->code() == errc::canceled));
  BOOST_CHECK_EXCEPTION((void)me.join("lobby"), system_error, [](const auto& e) { return e.code() == errc::draining; });
  BOOST_CHECK_EXCEPTION(h.attach(b.accept()), system_error, [](const auto& e) { return e.code() == errc::draining; });
  co_await settle();
  COAX_CHECK_FRAMES(b.frames(), names({"close 1012 draining"}));
}

COAX_CORO_TEST(shedding_sends_a_part_away) {
  testing::virtual_clock clock;
  std::vector<std::unique_ptr<far_end>> ends;
  std::vector<peer> peers;
  hub h;
  for (std::size_t i = 0; i != 10; ++i) {
    ends.push_back(std::make_unique<far_end>(ioc.get_executor()));
    peers.push_back(h.attach(ends.back()->accept()));
  }
  BOOST_TEST(h.shed(0.3, 5s) == 3u);
  co_await settle();
  for (int i = 0; i != 6; ++i) {
    clock.advance(1s);
    co_await settle();
  }
  std::size_t closed = 0;
  for (auto& e : ends) closed += e->frames().size();

  BOOST_TEST(closed == 3u);
  BOOST_CHECK(h.state() == hub_state::ready);
}

COAX_CORO_TEST(who_sends_more_than_its_rate_is_closed) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept(), peer_options().rate(2, 0, 1));
  for (int i = 0; i != 2; ++i) a.send('\x81', "x");
  for (int i = 0; i != 2; ++i) {
    const auto m = co_await me.next();
    BOOST_TEST(m.has_value());
  }
  clock.advance(1s);
  for (int i = 0; i != 3; ++i) a.send('\x81', "x");
  for (int i = 0; i != 2; ++i) {
    const auto m = co_await me.next();
    BOOST_TEST(m.has_value());
  }

  const auto error = co_await thrown<close_error>(me.next());
  co_await settle();

  BOOST_TEST((error && error->status() == status::policy_violation));
  COAX_CHECK_FRAMES(a.frames(), names({"close 1008 rate limit"}));
}

BOOST_AUTO_TEST_CASE(a_bucket_fills_up_to_its_burst) {
  const detail::steady::time_point start{1h};
  detail::token_bucket b(10, 20);
  BOOST_TEST(b.take(20, start));
  BOOST_TEST(!b.take(1, start));
  BOOST_TEST(b.take(5, start + 500ms));
  BOOST_TEST(!b.take(1, start + 500ms));
  BOOST_TEST(!b.take(21, start + 1h));
  BOOST_TEST(b.take(20, start + 1h));
  BOOST_TEST(detail::token_bucket(0, 0).take(1e9, start));
}

COAX_SCENARIO_TEST(a_hub_takes_no_more_peers_than_it_may) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h(hub_options().max_peers(1));
  peer me = h.attach(a.accept());
  BOOST_CHECK_EXCEPTION(h.attach(b.accept()), system_error, [](const auto& e) { return e.code() == errc::hub_full; });
  me = peer();
  me = h.attach(b.accept());
  co_return;
}

COAX_SCENARIO_TEST(presence_is_told_to_those_who_follow_it) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor()), d(ioc.get_executor());
  hub h;
  const auto follow = join_options().presence(true);
  peer ada = h.attach(a.accept(), peer_options().user("ada").data("\"A\""));
  peer bob = h.attach(b.accept(), peer_options().user("bob"));
  peer bob2 = h.attach(c.accept(), peer_options().user("bob"));
  peer lurker = h.attach(d.accept());
  auto m4 = lurker.join("lobby");
  auto m1 = ada.join("lobby", follow);
  auto m2 = bob.join("lobby", follow), m3 = bob2.join("lobby", follow);
  const auto users = co_await h.presence("lobby");
  h.publish_text("lobby", "hello");
  m2.leave();
  bob2 = peer();
  co_await settle();
  const auto left = co_await h.presence("lobby");

  BOOST_TEST(users.size() == 2u);
  const auto who = std::find_if(users.begin(), users.end(), [](const auto& u) { return u.user == "bob"; });
  BOOST_TEST((who != users.end() && who->handles == 2u));
  BOOST_TEST(left.size() == 1u);
  COAX_CHECK_FRAMES(a.frames(), names({R"({"type":"joined","topic":"lobby","user":"ada","data":"\"A\""})",
                                       R"({"type":"joined","topic":"lobby","user":"bob","data":""})", "hello",
                                       R"({"type":"left","topic":"lobby","user":"bob","data":""})"}));
  COAX_CHECK_FRAMES(d.frames(), names({"hello"}));
  BOOST_CHECK_THROW((void)lurker.join("x", follow), std::invalid_argument);
  BOOST_CHECK_THROW((void)ada.join("+", follow), std::invalid_argument);
}

COAX_SCENARIO_TEST(metrics_are_prometheus_text) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto joined = me.join("a\"b\\c\nd");
  h.publish_text("a\"b\\c\nd", "x");
  co_await settle();

  const auto text = prometheus_text(h.stats(), h.topics());

  const auto has = [&](std::string_view line) { return text.find(line) != std::string::npos; };
  BOOST_TEST(has("# HELP coax_hub_peers Attached peers.\n# TYPE coax_hub_peers gauge\ncoax_hub_peers 1\n"));
  BOOST_TEST(has("# TYPE coax_hub_delivered_total counter\ncoax_hub_delivered_total 1\n"));
  BOOST_TEST(has("coax_hub_topic_published_total{topic=\"a\\\"b\\\\c\\nd\"} 1\n"));
  BOOST_TEST(text.back() == '\n');
}

BOOST_AUTO_TEST_SUITE_END()
