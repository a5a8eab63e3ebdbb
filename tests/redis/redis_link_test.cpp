#include "redis/redis_link.hpp"

#include "redis/command.hpp"
#include "redis/redis_names.hpp"
#include "redis/redis_wire.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(redis_links)

using namespace coax;
using namespace coax::detail;
using namespace std::chrono_literals;

namespace {

const steady::time_point start{1h};

}  // namespace

BOOST_AUTO_TEST_CASE(a_link_is_ready_when_a_probe_has_come_back_by_all_routes) {
  redis_link link(2s, 2);
  BOOST_TEST((link.state() == link_state::degraded));
  BOOST_TEST(link.poll(start, false).probe == 0U);
  const auto probe = link.poll(start, true).probe;
  BOOST_TEST(probe != 0U);
  BOOST_TEST(link.poll(start, true).probe == 0U);
  link.back(probe, 0, start);
  link.back(probe, 0, start);
  link.back(probe, 7, start);
  BOOST_TEST((link.state() == link_state::degraded));
  link.back(probe, 1, start + 1s);
  BOOST_TEST((link.state() == link_state::ready));
  BOOST_TEST((link.due(true) == start + 3s));
  BOOST_TEST(link.poll(start + 2s, true).probe == 0U);
  BOOST_TEST(link.poll(start + 3s, true).probe == probe + 1);
  BOOST_TEST((link.state() == link_state::ready));
}

BOOST_AUTO_TEST_CASE(a_probe_from_before_a_trouble_proves_nothing) {
  redis_link link(2s, 1);
  const auto probe = link.poll(start, true).probe;
  link.trouble();
  link.back(probe, 0, start);
  BOOST_TEST((link.state() == link_state::degraded));
  const auto next = link.poll(start, true).probe;
  link.back(probe, 0, start);
  BOOST_TEST((link.state() == link_state::degraded));
  link.back(next, 0, start);
  BOOST_TEST((link.state() == link_state::ready));
}

BOOST_AUTO_TEST_CASE(a_late_probe_is_a_trouble_and_told_once) {
  redis_link link(2s, 1);
  link.back(link.poll(start, true).probe, 0, start);
  const auto late = link.poll(start + 2s, true).probe;
  BOOST_TEST((link.due(true) == start + 4s));
  BOOST_TEST(!link.poll(start + 3s, true).late);
  BOOST_TEST(link.poll(start + 4s, true).late);
  BOOST_TEST((link.state() == link_state::degraded));
  BOOST_TEST(!link.poll(start + 4s, true).late);
  link.back(late, 0, start + 4s);
  BOOST_TEST((link.state() == link_state::degraded));
  BOOST_TEST(link.poll(start + 5s, true).probe == late + 1);
}

BOOST_AUTO_TEST_CASE(a_channel_names_its_topic) {
  const redis_names names("p:");
  for (const auto& topic :
       {std::string(), std::string("lobby"), std::string("a/b}"), std::string("}"), std::string("\0\n", 2)}) {
    BOOST_TEST((names.topic_of(names.channel(topic)) == topic));
    BOOST_TEST(!names.topic_of(names.log(topic)));
  }
  BOOST_TEST(!names.topic_of("p:topic:{:"));
  BOOST_TEST(!names.topic_of("q:topic:{:a}"));
  BOOST_CHECK_THROW(redis_names("a{b"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(all_names_of_a_topic_are_in_one_slot) {
  const redis_names names("p:");
  for (const std::string topic : {"", "lobby", "}", "{}", "a}:b"}) {
    const auto slot = redis::slot_of(names.channel(topic));
    for (const auto& name : {names.state(topic), names.log(topic), names.members(topic), names.users(topic),
                             names.sent(topic, "0123"), names.once(topic, "{k}")})
      BOOST_TEST(redis::slot_of(name) == slot, name);
  }
  BOOST_TEST(names.once("a}:b", "c") != names.once("a", "b}:c"));
}

BOOST_AUTO_TEST_CASE(a_filter_is_a_glob) {
  const redis_names names("p*:");
  struct row {
    const char* filter;
    const char* pattern;
  };
  const row rows[] = {
      {"a", "p\\*:topic:{:a}"}, {"#", "p\\*:topic:{:*}"},         {"a/#", "p\\*:topic:{:a*}"},
      {"+", "p\\*:topic:{:*}"}, {"a/+/b", "p\\*:topic:{:a/*/b}"}, {"a?[b]\\", "p\\*:topic:{:a\\?\\[b\\]\\\\}"},
      {"", "p\\*:topic:{:}"},   {"/", "p\\*:topic:{:/}"},         {"+/#", "p\\*:topic:{:**}"}};
  for (const auto& r : rows) BOOST_TEST(names.pattern(r.filter) == r.pattern);
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_nothing) {
  const publication what(prepared_message("hello"));
  const auto stored = to_hex(1) + to_hex(2) + pack(what);
  BOOST_REQUIRE(unpack(7, stored) != nullptr);
  const auto text_told = "e 7 " + stored;
  const auto told = parse_entry(text_told);
  BOOST_REQUIRE(told.has_value());
  BOOST_TEST(told->epoch == "e");
  BOOST_TEST(told->entry->previous() == 1U);
  BOOST_TEST(told->entry->tag() == 2U);
  for (std::size_t n = 0; n != stored.size() - std::size_t{5}; ++n) BOOST_TEST(!unpack(7, stored.substr(0, n)), n);
  auto sizes = stored;
  sizes[32 + 17] = '\x7f';
  BOOST_TEST(!unpack(7, sizes));
  for (const auto* text : {"", "e", "e 7", "e x 1", " 7 1"}) BOOST_TEST(!parse_entry(text + stored), text);
  BOOST_TEST(!parse_entry(std::string(position::max_epoch + 1, 'e') + " 7 " + stored));
  for (const auto* text : {"", "e", "e 7", "e 7 x", "e -7 1", " 7 1"}) BOOST_TEST(!parse_place(text), text);
  BOOST_TEST((parse_place("e 7 1f") == position("e", 7, 31)));
  BOOST_TEST(!parse_user("9 ann"));
  BOOST_TEST(!parse_member("L:1 5 9 ann"));
  BOOST_TEST(parse_member("L:1 5 3 annAnn")->who.data == "Ann");
}

BOOST_AUTO_TEST_SUITE_END()
