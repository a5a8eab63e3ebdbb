#include "redis/conversation.hpp"
#include "support/certificates.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

void works(redis_conversation& c, const redis_server& server) {
  BOOST_TEST(c.ask(command("SET").key("k").arg("v")) == "OK");
  c.subscribe("a");
  server.ask({"PUBLISH", "a", "x"});
  c.until([&] { return c.events->messages.size() == 1; }, "a message");
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_unix_socket_serves_as_well) {
  redis_server server;
  redis_conversation c("redis+unix://" + server.socket_path() + "?db=3");
  works(c, server);
  BOOST_TEST(c.events->last_node == server.socket_path());
  BOOST_TEST(server.ask({"INFO", "keyspace"}).find("db3:keys=1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tls_is_verified) {
  const auto server = redis_server::with_tls();
  const auto url = "rediss://localhost:" + std::to_string(server->tls_port());
  {
    redis_conversation c(url, redis_options().tls(client_tls()));
    works(c, *server);
    const std::string large(2'000'000, 'x');
    BOOST_TEST(c.ask(command("SET").key("large").arg(large)) == "OK");
    BOOST_TEST((c.ask(command("GET").key("large")) == large));
  }
  {
    redis_conversation c(url, redis_options().ca_file((server->directory() / "ca.pem").string()));
    works(c, *server);
  }
  {
    redis_conversation c(url);
    c.until([&] { return c.events->links["commands refused"] == 1; }, "refused");
    BOOST_TEST(c.events->last_why.find("TLS") != std::string::npos, c.events->last_why);
  }
  {
    redis_conversation c(url, redis_options().insecure_skip_verify(true));
    works(c, *server);
  }
  asio::io_context ioc;
  BOOST_CHECK_THROW(redis::client(ioc.get_executor(), url, redis_options().ca_file("/nowhere.pem"), {}), system_error);
}

// What stands before a server may refuse who offers what it does not speak.
BOOST_AUTO_TEST_CASE(tls_does_not_offer_http) {
  asio::io_context ioc;
  asio::ip::tcp::acceptor a(ioc, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto tls = server_tls();
  bool offered = false, shaken = false;
  const auto note = [](SSL*, const unsigned char**, unsigned char*, const unsigned char*, unsigned, void* to) {
    *static_cast<bool*>(to) = true;
    return SSL_TLSEXT_ERR_NOACK;
  };
  SSL_CTX_set_alpn_select_cb(tls->native_handle(), note, &offered);
  std::optional<asio::ssl::stream<asio::ip::tcp::socket>> server;
  a.async_accept([&](const error_code& ec, asio::ip::tcp::socket s) {
    if (ec) return;
    server.emplace(std::move(s), *tls);
    server->async_handshake(asio::ssl::stream_base::server, [&](const error_code& e) { shaken = !e; });
  });
  redis_conversation c("rediss://localhost:" + std::to_string(a.local_endpoint().port()),
                       impatient().tls(client_tls()));
  c.until([&] { return ioc.poll(), shaken; }, "hands are shaken");
  BOOST_TEST(!offered);
}

BOOST_AUTO_TEST_CASE(users_and_passwords_are_shown_to_the_server_alone) {
  redis_server server;
  server.ask({"ACL", "SETUSER", "me", "on", ">p@ss/word", "~*", "&*", "+@all"});
  {
    redis_conversation c("redis://me:p%40ss%2Fword@" + server.address());
    works(c, server);
    BOOST_TEST(c.ask(command("ACL").arg("WHOAMI")) == "me");
  }
  redis_conversation c("redis://me:wrong@" + server.address(), impatient());
  c.until([&] { return c.events->links["commands refused"] == 1; }, "refused");
  BOOST_TEST(c.events->last_why.find("WRONGPASS") != std::string::npos, c.events->last_why);
  BOOST_TEST(c.events->last_why.find("wrong@") == std::string::npos, c.events->last_why);
}

BOOST_AUTO_TEST_CASE(a_password_alone_is_that_of_the_default_user) {
  redis_server server({"--requirepass", "secret"});
  server.login("", "secret");
  {
    redis_conversation c("redis://:secret@" + server.address() + "/2");
    works(c, server);
  }
  redis_conversation c(server.url(), impatient());
  c.until([&] { return c.events->links["commands refused"] == 1; }, "refused");
  BOOST_TEST(c.events->last_why.find("NOAUTH") != std::string::npos, c.events->last_why);
}

// As Redis 5 would, and old proxies.
BOOST_AUTO_TEST_CASE(without_hello_resp2_does) {
  redis_server server({"--requirepass", "secret", "--rename-command", "HELLO", ""});
  server.login("", "secret");
  redis_conversation c("redis://:secret@" + server.address() + "/1",
                       redis_options().ping_interval(100ms).reply_timeout(3s));
  works(c, server);
  BOOST_TEST(c.ask(command("HSET").key("h").arg("a").arg(1)) == "1");
  BOOST_TEST(c.ask(command("HGETALL").key("h")) == "[a 1]");
  BOOST_TEST(c.ask(command("GET").key("none")) == "nil");
  // Its PINGs are answered in the way of RESP2, or it would have been given up.
  c.ioc.restart();
  c.ioc.run_for(4s);
  BOOST_TEST(c.events->links["subscriptions down"] == 0);
}

BOOST_AUTO_TEST_CASE(the_connections_have_a_name) {
  redis_server server;
  redis_conversation c(server.url(), redis_options().client_name("node-7"));
  c.until_up();
  BOOST_TEST(c.ask(command("CLIENT").arg("GETNAME")) == "node-7");
}
