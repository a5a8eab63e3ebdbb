#include "hub/hub_fixture.hpp"

BOOST_AUTO_TEST_SUITE(lifetime_)

using namespace coax;
using namespace coax::test;

namespace {

struct lobby {
  coax::hub hub;
  names log;
};

// A handler as a user writes it: everything that comes is published, from the peer's own executor.
task<> relay(std::shared_ptr<lobby> l, conn c, std::string name) {
  try {
    peer me = l->hub.attach(std::move(c), queue_limits().messages(8));
    auto joined = me.join("lobby");
    while (auto m = co_await me.next()) l->hub.publish_text("lobby", m->text());
    l->log.push_back(name + " ended");
  } catch (const system_error& e) {
    l->log.push_back(name + (e.code() == errc::slow_consumer ? " was too slow" : " failed"));
  }
}

void spawn_relay(asio::io_context& ioc, const std::shared_ptr<lobby>& l, far_end& end, const std::string& name) {
  asio::co_spawn(ioc, relay(l, end.accept(), name), asio::detached);
}

}  // namespace

// The peer that publishes is the one that its own messages evict.
COAX_SCENARIO_TEST(a_handler_may_publish_while_it_is_being_closed) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  const auto l = std::make_shared<lobby>();
  spawn_relay(ioc, l, a, "a");
  spawn_relay(ioc, l, b, "b");
  co_await settle();
  a.near->stall();
  a.send('\x81', "primer");
  co_await settle();

  for (std::size_t i = 0; i != 20; ++i) a.send('\x81', text(i));
  co_await settle();
  for (std::size_t i = 0; i != 5; ++i) b.send('\x81', text(20 + i));
  co_await settle();
  a.near->unstall();
  co_await settle();
  a.send('\x88', "\x03\xf5");
  co_await settle();

  BOOST_TEST(l->hub.stats().disconnected == 1u);
  COAX_CHECK_FRAMES(l->log, names({"a was too slow"}));
  COAX_CHECK_FRAMES(a.frames(), names({"primer", "close 1013 slow consumer"}));
  COAX_CHECK_FRAMES(b.frames(), numbers(0, 25, {"primer"}));
}

COAX_SCENARIO_TEST(members_that_are_closed_by_a_message_do_not_disturb_its_delivery) {
  constexpr std::size_t count = 9;
  std::vector<std::unique_ptr<far_end>> ends;
  std::vector<peer> peers;
  std::vector<membership> parts;
  hub h;
  for (std::size_t i = 0; i != count; ++i) {
    ends.push_back(std::make_unique<far_end>(ioc.get_executor()));
    peers.push_back(h.attach(ends.back()->accept(), queue_limits().messages(1)));
    parts.push_back(peers.back().join("lobby"));
    if (i % 2 == 0) ends.back()->near->stall();
  }

  for (std::size_t i = 0; i != 5; ++i) {
    h.publish_text("lobby", text(i));
    co_await settle(3);
  }

  BOOST_TEST(h.stats().disconnected == 5u);
  BOOST_TEST(h.topics().front().members == 4u);
  for (std::size_t i = 1; i < count; i += 2) COAX_CHECK_FRAMES(ends[i]->frames(), numbers(0, 5));
}

COAX_SCENARIO_TEST(peers_and_memberships_may_go_while_messages_are_under_way) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  peer stays = h.attach(c.accept());
  auto m = stays.join("lobby");
  {
    peer one = h.attach(a.accept()), two = h.attach(b.accept());
    auto m1 = one.join("lobby"), m2 = two.join("lobby");
    h.publish_text("lobby", "1");
    auto part_outlives_peer = std::move(m1);
    one = peer();
    h.publish_text("lobby", "2");
  }
  h.publish_text("lobby", "3");
  co_await settle();

  COAX_CHECK_FRAMES(c.frames(), names({"1", "2", "3"}));
  a.receive();
  BOOST_TEST(a.ended);
  BOOST_TEST(h.stats().topics == 1u);
  BOOST_TEST(h.stats().peers == 1u);
}

COAX_SCENARIO_TEST(publish_options_may_outlive_their_peer) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  publish_options options;
  {
    peer me = h.attach(a.accept());
    auto joined = me.join("lobby");
    options.except(me);
  }
  peer other = h.attach(b.accept());
  auto joined = other.join("lobby");

  BOOST_TEST(h.publish_text("lobby", "hello", options) == 1u);
  co_await settle();

  COAX_CHECK_FRAMES(b.frames(), names({"hello"}));
}

BOOST_AUTO_TEST_CASE(a_hub_survives_the_io_context_with_everything_outstanding) {
  hub h;
  peer p;
  membership m;
  {
    asio::io_context ioc(1);
    far_end a(ioc.get_executor()), b(ioc.get_executor());
    spawn_relay(ioc, std::make_shared<lobby>(), b, "b");
    p = h.attach(a.accept());
    m = p.join("lobby");
    ioc.poll();
    a.near->stall();
    for (std::size_t i = 0; i != 50; ++i) h.publish_text("lobby", text(i));
    ioc.poll();
    for (std::size_t i = 0; i != 50; ++i) h.publish_text("lobby", text(i));
  }

  BOOST_TEST(h.publish_text("lobby", "to nobody") == 0u);
  p.send_text("to nobody");
  m = p.join("other");
  p.start_close();
  p = peer();

  // Another context, perhaps at the same address.
  asio::io_context ioc(1);
  far_end c(ioc.get_executor());
  p = h.attach(c.accept());
  m = p.join("lobby");
  BOOST_TEST(h.publish_text("lobby", "hello") == 1u);
  ioc.poll();
  COAX_CHECK_FRAMES(c.frames(), names({"hello"}));
}

BOOST_AUTO_TEST_CASE(a_publisher_that_waits_hears_that_the_executor_of_the_peer_is_gone) {
  asio::io_context mine(1);
  auto theirs = std::make_unique<asio::io_context>(1);
  hub h;
  far_end a(theirs->get_executor());
  peer p = h.attach(a.accept(), queue_limits().messages(1).on_full(overflow::block));
  auto m = p.join("lobby");
  theirs->poll();
  a.near->stall();
  const publish_options none;
  while (h.try_publish("lobby", message_kind::text, asio::buffer("x", 1))) theirs->restart(), theirs->poll();
  std::exception_ptr error;
  bool ended = false;
  asio::co_spawn(mine, h.publish_text("lobby", "waits", none, context()), [&](std::exception_ptr e, const position&) {
    ended = true;
    error = e;
  });
  for (int i = 0; i != 5; ++i) {
    mine.restart(), mine.poll();
    theirs->restart(), theirs->poll();
  }
  BOOST_TEST(!ended);

  theirs.reset();
  mine.restart();
  mine.poll();

  BOOST_TEST(ended);
  BOOST_REQUIRE(error);
  BOOST_CHECK_EXCEPTION(std::rethrow_exception(error), system_error,
                        [](const auto& e) { return e.code() == errc::shut_down; });
}

BOOST_AUTO_TEST_SUITE_END()
