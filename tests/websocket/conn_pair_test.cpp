#include "support/run.hpp"
#include <coax/testing_conn.hpp>

using namespace coax;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(conn_pair)

BOOST_AUTO_TEST_CASE(messages_go_both_ways) {
  test::run([](asio::io_context& ioc) -> task<> {
    testing::conn_pair pair(ioc.get_executor());

    co_await pair.client.write_text("there");
    const auto there = co_await pair.server.read();
    co_await pair.server.write_text("and back");
    const auto back = co_await pair.client.read();

    BOOST_TEST(there.text() == "there");
    BOOST_TEST(back.text() == "and back");
  });
}

BOOST_AUTO_TEST_CASE(its_ends_agree_as_after_a_handshake) {
  asio::io_context ioc;
  const auto server = accept_options().subprotocols({"v2", "v1"}).deflate(deflate_mode::context_takeover);
  const auto client = dial_options().subprotocols({"v0", "v1", "v2"}).deflate(deflate_mode::context_takeover);

  const testing::conn_pair both(ioc.get_executor(), server, client);
  const testing::conn_pair one_sided(ioc.get_executor(), server);

  for (const auto* end : {&both.server, &both.client}) {
    BOOST_TEST(end->subprotocol() == "v2");
    BOOST_TEST(end->deflates());
  }
  for (const auto* end : {&one_sided.server, &one_sided.client}) {
    BOOST_TEST(end->subprotocol() == "");
    BOOST_TEST(!end->deflates());
  }
}

BOOST_AUTO_TEST_CASE(it_misbehaves_on_demand) {
  test::run([](asio::io_context& ioc) -> task<> {
    testing::conn_pair pair(ioc.get_executor(), {}, {}, testing::faults().max_read(1));

    co_await pair.client.write_text("byte by byte");
    const auto m = co_await pair.server.read();
    pair.server_end->reset();
    const auto broken = co_await pair.client.try_read();

    BOOST_TEST(m.text() == "byte by byte");
    BOOST_TEST(broken.has_error());
    BOOST_TEST((pair.client.closed().initiator == close_initiator::transport));
  });
}

BOOST_AUTO_TEST_SUITE_END()
