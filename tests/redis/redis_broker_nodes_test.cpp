#include "redis/hub_node.hpp"
#include "redis/redis_proxy.hpp"

#include <algorithm>

BOOST_AUTO_TEST_SUITE(redis_broker_nodes, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

// No shorter: whoever is held up for longer than that is dead to the others.
redis_broker_options short_lease() { return redis_broker_options().lease(100ms, 3s); }

std::vector<redis_node> nodes_of(redis_broker& b) {
  const auto replied = std::make_shared<std::promise<result<std::vector<redis_node>>>>();
  b.nodes([replied](auto r) { replied->set_value(std::move(r)); });
  auto all = replied->get_future().get().value();
  std::sort(all.begin(), all.end(), [](const auto& one, const auto& other) { return one.name < other.name; });
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_members_of_a_node_that_is_gone_vanish_together_and_come_back_with_it) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 2, short_lease());
  node x(brokers[0]), y(brokers[1]), lost(brokers.add(proxy.url()));
  for (auto* n : {&x, &y}) n->subscribe("a"), n->subscribe("b");
  lost.session->enter("a", presence_member("1", "ann").data("Ann"));
  lost.session->enter("b", presence_member("1", "ann"));
  lost.members("a");
  x.session->enter("a", presence_member("2", "bob"));
  BOOST_TEST(x.members("a").size() == 2U);

  proxy.close();
  for (auto* n : {&x, &y})
    wait_until(
        [&] {
          return n->events->news() == "+ann@a +ann@b +bob@a -ann@a -ann@b" ||
                 n->events->news() == "+ann@a +ann@b +bob@a -ann@b -ann@a";
        },
        "it is told once");
  BOOST_TEST(x.members("a").size() == 1U);
  BOOST_TEST(x.members("b").empty());

  lost.session->leave("b", "1");
  proxy.open();
  wait_until([&] { return x.members("a").size() == 2U; }, "they are back");
  wait_until([&] { return y.events->news().ends_with(" +ann@a"); }, "it is told");
  BOOST_TEST(x.members("b").empty());
  x.session.reset();
  wait_until([&] { return y.members("a").size() == 1U; }, "the other one has left");
}

BOOST_AUTO_TEST_CASE(a_redis_that_has_forgotten_all_is_told_who_is_there) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 2, short_lease());
  node x(brokers[0]), y(brokers[1]);
  y.subscribe("a");
  x.session->enter("a", presence_member("1", "ann"));
  wait_until([&] { return y.events->news() == "+ann@a"; }, "it is told");
  redis.kill();
  redis.start();
  wait_until([&] { return y.members("a").size() == 1U; }, "it is there again");
  wait_until([&] { return nodes_of(brokers[1]).size() == 2U; }, "so are the nodes");
}

// Presence has no log: what a deaf node has missed it is not told, but it can ask.
BOOST_AUTO_TEST_CASE(a_deaf_node_misses_who_comes_and_goes_and_can_ask) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 1);
  node x(brokers[0]), deaf(brokers.add(proxy.url()));
  deaf.subscribe("a");
  x.session->enter("a", presence_member("1", "ann"));
  wait_until([&] { return deaf.events->news() == "+ann@a"; }, "it is told");
  proxy.close();
  wait_until([&] { return deaf.session->link() == link_state::degraded; }, "it is noticed");
  x.session->enter("a", presence_member("2", "bob"));
  x.session->leave("a", "1");
  wait_until([&] { return x.members("a").size() == 1U; }, "they have come and gone");

  proxy.open();
  wait_ready(deaf);
  const auto here = deaf.members("a");
  BOOST_REQUIRE(here.size() == 1U);
  BOOST_TEST(here[0].user == "bob");
  x.session->enter("a", presence_member("3", "eve"));
  wait_until([&] { return deaf.events->news() == "+ann@a +eve@a"; }, "what comes now is told");
}

// The log, which keeps nothing, is asked while others publish: what its answer tells of may still be on its way.
BOOST_AUTO_TEST_CASE(a_topic_without_a_history_is_joined_without_a_reset_while_others_publish) {
  redis_brokers brokers(2);
  hub_node listener(brokers.shared(0));
  node speaker(brokers[1]);
  listener.wait_ready();
  std::atomic<int> round{0};
  std::jthread load([&](const std::stop_token& st) {
    while (!st.stop_requested()) {
      const auto r = std::to_string(round.load());
      speaker.session->publish("t" + r, say(r), nullptr);
      std::this_thread::sleep_for(1ms);
    }
  });
  for (int r = 0; r != 50; ++r) {
    round = r;
    listener.join("t" + std::to_string(r), {});
    wait_until(
        [&] {
          const auto heard = listener.heard();
          return std::count(heard.begin(), heard.end(), std::to_string(r)) >= 20;
        },
        "it is heard");
  }
  load = {};
  BOOST_TEST(listener.hub.stats().resets == 0U);
}

BOOST_AUTO_TEST_CASE(who_is_alive_is_known_to_all) {
  redis_brokers brokers(0);
  brokers.options().node("one", "10.0.0.1:80").connections([] { return std::size_t{42}; });
  brokers.add();
  brokers.options().node("two of them", "").connections(nullptr);
  brokers.add();
  wait_until([&] { return nodes_of(brokers[0]).size() == 2U; }, "both are known");
  auto all = nodes_of(brokers[1]);
  BOOST_REQUIRE(all.size() == 2U);
  BOOST_TEST(all[0].id == brokers[0].id());
  BOOST_TEST(all[0].name == "one");
  BOOST_TEST(all[0].address == "10.0.0.1:80");
  BOOST_TEST(all[0].connections == 42U);
  BOOST_TEST(all[1].name == "two of them");
  BOOST_TEST(all[1].address.empty());
  const auto age = std::chrono::system_clock::now() - all[1].started;
  BOOST_TEST((age >= 0s && age < 1h));
  brokers.remove(0);
  wait_until([&] { return nodes_of(brokers[1]).size() == 1U; }, "one has taken its leave");
  BOOST_TEST(nodes_of(brokers[1])[0].id == brokers[1].id());
}

BOOST_AUTO_TEST_CASE(a_kick_reaches_all_nodes) {
  redis_brokers brokers(2);
  hub_node here(brokers.shared(0), peer_options().user("ann"));
  hub_node there(brokers.shared(1), peer_options().user("ann").labels({"guest"}));
  here.wait_ready();
  there.wait_ready();
  BOOST_TEST(here.hub.kick(selector::id(1)) == 1U);
  BOOST_TEST(here.hub.kick(selector::label("guest"), status{4001}, "no guests") == 0U);
  wait_until([&] { return there.heard() == names{"close 4001 no guests"}; }, "the other one is kicked");
  wait_until([&] { return here.heard() == names{"close 1008"}; }, "this one as well");
}

BOOST_AUTO_TEST_CASE(a_kick_reaches_a_node_that_was_deaf_at_the_time) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 1);
  brokers.add(proxy.url());
  hub_node here(brokers.shared(0)), there(brokers.shared(1), peer_options().user("ann"));
  here.wait_ready();
  there.wait_ready();
  proxy.close();
  wait_until([&] { return there.hub.state() == hub_state::degraded; }, "it is noticed");
  here.hub.kick(selector::user("ann"));
  proxy.open();
  wait_until([&] { return there.heard() == names{"close 1008"}; }, "it is kicked");
}

BOOST_AUTO_TEST_CASE(history_has_a_size_and_an_age) {
  redis_brokers brokers(1);
  node n(brokers[0]);
  const auto brief = history_limits().size(3).ttl(300ms);
  position last;
  for (int i = 1; i <= 5; ++i) last = n.publish("a", say(std::to_string(i)).history(brief));
  const auto keys = shared_redis().ask({"XLEN", brokers.prefix() + "log:{:a}"});
  BOOST_TEST(std::stoi(keys) <= 3);
  wait_until([&] { return n.history("a").entries.empty(); }, "it is too old");
  BOOST_TEST((n.history("a", last).found == continuity::whole));
  BOOST_TEST(n.publish("a", say("6").history(history_limits().size(3))).offset() == 6U);
  BOOST_TEST(n.history("a").entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_nobody_uses_is_forgotten_and_what_somebody_is_in_is_not) {
  redis_brokers brokers(1, redis_broker_options().idle_time(3s).history(history_limits().size(1).ttl(1ms)));
  node n(brokers[0]);
  n.subscribe("kept");
  const auto kept = n.publish("kept", say("1"));
  const auto left = n.publish("left", say("1"));
  const auto state = brokers.prefix() + "at:{:left}";
  wait_until([&] { return shared_redis().ask({"EXISTS", state}) == "0"; }, "it is forgotten");
  BOOST_TEST((n.history("left", left, 0).found == continuity::forked));
  BOOST_TEST((n.history("kept", kept, 0).found == continuity::whole));
}

BOOST_AUTO_TEST_SUITE_END()
