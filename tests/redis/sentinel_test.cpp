#include "redis/connect.hpp"
#include "redis/conversation.hpp"
#include "redis/sentinel_watch.hpp"

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

using redis::value;

namespace {

// That the Sentinels make of themselves: the master lives.
constexpr auto no_fail_over = 30s;

}  // namespace

BOOST_AUTO_TEST_CASE(a_message_of_switch_master_names_the_new_one) {
  const auto to = redis::switched_master("mymaster 10.0.0.1 6379 10.0.0.2 6380", "mymaster");
  BOOST_REQUIRE(to.has_value());
  BOOST_TEST(to->name() == "10.0.0.2:6380");
  BOOST_TEST(!redis::switched_master("other 10.0.0.1 6379 10.0.0.2 6380", "mymaster").has_value());
  BOOST_TEST(!redis::switched_master("mymaster 10.0.0.1", "mymaster").has_value());
  BOOST_TEST(!redis::switched_master("", "mymaster").has_value());
}

BOOST_AUTO_TEST_CASE(the_master_is_found_also_when_a_sentinel_is_dead) {
  redis_sentinels redis(no_fail_over);
  redis.sentinel(0).kill();
  redis_conversation c(redis.url(), impatient());
  BOOST_TEST(c.ask(command("SET").key("k").arg("v")) == "OK");
  BOOST_TEST(c.events->last_node == redis.master().address());
  BOOST_TEST(redis.master().ask({"GET", "k"}) == "v");
}

BOOST_AUTO_TEST_CASE(sentinels_have_credentials_of_their_own) {
  const redis_server master;
  const auto sentinel = redis_server::sentinel(master, 1);
  master.ask({"ACL", "SETUSER", "app", "on", ">secret of app", "allkeys", "allchannels", "+@all"});
  sentinel->ask({"ACL", "SETUSER", "watcher", "on", ">of the sentinel", "allchannels", "+@all"});
  sentinel->ask({"ACL", "SETUSER", "default", "off"});
  const auto url = "redis://app:secret%20of%20app@" + sentinel->address() + "?sentinel=mymaster";

  redis_conversation stranger(url, impatient());
  stranger.until([&] { return stranger.events->links["commands refused"] != 0; }, "refused by the Sentinel");
  BOOST_TEST(stranger.events->last_why.find("NOAUTH") != std::string::npos, stranger.events->last_why);

  redis_conversation c(url, impatient().sentinel_credentials("watcher", "of the sentinel"));
  BOOST_TEST(c.ask(command("ACL").arg("WHOAMI")) == "app");
  BOOST_TEST(c.events->last_node == master.address());
  sentinel->login("watcher", "of the sentinel");
  const auto listens = [&] {
    return sentinel->ask({"CLIENT", "LIST", "TYPE", "pubsub"}).find("user=watcher") != std::string::npos;
  };
  c.until_server(listens, "it listens for a new master");
}

BOOST_AUTO_TEST_CASE(a_fail_over_is_followed) {
  redis_sentinels redis;
  redis_conversation c(redis.url(), impatient());
  c.subscribe("a");
  BOOST_TEST(c.ask(command("SET").key("k").arg("v")) == "OK");
  const auto old = redis.master().address();

  redis.master().kill();
  std::string reply;
  c.client->send(command("SET").key("k").arg("new").idempotent(), [&](const result<value>& r) { reply = text_of(r); });
  c.until([&] { return !reply.empty() && c.events->live.contains("a"); }, "all is well again");
  BOOST_TEST(reply == "OK");
  BOOST_TEST(redis.master_address() == redis.replica().address());
  BOOST_TEST(c.events->last_node == redis.replica().address());
  redis.replica().ask({"PUBLISH", "a", "x"});
  c.until([&] { return c.events->messages.size() == 1; }, "a message of the new master");
}

BOOST_AUTO_TEST_CASE(a_planned_fail_over_is_heard_of) {
  redis_sentinels redis(no_fail_over);
  redis_conversation c(redis.url(), impatient());
  c.subscribe("a");
  c.ask(command("PING"));
  redis.sentinel().ask({"SENTINEL", "FAILOVER", "mymaster"});
  c.until_server([&] { return redis.master_address() == redis.replica().address(); }, "the fail-over");
  std::string reply;
  c.client->send(command("SET").key("k").arg("new").idempotent(), [&](const result<value>& r) { reply = text_of(r); });
  c.until([&] { return !reply.empty(); }, "the reply");
  BOOST_TEST(reply == "OK");
  c.until([&] { return c.events->last_node == redis.replica().address() && c.events->live.contains("a"); },
          "at the new master");
  c.until_server([&] { return redis.replica().ask({"PUBLISH", "a", "x"}) == "1"; }, "subscribed at the new master");
}
