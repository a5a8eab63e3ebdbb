#include "redis/conversation.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

using redis::value;

const std::string in_doubt = "*" + make_error_code(errc::publication_in_doubt).message();

}  // namespace

BOOST_AUTO_TEST_CASE(a_killed_connection_is_made_anew) {
  redis_server server;
  redis_conversation c(server.url(), impatient());
  c.subscribe("a");
  c.subscribe("p*", channel_kind::pattern);
  c.ask(command("PING"));

  for (int round = 1; round <= 3; ++round) {
    server.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    c.until([&] { return c.events->times_lost["p*"] == round; }, "lost");
    BOOST_TEST(c.events->times_lost["a"] == round);
    c.until([&] { return c.events->live.size() == 2; }, "subscribed again");
    BOOST_TEST(c.events->times_subscribed["a"] == round + 1);
    server.ask({"PUBLISH", "a", "x"});
    c.until([&] { return c.events->messages.size() == static_cast<std::size_t>(round); }, "a message");
  }
  BOOST_TEST(c.events->links["subscriptions up"] == 4);
  BOOST_TEST(c.events->links["commands up"] == 1);

  server.ask({"CLIENT", "KILL", "TYPE", "normal"});
  BOOST_TEST(c.ask(command("PING").idempotent()) == "PONG");
  c.until([&] { return c.events->links["commands up"] == 2; }, "connected again");
}

BOOST_AUTO_TEST_CASE(what_was_sent_and_not_answered_is_in_doubt_or_sent_again) {
  redis_server server;
  redis_conversation c(server.url(), impatient().reply_timeout(2s));
  c.until_up();
  c.ask(command("SET").key("n").arg(0));
  const auto before = c.events->links;

  // Sent to a server that does not answer; its answers go to a connection that is gone by then.
  server.freeze();
  std::vector<std::string> replies(4);
  for (int i = 0; i < 4; ++i) {
    command incr("INCR");
    incr.key("n");
    if (i >= 2) incr.idempotent();
    c.client->send(std::move(incr),
                   [&replies, i](const result<value>& r) { replies[static_cast<std::size_t>(i)] = text_of(r); });
  }
  c.until([&] { return c.events->again("commands down", before); }, "noticed");
  BOOST_TEST(c.events->last_why.find("answer") != std::string::npos, c.events->last_why);
  BOOST_TEST(replies[0] == in_doubt);
  BOOST_TEST(replies[1] == in_doubt);
  BOOST_TEST(replies[2] == "");

  server.unfreeze();
  c.until([&] { return !replies[3].empty(); }, "the idempotent ones are answered");
  // They may have been executed twice, in order.
  BOOST_TEST(std::stoi(replies[3]) == std::stoi(replies[2]) + 1);
  BOOST_TEST(std::stoi(replies[3]) >= 2);
}

BOOST_AUTO_TEST_CASE(a_frozen_server_is_noticed_without_any_command) {
  redis_server server;
  redis_conversation c(server.url(), impatient().ping_interval(100ms).reply_timeout(2s).connect_timeout(2s));
  c.subscribe("a");
  c.until_up();

  const auto before = c.events->links;
  server.freeze();
  c.until([&] { return c.events->again("commands down", before) && c.events->again("subscriptions down", before); },
          "noticed");
  c.until([&] { return c.events->again("commands refused", before); }, "it cannot be reached");
  BOOST_TEST(c.events->live.empty());

  server.unfreeze();
  c.until([&] { return c.events->live.contains("a"); }, "subscribed again");
  BOOST_TEST(c.ask(command("PING")) == "PONG");
}

BOOST_AUTO_TEST_CASE(a_restarted_server_is_found_again) {
  redis_server server;
  redis_conversation c(server.url(), impatient());
  c.subscribe("a");
  server.kill();
  c.until([&] { return c.events->links["commands refused"] == 1; }, "it cannot be reached");
  std::string reply;
  c.client->send(command("PING"), [&](const result<value>& r) { reply = text_of(r); });
  server.start();
  c.until([&] { return !reply.empty() && c.events->live.contains("a"); }, "all is well again");
  BOOST_TEST(reply == "PONG");
}

BOOST_AUTO_TEST_CASE(a_reset_makes_new_connections_at_once) {
  redis_server server;
  redis_conversation c(server.url());
  c.subscribe("a");
  c.until_up();
  c.client->reset(link_kind::subscriptions);
  c.until([&] { return c.events->times_subscribed["a"] == 2; }, "subscribed again");
  BOOST_TEST(c.events->links["commands down"] == 0);
  c.client->reset(link_kind::commands);
  c.until([&] { return c.events->links["commands up"] == 2; }, "connected again");
  BOOST_TEST(c.events->times_subscribed["a"] == 2);
}

BOOST_AUTO_TEST_CASE(a_server_that_loads_or_is_a_replica_is_asked_again) {
  redis_server master;
  redis_server server({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  redis_conversation c(server.url(), impatient());
  std::string reply;
  c.client->send(command("SET").key("k").arg("v"), [&](const result<value>& r) { reply = text_of(r); });
  c.until([&] { return c.events->links["commands down"] >= 2; }, "READONLY, more than once");
  BOOST_TEST(reply == "");
  server.ask({"REPLICAOF", "NO", "ONE"});
  c.until([&] { return !reply.empty(); }, "it is a master");
  BOOST_TEST(reply == "OK");
}

BOOST_AUTO_TEST_CASE(what_is_no_redis_is_refused) {
  asio::io_context ioc;
  asio::ip::tcp::acceptor a(ioc, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::vector<asio::ip::tcp::socket> sockets;
  std::function<void()> accept = [&] {
    a.async_accept([&](const error_code& ec, asio::ip::tcp::socket s) {
      if (ec) return;
      sockets.push_back(std::move(s));
      asio::write(sockets.back(), asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
      accept();
    });
  };
  accept();
  redis_conversation c("redis://127.0.0.1:" + std::to_string(a.local_endpoint().port()), impatient());
  c.until([&] { return ioc.poll(), c.events->links["commands refused"] == 1; }, "refused");
  BOOST_TEST(c.events->last_why.find("RESP") != std::string::npos, c.events->last_why);
}
