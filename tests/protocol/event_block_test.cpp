#include "protocol/event_block.hpp"

#include "protocol/event_parser.hpp"
#include "protocol/event_vectors.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(event_blocks)

std::string block(const sse::event& e) {
  std::string out;
  append_event(out, e);
  return out;
}

BOOST_AUTO_TEST_CASE(an_event_is_written_field_by_field) {
  BOOST_TEST(block(sse::event("a")) == "data: a\n\n");
  BOOST_TEST(block(sse::event("")) == "data: \n\n");
  BOOST_TEST(block(sse::event("42").type("tick").id("7")) == "event: tick\ndata: 42\nid: 7\n\n");
  BOOST_TEST(block(sse::event("42").type("message")) == "data: 42\n\n");
  BOOST_TEST(block(sse::event("42").id("")) == "data: 42\nid: \n\n");
  BOOST_TEST(block(sse::event().id("7")) == "id: 7\n\n");
  BOOST_TEST(block(sse::event().type("tick")) == "");
}

BOOST_AUTO_TEST_CASE(each_line_of_the_data_is_a_line_of_its_own) {
  BOOST_TEST(block(sse::event("a\nb")) == "data: a\ndata: b\n\n");
  BOOST_TEST(block(sse::event("a\r\nb\rc")) == "data: a\ndata: b\ndata: c\n\n");
  BOOST_TEST(block(sse::event("\n\r\r\n")) == "data: \ndata: \ndata: \ndata: \n\n");
  BOOST_TEST(block(sse::event(": x\n\nid: 9\n\n")) == "data: : x\ndata: \ndata: id: 9\ndata: \ndata: \n\n");
}

BOOST_AUTO_TEST_CASE(comments_and_retry_stand_alone) {
  std::string out;
  append_comment(out, "");
  append_comment(out, "a\nb\r\nid: 1");
  append_retry(out, std::chrono::seconds(2));
  append_retry(out, std::chrono::milliseconds(-1));
  BOOST_TEST(out == ":\n\n: a\n: b\n: id: 1\n\nretry: 2000\n\nretry: 0\n\n");
}

BOOST_AUTO_TEST_CASE(nothing_gets_out_of_its_line) {
  sse::event e("data");
  e.type("before").id("before");
  using namespace std::string_literals;
  for (const auto& bad : {"a\nb"s, "\r"s, "a\0b"s, "x\n\ndata: y"s}) {
    BOOST_CHECK_THROW(e.id(bad), std::invalid_argument);
    BOOST_CHECK_THROW(e.type(bad), std::invalid_argument);
  }
  BOOST_TEST(e.id() == "before");
  BOOST_TEST(e.type() == "before");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_what_is_read) {
  std::mt19937 random(1);
  const auto text = [&](bool lines) {
    static constexpr std::string_view parts[] = {"a",  ":",  " ",   "data", "id: ", "\xc3\xa4", "\xef\xbb\xbf",
                                                 "\n", "\r", "\r\n"};
    std::string t;
    for (auto n = random() % 6; n != 0; --n) t += parts[random() % (lines ? 10 : 7)];
    return t;
  };
  const auto as_read = [](std::string_view s) {
    std::string lines;
    for (std::size_t i = 0; i != s.size(); ++i)
      if (s[i] != '\r')
        lines += s[i];
      else if (s.compare(i, 2, "\r\n") != 0)
        lines += '\n';
    return lines;
  };
  event_parser p;
  std::string last_id;
  for (int i = 0; i != 20'000; ++i) {
    sse::event e(text(true));
    if (random() % 2) e.type(text(false));
    if (random() % 2) e.id(last_id = text(false));
    const auto written = block(e);
    std::string_view input = written;
    BOOST_REQUIRE(p.feed(input) == event_parser::verdict::event);
    const auto got = p.take();
    BOOST_TEST_REQUIRE(got.data() == as_read(e.data()));
    BOOST_TEST_REQUIRE(got.type() == (e.type().empty() ? "message" : e.type()));
    BOOST_TEST_REQUIRE(got.id() == last_id);
    BOOST_TEST_REQUIRE(input.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
