// The table of faults: Sentinel and Cluster.
#include "fault/fault_site.hpp"

BOOST_AUTO_TEST_SUITE(topology_faults, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;

namespace {

const std::vector<std::string> six_topics{"a", "b", "c", "d", "e", "f"};

/// What was answered and not yet copied when the primary died is gone with it: then, and only then, a listener is told.
void require_whole_or_told(fault_site& site, const char* fault, const char* what, fault_clock::duration recovery,
                           std::size_t topics) {
  const auto all = site.judge();
  print_row(fault, what, all, site.resets(), recovery);
  for (std::size_t i = 0; i != topics; ++i) {
    const auto v = site.judge(i);
    if (!site.was_reset(i)) BOOST_TEST(v.lost == 0U);
    BOOST_TEST(v.duplicated == 0U);
    BOOST_TEST(v.reordered == 0U);
    BOOST_TEST(v.wrong_topic == 0U);
  }
  BOOST_TEST(site.refused() == 0U);
}

}  // namespace

BOOST_AUTO_TEST_CASE(f6_the_sentinels_fail_over) {
  redis_sentinels redis;
  fault_site site(redis.url(), {"a", "b"});
  site.start(2ms);
  std::this_thread::sleep_for(500ms);
  const auto before = redis.master_address();
  redis.master().kill();
  eventually([&] { return redis.master_address() != before; }, "another one is master");
  const auto promoted = fault_clock::now();
  const auto took = site.wait_caught_up(promoted);
  std::this_thread::sleep_for(300ms);
  site.stop();
  site.settle();
  site.wait_heard(promoted);
  require_whole_or_told(site, "F6", "Sentinel fail-over (from the promotion on)", took, 2);
}

// "a" goes on where the replica does not know of, "b" does not.
BOOST_AUTO_TEST_CASE(f7_a_fail_over_loses_the_end_of_a_topic) {
  redis_sentinels redis;
  fault_site site(redis.url(), {"a", "b"});
  for (int i = 0; i != 10; ++i)
    for (const auto* t : {"a", "b"}) site.publish(t);
  site.settle();
  site.wait_heard(fault_clock::now());
  eventually([&] { return redis.master().ask({"WAIT", "1", "1000"}) == "1"; }, "the replica has it");
  const auto before = redis.master_address();
  redis.replica().freeze();
  // Nothing that comes later may wait for it in a socket.
  redis.master().ask({"CLIENT", "KILL", "TYPE", "replica"});
  for (int i = 0; i != 5; ++i) site.publish("a");
  site.settle();
  site.wait_heard(fault_clock::now());
  redis.master().kill();
  redis.replica().unfreeze();
  eventually([&] { return redis.master_address() != before; }, "another one is master");
  const auto promoted = fault_clock::now();
  for (int i = 0; i != 5; ++i)
    for (const auto* t : {"a", "b"}) site.publish(t);
  site.settle();
  wait_until([&] { return site.was_reset(0); }, "the fork is told");
  const auto took = site.wait_heard(promoted);
  require_whole_or_told(site, "F7", "lossy fail-over: one topic of two has forked", took, 2);
  BOOST_TEST(site.was_reset(0));
  BOOST_TEST(!site.was_reset(1));
  BOOST_TEST(site.judge().lost == 0U);  // what is gone from the log was heard before
}

BOOST_AUTO_TEST_CASE(f9_a_cluster_moves_a_slot) {
  redis_cluster redis(3);
  fault_site site(redis.url(), six_topics);
  site.start(5ms);
  std::this_thread::sleep_for(300ms);
  const auto slot = static_cast<std::uint16_t>(std::stoul(redis.node(0).ask({"CLUSTER", "KEYSLOT", "f:log:{:a}"})));
  const auto from = redis.owner_of(slot), to = (from + 1) % 3;
  redis.begin_move(slot, from, to);
  std::this_thread::sleep_for(200ms);
  redis.move_keys(slot, from, to);
  std::this_thread::sleep_for(200ms);
  redis.end_move(slot, from, to);
  const auto moved = fault_clock::now();
  // "a" is heard again from its new node: what was sent until now is there.
  const auto took = site.wait_caught_up(moved);
  site.stop();
  site.settle();
  site.wait_heard(moved);
  require_whole(site, "F9", "Cluster: a slot moves under load", took);
}

BOOST_AUTO_TEST_CASE(f9_a_cluster_loses_a_primary) {
  redis_cluster redis(3, 3);
  fault_site site(redis.url(), six_topics);
  site.start(5ms);
  std::this_thread::sleep_for(300ms);
  const auto slot = static_cast<std::uint16_t>(std::stoul(redis.node(0).ask({"CLUSTER", "KEYSLOT", "f:log:{:a}"})));
  redis.node(redis.owner_of(slot)).kill();
  const auto killed = fault_clock::now();
  std::this_thread::sleep_for(100ms);
  const auto took = site.wait_caught_up(killed);
  site.stop();
  site.settle();
  site.wait_heard(killed);
  require_whole_or_told(site, "F9", "Cluster: a primary is killed (from the kill on; node timeout 2 s)", took,
                        six_topics.size());
}

BOOST_AUTO_TEST_SUITE_END()
