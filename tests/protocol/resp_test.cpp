#include "protocol/resp.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace coax::protocol;
using namespace std::string_literals;

namespace {

std::string show(const resp_value& v) {
  switch (v.kind()) {
    case resp_kind::null: return "null";
    case resp_kind::text: return '"' + std::string(v.text()) + '"';
    case resp_kind::error: return "error " + std::string(v.text());
    case resp_kind::integer: return std::to_string(*v.integer());
    case resp_kind::real: return "real " + std::string(v.text());
    case resp_kind::boolean: return *v.integer() != 0 ? "true" : "false";
    case resp_kind::array:
    case resp_kind::map:
    case resp_kind::push: break;
  }
  std::string s = v.kind() == resp_kind::map ? "{" : v.kind() == resp_kind::push ? ">[" : "[";
  bool first = true;
  for (const auto element : v) {
    if (!std::exchange(first, false)) s += ' ';
    s += show(element);
  }
  return s + (v.kind() == resp_kind::map ? "}" : "]");
}

// What a parser makes of bytes that come in pieces.
std::vector<std::string> read(const std::vector<std::string>& pieces, const resp_limits& limits = {}) {
  resp_parser p(limits);
  std::vector<std::string> values;
  for (const auto& piece : pieces) {
    p.append(piece);
    while (const auto v = p.next()) values.push_back(show(*v));
  }
  if (p.error()) values.push_back(p.error()->text);
  return values;
}

struct vector_row {
  std::string bytes;
  std::string value;
};

const std::vector<vector_row> values{
    {"+OK\r\n", "\"OK\""},
    {"+\r\n", "\"\""},
    {"-ERR no such thing\r\n", "error ERR no such thing"},
    {":0\r\n", "0"},
    {":+7\r\n", "7"},
    {":-9223372036854775808\r\n", "-9223372036854775808"},
    {"$5\r\nhel\r\n\r\n", "\"hel\r\n\""},
    {"$0\r\n\r\n", "\"\""},
    {"$-1\r\n", "null"},
    {"*-1\r\n", "null"},
    {"_\r\n", "null"},
    {"#t\r\n", "true"},
    {"#f\r\n", "false"},
    {",3.25\r\n", "real 3.25"},
    {",inf\r\n", "real inf"},
    {"(3492890328409238509324850943850943825024385\r\n", "\"3492890328409238509324850943850943825024385\""},
    {"!9\r\nERR wrong\r\n", "error ERR wrong"},
    {"=9\r\ntxt:hello\r\n", "\"hello\""},
    {"=4\r\nmkd:\r\n", "\"\""},
    {"*0\r\n", "[]"},
    {"*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n*0\r\n", "[1 [\"a\" null] []]"},
    {"~2\r\n:1\r\n:2\r\n", "[1 2]"},
    {"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n", "{\"a\" 1 \"b\" [2]}"},
    {">3\r\n+message\r\n$1\r\nc\r\n$2\r\nhi\r\n", ">[\"message\" \"c\" \"hi\"]"},
    {"|1\r\n+ttl\r\n:3600\r\n+after\r\n", "\"after\""},
    {"|0\r\n:5\r\n", "5"},
    {"*2\r\n|1\r\n+k\r\n*2\r\n:1\r\n:2\r\n:10\r\n|1\r\n+k\r\n+v\r\n%1\r\n+x\r\n_\r\n", "[10 {\"x\" null}]"},
};

const std::vector<vector_row> breaches{
    {"?\r\n", "unknown type"},
    {"\r\n", "empty line"},
    {":1x\r\n", "an integer that is none"},
    {":\r\n", "an integer that is none"},
    {":9223372036854775808\r\n", "an integer that is none"},
    {":+-1\r\n", "an integer that is none"},
    {"#x\r\n", "a boolean that is none"},
    {"$-2\r\n", "a string whose size is none"},
    {"$?\r\n", "a string whose size is none"},
    {"=3\r\ntxt\r\n", "a string whose size is none"},
    {"$2\r\nabc\r\n", "does not end where it should"},
    {"*?\r\n", "an aggregate whose size is none"},
    {"%-1\r\n", "an aggregate whose size is none"},
    {"*99999999999\r\n", "too many elements"},
    {"%9223372036854775807\r\n", "too many elements"},
    {"$99999999999\r\n", "too long"},
    {"*1\r\n>0\r\n", "a push inside a value"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(each_type_is_read_however_it_is_cut) {
  for (const auto& row : values) {
    BOOST_TEST_CONTEXT(row.bytes) {
      const std::vector<std::string> expected{row.value};
      BOOST_TEST(read({row.bytes}) == expected, boost::test_tools::per_element());
      for (std::size_t at = 1; at < row.bytes.size(); ++at)
        BOOST_TEST(read({row.bytes.substr(0, at), row.bytes.substr(at)}) == expected, boost::test_tools::per_element());
      std::vector<std::string> single;
      for (const char c : row.bytes) single.emplace_back(1, c);
      BOOST_TEST(read(single) == expected, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(values_that_come_together_are_read_one_by_one) {
  std::string all;
  std::vector<std::string> expected;
  for (const auto& row : values) {
    all += row.bytes;
    expected.push_back(row.value);
  }
  BOOST_TEST(read({all}) == expected, boost::test_tools::per_element());
  for (std::size_t at = 1; at < all.size(); ++at)
    BOOST_TEST(read({all.substr(0, at), all.substr(at)}) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_breach_ends_the_reading_for_good) {
  for (const auto& row : breaches) {
    BOOST_TEST_CONTEXT(row.bytes) {
      const auto got = read({"+before\r\n" + row.bytes, "+OK\r\n"});
      BOOST_REQUIRE_EQUAL(got.size(), 2u);
      BOOST_TEST(got[0] == "\"before\"");
      BOOST_TEST(got[1].find(row.value) != std::string::npos, got[1]);
    }
  }
}

BOOST_AUTO_TEST_CASE(limits_hold_before_memory_is_taken) {
  resp_limits l;
  l.depth = 2;
  BOOST_TEST(read({"*1\r\n*1\r\n:1\r\n"}, l).front() == "[[1]]");
  BOOST_TEST(read({"*1\r\n*1\r\n*1\r\n"}, l).front().find("too deeply") != std::string::npos);

  l = {};
  l.elements = 8;
  BOOST_TEST(read({"*3\r\n*2\r\n:1\r\n:2\r\n:3\r\n:4\r\n"}, l).front() == "[[1 2] 3 4]");
  BOOST_TEST(read({"*3\r\n*3\r\n*3\r\n"}, l).front().find("too many") != std::string::npos);

  l = {};
  l.text = 10;
  BOOST_TEST(read({"$10\r\n0123456789\r\n"}, l).front() == "\"0123456789\"");
  BOOST_TEST(read({"$11\r\n"}, l).front().find("too long") != std::string::npos);
  BOOST_TEST(read({"+01234567890123"}, l).front().find("too long") != std::string::npos);

  l = {};
  l.value = 20;
  BOOST_TEST(read({"*2\r\n$10\r\n0123456789\r\n:1\r\n"}, l).front().find("too large") != std::string::npos);
  // Attributes in front of a value cannot go on for ever.
  BOOST_TEST(read({"|0\r\n|0\r\n|0\r\n|0\r\n|0\r\n|0\r\n:1\r\n"}, l).front().find("too large") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_value_answers_what_it_is_asked_and_is_empty_otherwise) {
  resp_parser p;
  p.append("%3\r\n+proto\r\n:3\r\n+role\r\n$6\r\nmaster\r\n+n\r\n$2\r\n42\r\n-MOVED 1 a:1\r\n");
  const auto map = *p.next();
  BOOST_TEST(map.size() == 6u);
  BOOST_TEST(*map.at("proto").integer() == 3);
  BOOST_TEST(map.at("role").text() == "master");
  BOOST_TEST(*map.at("n").integer() == 42);
  BOOST_TEST(map.at("master").is_null());
  BOOST_TEST(map[6].is_null());
  BOOST_TEST(map[1][0].is_null());
  BOOST_TEST(map[0].error_word() == "");
  BOOST_TEST(!map[0].integer().has_value());
  BOOST_TEST(!map.integer().has_value());
  BOOST_TEST(map.text() == "");

  const auto moved = *p.next();
  BOOST_TEST(moved.error_word() == "MOVED");
  BOOST_TEST(moved.size() == 0u);
  BOOST_TEST((moved.begin() == moved.end()));

  const resp_value none;
  BOOST_TEST(none.is_null());
  BOOST_TEST((none.begin() == none.end()));
}

BOOST_AUTO_TEST_CASE(a_long_string_says_how_much_is_missing) {
  resp_parser p;
  p.append("$1000\r\n" + std::string(10, 'x'));
  BOOST_TEST(!p.next().has_value());
  BOOST_TEST(p.wanted() == 992u);
  BOOST_TEST(!p.idle());
  p.append(std::string(990, 'x') + "\r\n");
  BOOST_TEST(p.next()->text() == std::string(1000, 'x'));
  BOOST_TEST(p.idle());
}

BOOST_AUTO_TEST_CASE(commands_are_written_as_arrays_of_bulk_strings) {
  std::string s;
  append_array_head(s, 2);
  append_bulk(s, "GET");
  append_bulk(s, "a\r\n"s);
  BOOST_TEST(s == "*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n");
  BOOST_TEST(read({s}).front() == "[\"GET\" \"a\r\n\"]");
}
