// The table of faults: Redis, and the ways to it.
#include "fault/fault_site.hpp"
#include "redis/redis_proxy.hpp"

BOOST_AUTO_TEST_SUITE(redis_faults, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;

BOOST_AUTO_TEST_CASE(f1_redis_is_killed_and_comes_back_with_its_data) {
  redis_server redis({"--appendonly", "yes", "--appendfsync", "always", "--dir", "{dir}"});
  fault_site site(redis.url(), {"a", "b", "c"});
  site.start(500us);
  std::this_thread::sleep_for(500ms);
  redis.kill();
  std::this_thread::sleep_for(500ms);
  redis.start();
  const auto back = fault_clock::now();
  const auto took = site.wait_caught_up(back);
  std::this_thread::sleep_for(300ms);
  site.stop();
  site.settle();
  site.wait_heard(back);
  require_whole(site, "F1", "Redis killed, back with its data", took);
}

// What was published before and heard is heard; what comes later comes, behind a reset that each listener is told.
BOOST_AUTO_TEST_CASE(f2_redis_is_killed_and_comes_back_without_its_data) {
  redis_server redis;
  fault_site site(redis.url(), {"a", "b", "c"});
  for (int i = 0; i != 300; ++i)
    for (const auto* t : {"a", "b", "c"}) site.publish(t);
  site.settle();
  site.wait_heard(fault_clock::now());
  redis.kill();
  for (const auto* t : {"a", "b"}) site.publish(t);
  redis.start();
  const auto back = fault_clock::now();
  for (const auto* t : {"a", "b", "c"}) site.publish(t);
  site.settle();
  wait_until([&] { return site.resets() == 3; }, "all are told");
  const auto took = site.wait_heard(back);
  const auto v = site.judge();
  print_row("F2", "Redis killed, back without its data", v, site.resets(), took);
  BOOST_TEST(v.lost == 0U);
  BOOST_TEST(v.duplicated == 0U);
  BOOST_TEST(v.reordered == 0U);
  BOOST_TEST(v.wrong_topic == 0U);
}

BOOST_AUTO_TEST_CASE(f3_subscriptions_are_cut_every_100_ms) {
  redis_server redis;
  fault_site site(redis.url(), {"a", "b", "c"});
  site.start(2ms);
  fault_clock::duration longest{0};
  for (int cut = 0; cut != 25; ++cut) {
    redis.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    const auto since = fault_clock::now();
    longest = std::max(longest, site.wait_caught_up(since));
    std::this_thread::sleep_until(since + 100ms);
  }
  site.stop();
  site.settle();
  site.wait_heard(fault_clock::now());
  require_whole(site, "F3", "subscriptions cut every 100 ms under load", longest);
}

// The node stands still, as behind SIGSTOP, until Redis has thrown its subscriptions out.
BOOST_AUTO_TEST_CASE(f4_a_subscriber_is_thrown_out_for_its_output_buffer) {
  redis_server redis({"--client-output-buffer-limit", "pubsub 256kb 0 0"});
  fault_site site(redis.url(), {"a", "b"});
  const auto subscribers = [&] { return redis.ask({"CLIENT", "LIST", "TYPE", "pubsub"}); };
  const auto count = [&] {
    const auto list = subscribers();
    return std::count(list.begin(), list.end(), '\n');
  };
  const auto before = count();
  fault_clock::time_point since;
  {
    const fault_site::standstill still(site);
    eventually(
        [&] {
          for (int i = 0; i != 1000; ++i)
            for (const auto* t : {"a", "b"}) site.publish(t);
          site.settle();
          return count() < before;
        },
        "it is thrown out");
    since = fault_clock::now();
  }
  const auto took = site.wait_heard(since);
  require_whole(site, "F4", "subscriber thrown out, its node stopped", took);
}

BOOST_AUTO_TEST_CASE(f5_redis_freezes_for_five_seconds) {
  redis_server redis;
  fault_site site(redis.url(), {"a", "b"});
  site.start(5ms);
  std::this_thread::sleep_for(200ms);
  redis.freeze();
  std::this_thread::sleep_for(5s);
  BOOST_TEST(site.is_degraded());
  redis.unfreeze();
  const auto back = fault_clock::now();
  const auto took = site.wait_caught_up(back);
  site.stop();
  site.settle();
  site.wait_heard(back);
  require_whole(site, "F5", "Redis frozen for 5 s", took);
}

BOOST_AUTO_TEST_CASE(f8_a_connection_is_deaf) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  const auto patient = redis_options().ping_interval(1h).reply_timeout(1h);
  fault_site site(proxy.url(), redis.url(), {"a"}, keeping_all().redis(patient));
  site.publish("a");
  site.settle();
  site.wait_heard(fault_clock::now());
  proxy.deafen();
  const auto since = fault_clock::now();
  for (int i = 0; i != 100; ++i) site.publish("a");
  const auto took = site.wait_heard(since);
  require_whole(site, "F8", "deaf subscription, found by the probe (every 2 s)", took);
}

BOOST_AUTO_TEST_CASE(f13_the_last_message_falls_into_a_hole_and_nothing_follows) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  fault_site site(proxy.url(), redis.url(), {"a"});
  site.publish("a");
  site.settle();
  site.wait_heard(fault_clock::now());
  proxy.close();
  wait_until([&] { return site.is_degraded(); }, "it is noticed");
  site.publish("a");
  site.settle();
  proxy.open();
  wait_until([&] { return site.is_ready(); }, "the link is ready");
  const auto took = site.wait_heard(fault_clock::now());
  require_whole(site, "F13", "one message lost in a hole, then silence", took);
}

BOOST_AUTO_TEST_CASE(f14_the_answer_to_a_publication_is_lost) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  fault_site site(redis.url(), proxy.url(), {"a"});
  const auto since = fault_clock::now();
  for (int round = 1; round <= 10; ++round) {
    proxy.lose_answer_to(numbered("a", static_cast<std::size_t>(round * 3)));
    for (int i = 0; i != 3; ++i) site.publish("a");
    site.settle();
  }
  BOOST_TEST(proxy.answers_lost() > 0);
  site.wait_heard(since);
  const auto took = (fault_clock::now() - since) / 10;
  require_whole(site, "F14", "connection cut between EVALSHA and its reply", took);
  BOOST_TEST(site.publisher().history("a").entries.size() == 30U);
}

BOOST_AUTO_TEST_SUITE_END()
