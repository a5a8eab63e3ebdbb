#include "hub/hub_fixture.hpp"
#include <coax/message_stream.hpp>

BOOST_AUTO_TEST_SUITE(hub_)

using namespace coax;
using namespace coax::test;

COAX_SCENARIO_TEST(a_message_reaches_the_members_of_its_topic) {
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  hub h;
  peer in1 = h.attach(a.accept()), in2 = h.attach(b.accept()), out = h.attach(c.accept());
  auto m1 = in1.join("lobby"), m2 = in2.join("lobby"), m3 = out.join("other");

  const auto handed = h.publish_text("lobby", "hello");
  const auto nobody = h.publish_text("nowhere", "hello");
  h.publish("lobby", message_kind::binary, asio::buffer("\x01\x02", 2));
  co_await settle();

  BOOST_TEST(handed == 2u);
  BOOST_TEST(nobody == 0u);
  BOOST_TEST(a.receive() == std::string("\x81\x05hello\x82\x02\x01\x02"));
  BOOST_TEST(b.receive() == a.receive());
  BOOST_TEST(c.receive() == "");
}

COAX_SCENARIO_TEST(the_publisher_can_be_left_out) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept()), other = h.attach(b.accept());
  auto m1 = me.join("lobby"), m2 = other.join("lobby");

  const auto handed = h.publish_text("lobby", "from me", publish_options().except(me));
  me.send_text("to me");
  const auto not_a_member = h.publish_text("lobby", "x", publish_options().except(peer()));
  co_await settle();

  BOOST_TEST(handed == 1u);
  BOOST_TEST(not_a_member == 2u);
  COAX_CHECK_FRAMES(a.frames(), names({"to me", "x"}));
  COAX_CHECK_FRAMES(b.frames(), names({"from me", "x"}));
}

COAX_SCENARIO_TEST(join_leave_publish_and_send_take_effect_in_the_order_of_the_calls) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());

  h.publish_text("one", "before");
  auto one = me.join("one");
  h.publish_text("one", "1");
  me.send_text("direct");
  auto two = me.join("two");
  h.publish_text("two", "2");
  h.publish_text("one", "3");
  two.leave();
  h.publish_text("two", "after leaving");
  one = me.join("two");
  h.publish_text("one", "after leaving");
  h.publish_text("two", "4");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"1", "direct", "2", "3", "4"}));
}

COAX_SCENARIO_TEST(what_was_published_before_leaving_still_comes) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto topic = me.join("topic");

  h.publish_text("topic", "before");
  topic.leave();
  topic.leave();
  h.publish_text("topic", "after");
  co_await settle();

  BOOST_TEST(!topic);
  BOOST_TEST(topic.topic() == "");
  COAX_CHECK_FRAMES(a.frames(), names({"before"}));
}

COAX_SCENARIO_TEST(a_topic_joined_twice_is_left_with_the_last_handle) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());

  auto first = me.join("lobby");
  auto second = me.join("lobby");
  first = me.join("lobby");
  BOOST_TEST(h.publish_text("lobby", "once") == 1u);
  second.leave();
  BOOST_TEST(h.publish_text("lobby", "still") == 1u);
  first.leave();
  BOOST_TEST(h.publish_text("lobby", "gone") == 0u);
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"once", "still"}));
  BOOST_TEST(h.topics().empty());
}

COAX_SCENARIO_TEST(what_a_peer_gets_in_one_turn_leaves_in_one_write) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto joined = me.join("lobby");
  co_await settle();
  const auto before = a.near->calls();

  for (std::size_t i = 0; i != 100; ++i) h.publish_text("lobby", text(i));
  co_await settle();

  BOOST_TEST(a.near->calls() - before == 1u);
  COAX_CHECK_FRAMES(a.frames(), numbers(0, 100));
}

COAX_SCENARIO_TEST(a_backlog_leaves_in_one_write_when_the_socket_has_room_again) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits());
  for (std::size_t i = 0; i != 100; ++i) me.send_text(text(i));
  co_await settle();
  const auto before = a.near->calls();

  a.near->unstall();
  co_await settle();

  BOOST_TEST(a.near->calls() - before == 2u);  // the primer, then the rest
  COAX_CHECK_FRAMES(a.frames(), numbers(0, 100, {"primer"}));
}

COAX_SCENARIO_TEST(messages_larger_than_a_batch_arrive_whole_and_in_order) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto joined = me.join("lobby");
  const std::string large(150'000, 'l'), medium(20'000, 'm');

  h.publish_text("lobby", "first");
  h.publish_text("lobby", large);
  h.publish_text("lobby", medium);
  h.publish_text("lobby", "last");
  names got;
  for (int i = 0; i != 10; ++i) {
    co_await settle();
    for (auto& f : a.frames()) got.push_back(std::move(f));
  }

  BOOST_TEST((got == names{"first", large, medium, "last"}));
  BOOST_TEST(h.stats().delivered == 4u);
}

COAX_SCENARIO_TEST(stats_and_topics_count) {
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h;
  peer one = h.attach(a.accept());
  auto lobby = one.join("lobby");
  {
    peer two = h.attach(b.accept());
    auto also_lobby = two.join("lobby");
    h.publish_text("lobby", "both");
    two.send_text("two");

    BOOST_TEST(h.stats().peers == 2u);
    BOOST_TEST(h.stats().queued == 3u);
    BOOST_TEST(h.topics().front().name == "lobby");
    BOOST_TEST(h.topics().front().members == 2u);
    co_await settle();
  }
  h.publish_text("lobby", "one");
  h.publish_text("nowhere", "nobody");
  co_await settle();

  const auto s = h.stats();
  BOOST_TEST(s.topics == 1u);
  BOOST_TEST(s.peers == 1u);
  BOOST_TEST(s.published == 3u);
  BOOST_TEST(s.delivered == 4u);
  BOOST_TEST(s.dropped == 0u);
  BOOST_TEST(s.queued == 0u);
  BOOST_TEST(s.disconnected == 0u);
  BOOST_TEST(h.topics().front().members == 1u);
}

COAX_SCENARIO_TEST(a_peer_reads_as_its_connection_does) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  BOOST_TEST(me.id() == 1u);
  a.send('\x81', "one");
  a.send('\x82', "two");
  a.send('\x88', "\x03\xe8");

  const auto first = co_await me.next();
  const auto second = co_await me.read();
  const auto end = co_await me.next();

  BOOST_TEST(first->text() == "one");
  BOOST_TEST(second.text() == "two");
  BOOST_TEST(!second.is_text());
  BOOST_TEST(!end.has_value());
  const auto later = co_await thrown<close_error>(me.read());
  BOOST_TEST((later && later->status() == status::normal));
  BOOST_TEST(me.connection().stats().messages_received == 2u);
}

COAX_CORO_TEST(only_open_connections_of_a_server_can_be_attached) {
  far_end a(ioc.get_executor());
  hub h;

  BOOST_CHECK_THROW(h.attach(conn()), std::invalid_argument);
  BOOST_CHECK_THROW(h.attach(a.accept({}, protocol::role::client)), std::invalid_argument);
  BOOST_TEST(h.stats().peers == 0u);
  co_return;
}

#ifndef NDEBUG
COAX_CORO_TEST(text_that_is_not_utf8_is_refused_in_debug_builds) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto joined = me.join("lobby");

  BOOST_CHECK_THROW(h.publish_text("lobby", "\xff"), std::invalid_argument);
  BOOST_CHECK_THROW(me.send_text("\xff"), std::invalid_argument);
  h.publish("lobby", message_kind::binary, asio::buffer("\xff", 1));
  co_await settle();
  COAX_CHECK_FRAMES(a.frames(), names({"\xff"}));
}
#endif

// There is no other message between the parts of one.
COAX_SCENARIO_TEST(what_has_waited_for_a_message_in_parts_comes_behind_it) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto joined = me.join("lobby");
  auto w = co_await me.connection().writer(message_kind::text);
  co_await w.write(asio::buffer("in parts", 8));
  h.publish_text("lobby", "1");
  me.send_text("2");
  co_await settle();
  COAX_CHECK_FRAMES(a.frames(), names());

  co_await w.finish();
  co_await settle();
  COAX_CHECK_FRAMES(a.frames(), names({"in parts", "1", "2"}));
  BOOST_TEST(h.stats().queued == 0u);

  {
    auto given_up = co_await me.connection().writer(message_kind::text);
    h.publish_text("lobby", "3");
    co_await settle();
    COAX_CHECK_FRAMES(a.frames(), names());
  }
  co_await settle();
  COAX_CHECK_FRAMES(a.frames(), names({"3"}));
}

BOOST_AUTO_TEST_SUITE_END()
