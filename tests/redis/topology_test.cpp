#include "redis/topology.hpp"

#include <boost/test/unit_test.hpp>

using namespace coax::redis;

namespace {

std::string show(std::string_view answer) {
  coax::protocol::resp_parser p;
  p.append(answer);
  const auto slots = parse_slots(*p.next(), endpoint("asked", "1"));
  if (!slots) return "none";
  std::string s;
  for (const auto& r : *slots)
    s += std::to_string(r.first) + "-" + std::to_string(r.last) + " " + r.master.name() + "; ";
  return s;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_answer_to_cluster_slots_is_read) {
  BOOST_TEST(
      show("*2\r\n"
           "*4\r\n:0\r\n:100\r\n*4\r\n+10.0.0.1\r\n:7000\r\n+id\r\n*0\r\n*4\r\n+10.0.0.2\r\n:7001\r\n+id\r\n*0\r\n"
           "*3\r\n:101\r\n:16383\r\n*3\r\n$0\r\n\r\n:7002\r\n+id\r\n") ==
      "0-100 10.0.0.1:7000; 101-16383 asked:7002; ");
  BOOST_TEST(show("*1\r\n*3\r\n:5\r\n:5\r\n*2\r\n$-1\r\n:7000\r\n") == "5-5 asked:7000; ");
  BOOST_TEST(show("*1\r\n*3\r\n:5\r\n:5\r\n*2\r\n+?\r\n:7000\r\n") == "");
  BOOST_TEST(show("*0\r\n") == "");
}

BOOST_AUTO_TEST_CASE(what_is_no_such_answer_is_none) {
  BOOST_TEST(show("-ERR no\r\n") == "none");
  BOOST_TEST(show("*1\r\n+x\r\n") == "none");
  BOOST_TEST(show("*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n+h\r\n:1\r\n") == "none");
  BOOST_TEST(show("*1\r\n*3\r\n:7\r\n:5\r\n*2\r\n+h\r\n:1\r\n") == "none");
  BOOST_TEST(show("*1\r\n*3\r\n:7\r\n:16384\r\n*2\r\n+h\r\n:1\r\n") == "none");
}

BOOST_AUTO_TEST_CASE(a_node_is_read_as_moved_names_it) {
  const endpoint asked("asked", "1");
  BOOST_TEST(parse_node("10.0.0.1:7000", asked)->name() == "10.0.0.1:7000");
  BOOST_TEST(parse_node("::1:7000", asked)->name() == "[::1]:7000");
  BOOST_TEST(parse_node(":7000", asked)->name() == "asked:7000");
  for (const auto* text : {"", "host", "host:", "host:x", "host:123456"})
    BOOST_TEST(!parse_node(text, asked).has_value());
}
