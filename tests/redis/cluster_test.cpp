#include "redis/conversation.hpp"

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

using redis::slot_of;
using redis::value;

// A key whose slot belongs to the node, as it was at the beginning: three masters, evenly.
std::string key_of(std::size_t node, const std::string& prefix = "key") {
  for (int i = 0;; ++i) {
    const auto key = prefix + std::to_string(i);
    if (slot_of(key) * 3u / 16384 == node) return key;
  }
}

bool has_said(const redis_server& server, const std::string& error) {
  return server.ask({"INFO", "errorstats"}).find("errorstat_" + error + ":") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_command_goes_to_the_node_of_its_slot) {
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  BOOST_TEST(c.client->cluster());
  for (std::size_t i = 0; i < 3; ++i) {
    const auto key = key_of(i);
    BOOST_TEST(c.ask(command("SET").key(key).arg("v")) == "OK");
    BOOST_TEST(redis.node(i).ask({"GET", key}) == "v");
  }
  BOOST_TEST(c.ask(command("PING")) == "PONG");
  BOOST_TEST(c.ask(command("MGET").key("{t}a").key("{t}b")) == "[nil nil]");
}

BOOST_AUTO_TEST_CASE(commands_and_channels_follow_a_slot_that_moves_in_order) {
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  const auto key = key_of(0);
  const auto slot = slot_of(key);
  const auto channel = "{" + key + "}channel";
  c.subscribe(channel, channel_kind::shard);
  BOOST_TEST(c.ask(command("RPUSH").key(key).arg("first")) == "1");

  // A stream of commands to one key, while its slot moves from node to node.
  int sent = 0;
  std::vector<std::string> replies;
  const auto send = [&](int n) {
    for (int i = 0; i < n; ++i)
      c.client->send(command("RPUSH").key(key).arg(++sent),
                     [&](const result<value>& r) { replies.push_back(text_of(r)); });
  };
  const auto turn = [&] {
    send(50);
    c.ioc.restart();
    c.ioc.run_for(5ms);
  };
  const auto answered = [&] {
    c.until([&] { return replies.size() == static_cast<std::size_t>(sent); }, "all replies");
  };
  std::size_t from = 0;
  for (const std::size_t to : {1u, 2u, 0u}) {
    turn();
    redis.begin_move(slot, from, to);
    turn();
    redis.move_keys(slot, from, to);
    turn();
    answered();
    BOOST_TEST(has_said(redis.node(from), "ASK"));
    redis.end_move(slot, from, to);
    turn();
    answered();
    BOOST_TEST(has_said(redis.node(from), "MOVED"));
    from = to;
  }
  for (int i = 0; i < sent; ++i) BOOST_REQUIRE_EQUAL(replies[static_cast<std::size_t>(i)], std::to_string(i + 2));
  const auto list = c.ask(command("LRANGE").key(key).arg(0).arg(-1));
  std::string expected = "[first";
  for (int i = 1; i <= sent; ++i) expected += " " + std::to_string(i);
  BOOST_TEST(list == expected + "]");

  c.until([&] { return c.events->times_lost[channel] >= 1 && c.events->live.contains(channel); }, "subscribed anew");
  c.until_server([&] { return redis.node(0).ask({"SPUBLISH", channel, "x"}) == "1"; }, "where the slot is");
  c.until([&] { return !c.events->messages.empty(); }, "a message");
}

BOOST_AUTO_TEST_CASE(a_script_waits_while_its_keys_are_apart) {
  const redis::script both("return redis.call('INCR', KEYS[1]) .. ' ' .. redis.call('INCR', KEYS[2])");
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  const auto tag = "{" + key_of(0) + "}";
  const auto slot = slot_of(tag);
  BOOST_TEST(c.ask(command(both).key(tag + "a").key(tag + "b")) == "1 1");

  std::vector<std::string> replies;
  const auto send = [&] {
    for (int i = 0; i < 20; ++i)
      c.client->send(command(both).key(tag + "a").key(tag + "b"),
                     [&](const result<value>& r) { replies.push_back(text_of(r)); });
  };
  redis.begin_move(slot, 0, 1);
  redis.node(0).ask({"MIGRATE", "127.0.0.1", std::to_string(redis.node(1).port()), tag + "a", "0", "5000"});
  send();
  c.until_server([&] { return has_said(redis.node(0), "TRYAGAIN") || has_said(redis.node(1), "TRYAGAIN"); },
                 "TRYAGAIN");
  BOOST_TEST(replies.empty());
  redis.move_keys(slot, 0, 1);
  send();
  c.until([&] { return replies.size() == 40; }, "all replies");
  redis.end_move(slot, 0, 1);
  BOOST_TEST(c.ask(command(both).key(tag + "a").key(tag + "b")) == "42 42");
  std::ranges::sort(replies);
  BOOST_TEST((std::ranges::adjacent_find(replies) == replies.end()));
}

// ASKING is for the very next command, which must not be one that loads the script.
BOOST_AUTO_TEST_CASE(a_script_goes_where_ask_sends_it_at_the_first_try) {
  const redis::script counting("return redis.call('INCR', KEYS[1])");
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  const auto key = key_of(0);
  redis.begin_move(slot_of(key), 0, 1);
  BOOST_TEST(c.ask(command(counting).key(key)) == "1");
  BOOST_TEST(has_said(redis.node(0), "ASK"));
  BOOST_TEST(!has_said(redis.node(1), "MOVED"));
}

BOOST_AUTO_TEST_CASE(a_channel_follows_its_slot_though_nobody_sends_commands) {
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  const auto channel = key_of(1, "channel");
  const auto slot = slot_of(channel);
  c.subscribe(channel, channel_kind::shard);
  redis.begin_move(slot, 1, 2);
  redis.end_move(slot, 1, 2);
  c.until([&] { return c.events->times_lost[channel] == 1; }, "lost");
  c.until([&] { return c.events->live.contains(channel); }, "subscribed anew");
  BOOST_TEST(redis.node(2).ask({"SPUBLISH", channel, "x"}) == "1");
  c.until([&] { return !c.events->messages.empty(); }, "a message");
}

BOOST_AUTO_TEST_CASE(a_slot_that_does_not_rest_is_followed) {
  constexpr int moves = 60;
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  const auto key = key_of(0);
  const auto slot = slot_of(key);
  std::vector<std::string> replies, expected;
  for (int i = 0; i != moves; ++i) {
    const auto from = static_cast<std::size_t>(i % 3), to = (from + 1) % 3;
    c.client->send(command("INCR").key(key), [&](const result<value>& r) { replies.push_back(text_of(r)); });
    expected.push_back(std::to_string(i + 1));
    c.ioc.restart();
    c.ioc.poll();
    redis.begin_move(slot, from, to);
    redis.move_keys(slot, from, to);
    redis.end_move(slot, from, to);
  }
  c.until([&] { return replies.size() == moves; }, "all replies");
  BOOST_TEST(replies == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(many_shard_channels_are_spread_and_restored) {
  redis_cluster redis;
  redis_conversation c(redis.url(), impatient());
  for (int i = 0; i < 1000; ++i) c.client->subscribe(channel_kind::shard, "c" + std::to_string(i));
  c.client->subscribe(channel_kind::plain, "all");
  c.client->subscribe(channel_kind::pattern, "a*");
  c.until([&] { return c.events->live.size() == 1002; }, "subscribed to all");
  redis.node(0).ask({"PUBLISH", "all", "x"});
  c.until([&] { return c.events->messages.size() == 2; }, "twice the message");
  for (std::size_t i = 0; i < 3; ++i) redis.node(i).ask({"CLIENT", "KILL", "TYPE", "pubsub"});
  c.until([&] { return c.events->live.size() < 1002; }, "lost");
  c.until([&] { return c.events->live.size() == 1002; }, "all restored");
  for (int i = 0; i < 1000; ++i) c.client->unsubscribe(channel_kind::shard, "c" + std::to_string(i));
  for (std::size_t i = 0; i < 3; ++i)
    c.until_server([&] { return redis.node(i).ask({"PUBSUB", "SHARDCHANNELS"}).empty(); }, "unsubscribed");
}

BOOST_AUTO_TEST_CASE(a_replica_that_takes_over_is_found) {
  redis_cluster redis(3, 3);
  redis_conversation c(redis.url(), impatient());
  const auto key = key_of(1);
  const auto channel = "{" + key + "}channel";
  c.subscribe(channel, channel_kind::shard);
  BOOST_TEST(c.ask(command("SET").key(key).arg("v")) == "OK");
  c.until_server([&] { return redis.node(4).ask({"DBSIZE"}) == "1"; }, "replicated");

  redis.node(1).kill();
  std::string reply;
  c.client->send(command("GET").key(key).idempotent(), [&](const result<value>& r) { reply = text_of(r); });
  c.until([&] { return !reply.empty() && c.events->live.contains(channel); }, "all is well again");
  BOOST_TEST(reply == "v");
  BOOST_TEST(redis.owner_of(slot_of(key), 4) == 4u);
  BOOST_TEST(redis.node(4).ask({"SPUBLISH", channel, "x"}) == "1");
}

BOOST_AUTO_TEST_CASE(close_ends_what_has_no_node_yet) {
  redis_server server;
  server.kill();
  redis_conversation c(server.url() + "?cluster=1", impatient());
  std::vector<std::string> replies;
  const auto keep = [&](const result<value>& r) { replies.push_back(text_of(r)); };
  c.client->send(command("GET").key("a").expires_at(std::chrono::steady_clock::now() + 50ms), keep);
  c.client->send(command("GET").key("a"), keep);
  c.until([&] { return replies.size() == 1; }, "the time of the first is up");
  BOOST_TEST(replies[0] == "*" + make_error_code(errc::broker_unavailable).message());
  c.client.reset();
  c.until([&] { return replies.size() == 2; }, "cancelled");
  BOOST_TEST(replies[1] == "*" + make_error_code(errc::canceled).message());
  c.ioc.restart();
  c.ioc.run();
}
