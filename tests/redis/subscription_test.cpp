#include "redis/conversation.hpp"

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> names(int n) {
  // Long enough that they do not go into one output.
  std::vector<std::string> v;
  for (int i = 0; i < n; ++i) v.push_back(std::string(50, '/') + std::to_string(i));
  return v;
}

}  // namespace

BOOST_AUTO_TEST_CASE(messages_come_by_channel_pattern_and_shard_channel) {
  redis_server server;
  redis_conversation c(server.url());
  c.subscribe("news");
  c.subscribe("n?ws", channel_kind::pattern);
  c.subscribe("shard", channel_kind::shard);

  BOOST_TEST(server.ask({"PUBLISH", "news", "hello"}) == "2");
  BOOST_TEST(server.ask({"SPUBLISH", "shard", "a\r\nb"}) == "1");
  c.until([&] { return c.events->messages.size() == 3; }, "all messages");
  using m = redis_listener::message;
  BOOST_TEST((c.events->messages ==
              std::vector<m>{{"", "news", "hello"}, {"n?ws", "news", "hello"}, {"", "shard", "a\r\nb"}}));
  BOOST_TEST(c.client->stats().messages == 3u);
}

BOOST_AUTO_TEST_CASE(subscribing_twice_is_once_and_unsubscribing_ends_it) {
  redis_server server;
  redis_conversation c(server.url());
  c.client->subscribe(channel_kind::plain, "a");
  c.client->subscribe(channel_kind::plain, "a");
  c.subscribe("a");
  BOOST_TEST(c.events->times_subscribed["a"] == 1);
  BOOST_TEST(server.ask({"PUBLISH", "a", "x"}) == "1");

  c.client->unsubscribe(channel_kind::plain, "a");
  c.client->unsubscribe(channel_kind::plain, "never");
  c.until_server([&] { return server.ask({"PUBSUB", "NUMSUB", "a"}) == "a\n0"; }, "unsubscribed");
  BOOST_TEST(c.client->stats().subscriptions == 0u);
  BOOST_TEST(c.events->times_lost["a"] == 0);

  // In all orders, also before the answers have come.
  for (int i = 0; i < 5; ++i) {
    c.client->subscribe(channel_kind::plain, "b");
    if (i % 2 == 0) c.ioc.poll();
    c.client->unsubscribe(channel_kind::plain, "b");
    if (i % 3 == 0) c.ioc.poll();
  }
  c.events->live.clear();
  c.subscribe("b");
  BOOST_TEST(server.ask({"PUBSUB", "NUMSUB", "b"}) == "b\n1");
  BOOST_TEST(c.client->stats().subscriptions == 1u);
  BOOST_TEST(c.client->stats().confirmed == 1u);
  // Within one turn: Redis is not even told, and the subscription holds.
  const int before = c.events->times_subscribed["b"];
  c.client->unsubscribe(channel_kind::plain, "b");
  c.client->subscribe(channel_kind::plain, "b");
  c.until([&] { return c.events->times_subscribed["b"] == before + 1; }, "told once more");
  BOOST_TEST(server.ask({"PUBSUB", "NUMSUB", "b"}) == "b\n1");
}

BOOST_AUTO_TEST_CASE(ten_thousand_subscriptions_are_restored_each_confirmed) {
  redis_server server;
  redis_conversation c(server.url(), impatient());
  const auto all = names(10'000);
  for (const auto& n : all) c.client->subscribe(channel_kind::plain, n);
  c.until([&] { return c.events->live.size() == all.size(); }, "subscribed to all");
  BOOST_TEST(server.ask({"PUBSUB", "NUMSUB", all.back()}) == all.back() + "\n1");

  for (int i = 0; i < 3; ++i) {
    server.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    c.until([&] { return c.events->times_lost[all.back()] == i + 1; }, "lost");
    c.until([&] { return c.events->live.size() == all.size(); }, "all restored");
    BOOST_TEST(c.client->stats().confirmed == all.size());
  }
  for (const auto& n : all) c.client->unsubscribe(channel_kind::plain, n);
  c.until_server([&] { return server.ask({"PUBSUB", "CHANNELS"}).empty(); }, "unsubscribed from all");
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_cut_all_the_time_recovers_each_time) {
  redis_server server;
  redis_conversation c(server.url(), impatient());
  for (const auto& n : names(100)) c.client->subscribe(channel_kind::plain, n);
  for (int i = 0; i < 20; ++i) {
    c.until([&] { return c.events->live.size() == 100; }, "all restored");
    server.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    c.until([&] { return c.events->live.empty(); }, "lost");
  }
  c.until([&] { return c.events->live.size() == 100; }, "all restored at the end");
  BOOST_TEST(c.events->links["subscriptions up"] == 21);
}

BOOST_AUTO_TEST_CASE(a_subscription_that_the_acl_forbids_does_not_hinder_the_others) {
  redis_server server;
  server.ask({"ACL", "SETUSER", "some", "on", ">pw", "~*", "+@all", "resetchannels", "&allowed*"});
  redis_conversation c("redis://some:pw@" + server.address());
  for (const auto* n : {"allowed1", "forbidden", "allowed2"}) c.client->subscribe(channel_kind::plain, n);
  c.until([&] { return c.events->live.size() == 2; }, "subscribed to what is allowed");
  BOOST_TEST(!c.events->live.contains("forbidden"));
  BOOST_REQUIRE(!c.events->refusals.empty());
  BOOST_TEST(c.events->refusals.front().find("NOPERM") != std::string::npos, c.events->refusals.front());

  server.ask({"ACL", "SETUSER", "some", "&forbidden"});
  c.until([&] { return c.events->live.contains("forbidden"); }, "subscribed when it is allowed");
}
