#include "protocol/event_parser.hpp"

#include "protocol/event_block.hpp"
#include "protocol/event_vectors.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <vector>

namespace coax::protocol {

static std::ostream& operator<<(std::ostream& out, const event_vector& v) { return out << v.rule; }

namespace {

BOOST_AUTO_TEST_SUITE(event_parsing)

using verdict = event_parser::verdict;

void feed(event_parser& p, std::string_view piece, std::string& told) {
  while (!piece.empty() && p.feed(piece) == verdict::event) told += describe(p.take());
}

std::string whole(std::string_view stream) {
  event_parser p;
  std::string told;
  feed(p, stream, told);
  return told + describe_end(p.last_event_id(), p.reconnection_time());
}

std::string in_pieces(std::string_view stream, std::size_t size) {
  event_parser p;
  std::string told;
  for (; !stream.empty(); stream.remove_prefix(std::min(size, stream.size()))) feed(p, stream.substr(0, size), told);
  return told + describe_end(p.last_event_id(), p.reconnection_time());
}

std::string split_at(std::string_view stream, std::size_t at) {
  event_parser p;
  std::string told;
  feed(p, stream.substr(0, at), told);
  feed(p, stream.substr(at), told);
  return told + describe_end(p.last_event_id(), p.reconnection_time());
}

BOOST_DATA_TEST_CASE(each_rule_holds_however_the_stream_is_cut, boost::unit_test::data::make(event_vectors()), v) {
  BOOST_TEST(whole(v.stream) == v.expected);
  for (std::size_t size = 1; size != 5; ++size) BOOST_TEST(in_pieces(v.stream, size) == v.expected);
  for (std::size_t at = 0; at <= v.stream.size(); ++at) BOOST_TEST(split_at(v.stream, at) == v.expected);
}

BOOST_AUTO_TEST_CASE(what_one_rule_does_the_next_one_does_not_undo) {
  // All streams behind each other, but those that count on their end or their beginning.
  std::string stream, events;
  for (const auto& v : event_vectors()) {
    const auto end = v.expected.rfind("last id");
    if (v.ends_whole && !v.stream.starts_with('\xef')) {
      stream += v.stream + "id\n\n";
      events += v.expected.substr(0, end);
    }
  }
  event_parser p;
  std::string told;
  feed(p, stream, told);
  BOOST_TEST(told == events);
}

BOOST_AUTO_TEST_CASE(a_new_connection_begins_with_the_last_event_id) {
  event_parser p;
  std::string told;
  feed(p, "id: 1\nretry: 7\ndata: a\n\nid: 2\nevent: lost\ndata: lost\n", told);
  p.restart();
  feed(p,
       "\xef\xbb\xbf"
       "data: b\n\n",
       told);
  p.restart();
  feed(p, "\n\n: nothing but an empty id\nid\n\ndata: c\n\n", told);

  BOOST_TEST(told == "message [a] id 1\nmessage [b] id 1\nmessage [c] id \n");
  BOOST_TEST(p.reconnection_time()->count() == 7);
}

BOOST_AUTO_TEST_CASE(a_seeded_id_is_that_of_the_events) {
  event_parser p;
  p.last_event_id("from a file");
  std::string told;
  feed(p, "data: a\n\n", told);
  BOOST_TEST(told == "message [a] id from a file\n");
}

BOOST_AUTO_TEST_CASE(an_event_is_handed_out_before_the_input_behind_it_is_looked_at) {
  event_parser p;
  std::string_view input = "data: a\r\rdata: b\r\r";

  BOOST_CHECK(p.feed(input) == verdict::event);
  BOOST_TEST(input == "data: b\r\r");
  BOOST_TEST(p.take().data() == "a");
}

event_parser limited(std::size_t line, std::size_t event) {
  event_parser::limits l;
  l.line = line;
  l.event = event;
  return event_parser(l);
}

verdict all_of(event_parser& p, std::string_view input) {
  auto v = verdict::need_more;
  while (!input.empty() && v != verdict::too_long) v = p.feed(input);
  return v;
}

BOOST_AUTO_TEST_CASE(a_line_may_be_as_long_as_its_limit) {
  for (const std::string start : {"data:", ":", "x", "id:", "retry:", "event:", "unknown:"}) {
    auto p = limited(20, 1000);
    const auto line = start + std::string(20 - start.size(), '1');
    BOOST_CHECK(all_of(p, line + "\n" + line + "\n") == verdict::need_more);
    BOOST_CHECK(all_of(p, line + "1") == verdict::too_long);
    BOOST_CHECK(all_of(p, "\n\n") == verdict::too_long);
    BOOST_TEST(p.error() != "");
  }
}

BOOST_AUTO_TEST_CASE(an_event_may_be_as_large_as_its_limit) {
  auto p = limited(1000, 10);
  BOOST_CHECK(all_of(p, "data: 1234\ndata: 6789\n\n") == verdict::event);
  BOOST_TEST(p.take().data() == "1234\n6789");
  BOOST_CHECK(all_of(p, "data: 1234\ndata: 678901\n") == verdict::too_long);
}

BOOST_AUTO_TEST_CASE(lines_without_a_value_do_not_grow_without_bound) {
  auto p = limited(1000, 10);
  std::string many;
  for (int i = 0; i != 20; ++i) many += "data\n";
  BOOST_CHECK(all_of(p, many) == verdict::too_long);
}

BOOST_AUTO_TEST_CASE(type_and_id_count_as_well) {
  auto p = limited(1000, 10);
  BOOST_CHECK(all_of(p, "event: 12345\ndata: 123456\n") == verdict::too_long);
  auto q = limited(1000, 10);
  BOOST_CHECK(all_of(q, "data: 12345\nid: 123456\n") == verdict::too_long);
}

BOOST_AUTO_TEST_CASE(a_new_connection_may_try_again_after_what_was_too_long) {
  auto p = limited(10, 10);
  BOOST_CHECK(all_of(p, "data: 12345678") == verdict::too_long);
  p.restart();
  BOOST_CHECK(all_of(p, "data: 1\n\n") == verdict::event);
}

// Quadratic work would take hours.
void feed_byte_by_byte(std::string_view start, std::size_t size, verdict at_end) {
  auto p = limited(size + 10, size);
  p.feed(start);
  bool taken = true;
  for (std::size_t i = 0; i != size; ++i) {
    std::string_view byte = "x";
    taken = taken && p.feed(byte) == verdict::need_more && byte.empty();
  }
  BOOST_TEST(taken);
  std::string_view end = "\n\n";
  BOOST_CHECK(p.feed(end) == at_end);
  if (at_end == verdict::event) BOOST_TEST(p.take().data().size() == size);
}

BOOST_AUTO_TEST_CASE(a_line_of_a_hundred_megabytes_comes_byte_by_byte) {
  feed_byte_by_byte("data:", 100'000'000, verdict::event);
  feed_byte_by_byte(":", 10'000'000, verdict::need_more);
  feed_byte_by_byte("unknown", 10'000'000, verdict::need_more);
}

// Each line is looked at once, however many there are in one piece and however they end.
BOOST_AUTO_TEST_CASE(a_hundred_thousand_short_lines_come_in_one_piece) {
  for (const std::string line : {"\r", "x\r", "x\n", "data\r\n"}) {
    std::string stream;
    for (int i = 0; i != 100'000; ++i) stream += line;
    auto p = limited(10, 1'000'000);
    BOOST_CHECK(all_of(p, stream) == verdict::need_more);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
