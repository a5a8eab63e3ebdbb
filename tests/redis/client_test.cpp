#include "redis/conversation.hpp"

#include <thread>

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

using redis::value;

const redis::script increment("return redis.call('INCRBY', KEYS[1], ARGV[1])");

}  // namespace

BOOST_AUTO_TEST_CASE(commands_are_answered_in_order_and_leave_together) {
  redis_server server;
  redis_conversation c(server.url());
  // The first command of a connection goes alone.
  c.ask(command("PING"));
  const auto writes = c.client->stats().writes;

  std::string replies;
  int open = 100;
  for (int i = 0; i < 100; ++i)
    c.client->send(command("INCR").key("n"), [&](const result<value>& r) {
      replies += text_of(r) + " ";
      --open;
    });
  BOOST_TEST(replies == "");
  c.until([&] { return open == 0; }, "all replies");

  std::string expected;
  for (int i = 1; i <= 100; ++i) expected += std::to_string(i) + " ";
  BOOST_TEST(replies == expected);
  BOOST_TEST(c.client->stats().commands_sent == 101u);
  BOOST_TEST(c.client->stats().writes == writes + 1);
  BOOST_TEST(c.client->stats().queued == 0u);
  BOOST_TEST(c.client->stats().queued_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(replies_of_all_kinds_arrive) {
  redis_server server;
  redis_conversation c(server.url());

  BOOST_TEST(c.ask(command("SET").key("k").arg("v")) == "OK");
  BOOST_TEST(c.ask(command("GET").key("k")) == "v");
  BOOST_TEST(c.ask(command("GET").key("none")) == "nil");
  BOOST_TEST(c.ask(command("HSET").key("h").arg("a").arg(1).arg("b").arg(2)) == "2");
  BOOST_TEST(c.ask(command("HGETALL").key("h")) == "[a 1 b 2]");
  BOOST_TEST(c.ask(command("INCR").key("h")).starts_with("!WRONGTYPE"));
  BOOST_TEST(c.ask(command("NOTHING")).starts_with("!ERR unknown command"));
  const std::string large(3'000'000, 'x');
  BOOST_TEST(c.ask(command("SET").key("large").arg(large)) == "OK");
  BOOST_TEST((c.ask(command("GET").key("large")) == large));
  c.client->send(command("SET").key("k").arg("unasked"), nullptr);
  BOOST_TEST(c.ask(command("GET").key("k")) == "unasked");
}

BOOST_AUTO_TEST_CASE(a_script_is_loaded_before_its_first_use_and_again_when_it_is_gone) {
  redis_server server;
  redis_conversation c(server.url());

  BOOST_TEST(c.ask(command(increment).key("n").arg(5)) == "5");
  BOOST_TEST(server.ask({"SCRIPT", "EXISTS", increment.sha1()}) == "1");
  server.ask({"SCRIPT", "FLUSH"});

  // All of a batch meet NOSCRIPT, and none overtakes another.
  std::string replies;
  int open = 20;
  for (int i = 0; i < 20; ++i)
    c.client->send(command(increment).key("n").arg(1), [&](const result<value>& r) {
      replies += text_of(r) + " ";
      --open;
    });
  c.until([&] { return open == 0; }, "all replies");
  std::string expected;
  for (int i = 6; i <= 25; ++i) expected += std::to_string(i) + " ";
  BOOST_TEST(replies == expected);
  BOOST_TEST(server.ask({"SCRIPT", "EXISTS", increment.sha1()}) == "1");
}

BOOST_AUTO_TEST_CASE(a_script_runs_for_a_user_who_may_not_load_it) {
  redis_server server;
  server.ask({"ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", "-script"});
  redis_conversation c("redis://limited:pw@" + server.address());
  BOOST_TEST(c.ask(command(increment).key("n").arg(5)) == "5");
  BOOST_TEST(c.ask(command(increment).key("n").arg(5)) == "10");
}

BOOST_AUTO_TEST_CASE(commands_wait_for_the_connection_and_no_longer_than_they_may) {
  redis_server server;
  server.kill();
  redis_conversation c(server.url(), impatient());

  std::string first, second;
  c.client->send(command("PING").expires_at(std::chrono::steady_clock::now() + 100ms),
                 [&](const result<value>& r) { first = text_of(r); });
  c.client->send(command("PING"), [&](const result<value>& r) { second = text_of(r); });
  c.until([&] { return !first.empty() && c.events->links["commands refused"] == 1; }, "the time is up");
  BOOST_TEST(first == "*" + make_error_code(errc::broker_unavailable).message());
  BOOST_TEST(second == "");
  BOOST_TEST(c.events->last_node == server.address());

  server.start();
  c.until([&] { return !second.empty(); }, "the other command is answered");
  BOOST_TEST(second == "PONG");
}

BOOST_AUTO_TEST_CASE(the_queue_has_its_limits) {
  redis_server server;
  server.kill();
  redis_conversation c(server.url(), impatient().queue_limit(2, 1 << 20));

  std::vector<std::string> replies;
  const auto keep = [&](const result<value>& r) { replies.push_back(text_of(r)); };
  for (int i = 0; i < 3; ++i) c.client->send(command("INCR").key("n"), keep);
  c.until([&] { return replies.size() == 1; }, "one is refused");
  BOOST_TEST(replies.front() == "*" + make_error_code(errc::broker_unavailable).message());
  BOOST_TEST(c.client->stats().queued == 2u);

  server.start();
  c.until([&] { return replies.size() == 3; }, "the others are answered");
  BOOST_TEST(replies[1] == "1");
  BOOST_TEST(replies[2] == "2");

  redis_conversation small(server.url(), redis_options().queue_limit(100, 1000));
  BOOST_TEST(small.ask(command("SET").key("k").arg(std::string(2000, 'x'))) ==
             "*" + make_error_code(errc::broker_unavailable).message());
}

BOOST_AUTO_TEST_CASE(close_ends_everything_with_an_error) {
  redis_server server;
  server.kill();
  redis_conversation c(server.url(), impatient());

  std::vector<std::string> replies;
  const auto keep = [&](const result<value>& r) { replies.push_back(text_of(r)); };
  c.client->send(command("PING"), keep);
  c.client->send(command("PING"), keep);
  c.until([&] { return c.events->links["commands refused"] != 0; }, "refused");
  c.client.reset();
  c.until([&] { return replies.size() == 2; }, "both are cancelled");
  BOOST_TEST(replies[0] == "*" + make_error_code(errc::canceled).message());
  // Nothing is left that would keep it running.
  c.ioc.restart();
  c.ioc.run();
}

BOOST_AUTO_TEST_CASE(a_client_may_be_destroyed_inside_a_reply_and_an_event) {
  redis_server server;
  redis_conversation c(server.url());
  std::vector<std::string> replies;
  c.client->send(command("PING"), [&](const result<value>& r) {
    replies.push_back(text_of(r));
    c.client.reset();
  });
  c.client->send(command("PING"), [&](const result<value>& r) { replies.push_back(text_of(r)); });
  c.until([&] { return replies.size() == 2; }, "both replies");
  BOOST_TEST(replies[0] == "PONG");
  BOOST_TEST(replies[1] == "*" + make_error_code(errc::canceled).message());

  struct destroying final : redis::client_events {
    void on_message(channel_kind, std::string_view, std::string_view, std::string_view) override { client.reset(); }
    void on_subscribed(channel_kind, std::string_view) override { subscribed = true; }
    void on_lost(channel_kind, std::string_view) override {}
    void on_link(link_kind, link_event, std::string_view, std::string_view) override {}
    std::optional<redis::client> client;
    bool subscribed = false;
  };
  const auto events = std::make_shared<destroying>();
  events->client.emplace(c.ioc.get_executor(), server.url(), redis_options(), events);
  events->client->subscribe(channel_kind::plain, "c");
  c.until([&] { return events->subscribed; }, "subscribed");
  server.ask({"PUBLISH", "c", "x"});
  c.until([&] { return !events->client; }, "destroyed");
  c.ioc.restart();
  c.ioc.run();
}

BOOST_AUTO_TEST_CASE(everything_dies_with_the_io_context) {
  redis_server server;
  for (int steps = 0; steps < 60; ++steps) {
    const auto events = std::make_shared<redis_listener>();
    asio::io_context ioc(1);
    redis::client client(ioc.get_executor(), server.url(), redis_options(), events);
    client.subscribe(channel_kind::plain, "c");
    for (int i = 0; i < 3; ++i) client.send(command("PING"), [events](const result<value>&) {});
    for (int i = 0; i < steps && ioc.run_one_for(10ms) != 0; ++i) {
    }
  }
}

BOOST_AUTO_TEST_CASE(a_client_may_outlive_its_io_context) {
  redis_server server;
  const auto events = std::make_shared<redis_listener>();
  std::optional<redis::client> client;
  {
    asio::io_context ioc(1);
    client.emplace(ioc.get_executor(), server.url(), redis_options(), events);
    ioc.run_for(20ms);
  }
  client->send(command("PING"), nullptr);
  client.reset();
}

BOOST_AUTO_TEST_CASE(any_thread_may_send) {
  redis_server server;
  redis_conversation c(server.url());
  std::atomic<int> replies{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 250; ++i)
          c.client->send(command("INCR").key("n"), [&](const result<value>&) { ++replies; });
      });
    c.until([&] { return replies == 1000; }, "all replies");
  }
  BOOST_TEST(c.ask(command("GET").key("n")) == "1000");
}

BOOST_AUTO_TEST_CASE(a_url_that_is_wrong_is_refused_without_its_password) {
  asio::io_context ioc;
  try {
    redis::client c(ioc.get_executor(), "redis://me:secret@host/x", redis_options(), {});
    BOOST_FAIL("it was taken");
  } catch (const system_error& e) {
    const std::string what = e.what();
    BOOST_TEST((e.code() == errc::bad_url));
    BOOST_TEST(what.find("redis://host/x") != std::string::npos, what);
    BOOST_TEST(what.find("secret") == std::string::npos, what);
  }
}
