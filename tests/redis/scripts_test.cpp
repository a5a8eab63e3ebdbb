#include "redis/scripts.hpp"

#include "redis/conversation.hpp"
#include "support/redis_server.hpp"

BOOST_AUTO_TEST_SUITE(scripts, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;

namespace {

constexpr int window = 128;

// Appends the publication of that number, and returns the offset of its entry.
std::string publish(redis_conversation& c, int number) {
  redis::command publish(redis::publish_script());
  publish.key("{t}state").key("{t}log").key("{t}sent").key("{t}channel");
  publish.arg("epoch").arg("00000000000000aa").arg("body").arg(0).arg(1000).arg("0");
  publish.arg(60'000).arg(60'000).arg("PUBLISH").arg(number).arg(window);
  const auto place = c.ask(std::move(publish));
  const auto offset = place.find(' ') + 1;
  return place.substr(offset, place.find(' ', offset) - offset);
}

redis::command of_nodes(const redis::script& s) {
  redis::command c(s);
  c.key("{n}alive").key("{n}lost").key("{n}info");
  return c;
}

std::string renew(redis_conversation& c, const std::string& lease) {
  return c.ask(of_nodes(redis::lease_script()).arg(lease).arg("node " + lease).arg(60'000));
}

}  // namespace

// What a dead connection still delivers may be older than what has been answered since.
BOOST_AUTO_TEST_CASE(a_publication_is_one_entry_however_often_and_late_it_comes) {
  redis_server server;
  redis_conversation c(server.url());
  for (int n = 1; n <= window; ++n) BOOST_TEST(publish(c, n) == std::to_string(n));
  for (const int again : {window, 1, 77, 2}) BOOST_TEST(publish(c, again) == std::to_string(again));
  BOOST_TEST(publish(c, window + 1) == std::to_string(window + 1));
}

// A number whose bytes stand across two records of the memory.
BOOST_AUTO_TEST_CASE(numbers_are_told_apart_by_where_they_stand) {
  redis_server server;
  redis_conversation c(server.url());
  BOOST_TEST(publish(c, 0x01000000) == "1");
  BOOST_TEST(publish(c, 0x010000) == "2");
  BOOST_TEST(publish(c, 0x0100) == "3");
  BOOST_TEST(publish(c, 0x01) == "4");
  BOOST_TEST(publish(c, 0x0100) == "3");
}

BOOST_AUTO_TEST_CASE(the_members_of_a_lease_that_is_ended_are_for_the_next_that_renews_one) {
  redis_server server;
  redis_conversation c(server.url());
  BOOST_TEST(renew(c, "x") == "[0 []]");
  BOOST_TEST(renew(c, "y") == "[0 []]");
  BOOST_TEST(renew(c, "x") == "[1 []]");
  c.ask(of_nodes(redis::retire_script()).arg("x"));
  // It is taken out at once, by one alone, and does not come back.
  BOOST_TEST(renew(c, "y") == "[1 [x]]");
  BOOST_TEST(renew(c, "z") == "[0 []]");
  BOOST_TEST(renew(c, "x") == "[0 []]");
  c.ask(of_nodes(redis::farewell_script()).arg("x"));
  BOOST_TEST(c.ask(redis::command(redis::nodes_script()).key("{n}alive").key("{n}info")).find("node x") ==
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
