#include "protocol/inflater.hpp"

#include "protocol/deflater.hpp"
#include "protocol/wire_bytes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(inflater_test)

using namespace coax::protocol;
using namespace coax::protocol::test;
using namespace std::string_literals;

// RFC 7692 section 7.2.3, one line for each payload.
struct vector {
  const char* what;
  std::string payload;
  std::string message;
};

std::ostream& operator<<(std::ostream& os, const vector& v) { return os << v.what; }

const vector vectors[] = {
    {"7.2.3.1 one compressed block", "\xf2\x48\xcd\xc9\xc9\x07\x00"s, "Hello"},
    {"7.2.3.3 a block with no compression", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, "Hello"},
    {"7.2.3.4 a final block, and an empty one behind it", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, "Hello"},
    {"7.2.3.5 two blocks in one message", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s, "Hello"},
    {"7.2.3.6 an empty message", "\x00"s, ""},
    {"a final block and nothing behind it", "\xf3\x48\xcd\xc9\xc9\x07\x00"s.substr(0, 7), "Hello"},
    {"a final block whose end has been taken away", "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff\x01"s, "Hello"},
    {"whole empty blocks behind a final one", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00\x00\xff\xff\x00"s, "Hello"},
    {"an empty payload", "", ""},
};

BOOST_DATA_TEST_CASE(the_vectors_of_the_rfc_inflate, boost::unit_test::data::make(vectors), v) {
  inflater whole(15, true);

  BOOST_TEST(inflate(whole, v.payload) == v.message);
}

BOOST_DATA_TEST_CASE(it_does_not_matter_where_they_are_cut, boost::unit_test::data::make(vectors), v) {
  for (std::size_t cut = 0; cut <= v.payload.size(); ++cut) {
    for (const std::size_t room : {1, 2, 3, 100}) {
      inflater pieces(15, true);
      BOOST_TEST(inflate_pieces(pieces, {v.payload.substr(0, cut), v.payload.substr(cut)}, room) == v.message);
    }
  }
}

BOOST_AUTO_TEST_CASE(with_takeover_a_message_may_refer_to_the_one_before) {
  inflater i(15, true);

  BOOST_TEST(inflate(i, "\xf2\x48\xcd\xc9\xc9\x07\x00"s) == "Hello");
  BOOST_TEST(inflate(i, "\xf2\x00\x11\x00\x00"s) == "Hello");  // RFC 7692 7.2.3.2
}

BOOST_AUTO_TEST_CASE(without_takeover_it_may_not) {
  inflater i(15, false);

  BOOST_TEST(inflate(i, "\xf2\x48\xcd\xc9\xc9\x07\x00"s) == "Hello");
  BOOST_TEST(inflate(i, "\xf2\x00\x11\x00\x00"s) == "corrupt: invalid distance too far back");
}

BOOST_AUTO_TEST_CASE(a_final_block_does_not_end_the_window) {
  inflater i(15, true);

  BOOST_TEST(inflate(i, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s) == "Hello");
  BOOST_TEST(inflate(i, "\xf2\x00\x11\x00\x00"s) == "Hello");
}

BOOST_AUTO_TEST_CASE(a_window_outlives_a_rest) {
  inflater i(15, true);
  inflate(i, "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  const auto active = deflate_memory();

  i.rest();

  BOOST_TEST(!i.active());
  BOOST_TEST(i.resting_bytes() == 5u);
  BOOST_TEST(deflate_memory() <= active);
  BOOST_TEST(inflate(i, "\xf2\x00\x11\x00\x00"s) == "Hello");
}

BOOST_AUTO_TEST_CASE(within_a_message_there_is_no_rest) {
  inflater i(15, true);
  std::byte room[100];
  i.add(as_bytes("\xf2\x48"s), room);

  i.rest();

  BOOST_TEST(i.active());
}

BOOST_AUTO_TEST_CASE(without_takeover_nothing_is_held_between_messages) {
  inflater i(15, false);
  std::byte room[100];
  BOOST_TEST(!i.active());
  i.add(as_bytes("\xf2\x48"s), room);
  BOOST_TEST(i.active());

  i.add(as_bytes("\xcd\xc9\xc9\x07\x00"s), room);
  BOOST_TEST((i.finish(room).now == inflater::state::wants_input));

  BOOST_TEST(!i.active());
}

struct breach {
  std::string payload;
  const char* why;
};

std::ostream& operator<<(std::ostream& os, const breach& b) { return os << b.why; }

const breach breaches[] = {
    {"\x06"s, "invalid block type"},
    {"\x00\x05\x00\x05\x00\x48"s, "invalid stored block lengths"},
    {"\xf2\x00\x11\x00\x00"s, "invalid distance too far back"},
    {"\xf2\x48\xcd"s, "the message ends within a block"},
    {"\x00\x10\x00\xef\xff\x48\x65"s, "the message ends within a block"},
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\x48"s, "data after the final block"},
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\x05\x00"s, "data after the final block"},
    {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00"s, "the message ends within a block"},
};

BOOST_DATA_TEST_CASE(what_is_not_deflate_data_is_told_for_good, boost::unit_test::data::make(breaches), b) {
  for (std::size_t cut = 0; cut <= b.payload.size(); ++cut) {
    inflater i(15, true);
    BOOST_TEST(inflate_pieces(i, {b.payload.substr(0, cut), b.payload.substr(cut)}, 2) == "corrupt: "s + b.why);
    BOOST_TEST(inflate(i, "\xf2\x48\xcd\xc9\xc9\x07\x00"s) == "corrupt: "s + b.why);
  }
}

// 1 GiB of zeros, in about 1 MiB.
std::string bomb() {
  const std::string zeros(16 * 1024 * 1024, '\0');
  deflater d({4, 15, 8}, true);
  coax::detail::storage out;
  d.add(boost::asio::buffer(zeros), out);
  d.flush(out);
  const std::string part(reinterpret_cast<const char*>(out.data()), out.size());
  std::string all;
  for (int i = 0; i != 64; ++i) all += part;
  return all + '\0';
}

BOOST_AUTO_TEST_CASE(a_bomb_comes_out_in_steps_of_the_size_that_is_asked_for) {
  const auto payload = bomb();
  BOOST_TEST(payload.size() < 1100u * 1024);
  inflater i(15, false);
  std::vector<std::byte> room(32 * 1024);
  const auto before = deflate_memory();

  const auto first = i.add(as_bytes(payload), room);
  BOOST_TEST(first.produced == room.size());
  BOOST_TEST((first.now == inflater::state::has_output));
  BOOST_TEST(first.consumed < 4096u);
  BOOST_TEST(deflate_memory() - before <= 64u * 1024);

  std::size_t total = first.produced, taken = first.consumed;
  for (auto s = first; s.now == inflater::state::has_output;) {
    s = i.add(as_bytes(payload).subspan(taken), room);
    taken += s.consumed;
    total += s.produced;
  }
  for (auto s = i.finish(room);; s = i.finish(room)) {
    total += s.produced;
    if (s.now != inflater::state::has_output) break;
  }
  BOOST_TEST(total == std::size_t{1024} * 1024 * 1024);
  BOOST_TEST(deflate_memory() - before <= 64u * 1024);
}

BOOST_AUTO_TEST_SUITE_END()
