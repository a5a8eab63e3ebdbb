#include "redis/conversation.hpp"
#include "redis/scripts.hpp"
#include "support/redis_server.hpp"

BOOST_AUTO_TEST_SUITE(publish_script_, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

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

BOOST_AUTO_TEST_SUITE_END()
