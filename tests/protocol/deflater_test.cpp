#include "protocol/deflater.hpp"

#include "protocol/wire_bytes.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(deflater_test)

using namespace coax::protocol;
using namespace coax::protocol::test;
namespace data = boost::unit_test::data;

compressor_parameters with(unsigned level, unsigned window_bits, unsigned memory_level = 8) {
  return {static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(window_bits),
          static_cast<std::uint8_t>(memory_level)};
}

// One byte of room for each step, so that the decompressor has nothing to look back on but its window.
BOOST_DATA_TEST_CASE(each_window_and_level_keeps_within_its_window,
                     data::xrange(8, 16) * data::make({1, 2, 3, 4, 6, 9}) * data::make({false, true}), bits, level,
                     takeover) {
  deflater d(with(static_cast<unsigned>(level), static_cast<unsigned>(bits)), takeover);
  inflater i(static_cast<unsigned>(bits), takeover);
  for (const std::size_t size : {1u, 300u, 5000u, 40'000u}) {
    const auto text = prose(size, static_cast<unsigned>(size));
    const auto other = noise(size / 10);
    BOOST_TEST((inflate(i, deflate(d, text), 1) == text), size << " bytes");
    BOOST_TEST((inflate(i, deflate(d, other), 1) == other), size << " bytes of noise");
  }
}

BOOST_DATA_TEST_CASE(each_memory_level_works, data::xrange(1, 10) * data::make({2, 6}), memory, level) {
  deflater d(with(static_cast<unsigned>(level), 15, static_cast<unsigned>(memory)), true);
  inflater i(15, true);
  for (const std::size_t size : {10u, 1000u, 300'000u}) {
    const auto text = prose(size);
    BOOST_TEST((inflate(i, deflate(d, text)) == text));
  }
}

BOOST_AUTO_TEST_CASE(what_is_compressed_is_smaller) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), false);
    BOOST_TEST(deflate(d, prose(10'000)).size() < 5'000u, "level " << level);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_compressed_hardly_grows) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), false);
    BOOST_TEST(deflate(d, noise(100'000)).size() < 110'000u, "level " << level);
  }
}

BOOST_AUTO_TEST_CASE(with_takeover_a_repeated_message_costs_next_to_nothing) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), true);
    const auto text = prose(1000);
    const auto first = deflate(d, text);
    BOOST_TEST(deflate(d, text).size() < first.size() / 4, "level " << level);
  }
}

BOOST_AUTO_TEST_CASE(without_takeover_all_messages_are_alike) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), false);
    const auto text = prose(1000);
    const auto first = deflate(d, text);
    BOOST_TEST(deflate(d, text) == first);
    BOOST_TEST(!d.active());
  }
}

BOOST_AUTO_TEST_CASE(an_empty_message_is_one_byte) {
  for (const bool takeover : {false, true}) {
    deflater d(with(2, 15), takeover);
    inflater i(15, takeover);
    for (const std::string text : {"", "Hello", "", "", "Hello"}) {
      const auto payload = deflate(d, text);
      BOOST_TEST(inflate(i, payload) == text);
      if (text.empty()) BOOST_TEST(payload == std::string(1, '\0'));
    }
  }
}

BOOST_AUTO_TEST_CASE(pieces_are_one_message) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), true);
    inflater i(15, true);
    BOOST_TEST(inflate(i, deflate_pieces(d, {"", "He", "", "llo", ""})) == "Hello");
    BOOST_TEST(inflate(i, deflate_pieces(d, {"", ""})) == "");
    BOOST_TEST(inflate(i, deflate_pieces(d, {prose(70'000), noise(70'000)})) == prose(70'000) + noise(70'000));
  }
}

BOOST_AUTO_TEST_CASE(after_a_flush_the_receiver_has_all_that_was_added) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    for (const bool takeover : {false, true}) {
      deflater d(with(level, 15), takeover);
      inflater i(15, takeover);
      for (int message = 0; message != 3; ++message) {
        coax::detail::storage out;
        std::byte room[4096];
        for (const auto& part : {prose(2000), std::string("x"), noise(1000)}) {
          out.clear();
          d.add(boost::asio::buffer(part), out);
          d.flush(out);
          d.flush(out);
          const auto s = i.add({out.data(), out.size()}, room);
          BOOST_TEST(s.consumed == out.size());
          BOOST_TEST(std::string(reinterpret_cast<char*>(room), s.produced) == part);
        }
        out.clear();
        d.finish(out);
        BOOST_TEST(out.size() == 1u);
        BOOST_TEST(i.add({out.data(), out.size()}, room).produced == 0u);
        BOOST_TEST((i.finish(room).now == inflater::state::wants_input));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(after_a_reset_a_message_is_understood_by_who_knows_nothing) {
  for (const unsigned level : {1u, 2u, 3u, 6u}) {
    deflater d(with(level, 15), true);
    const auto text = prose(1000);
    deflate(d, text);

    d.reset();

    BOOST_TEST(!d.active());
    inflater fresh(15, true);
    BOOST_TEST(inflate(fresh, deflate(d, text)) == text);
  }
}

BOOST_AUTO_TEST_CASE(a_message_that_was_given_up_leaves_no_trace) {
  deflater d(with(2, 15), true);
  inflater i(15, true);
  BOOST_TEST(inflate(i, deflate(d, "Hello")) == "Hello");
  coax::detail::storage unsent;
  d.add(boost::asio::buffer(prose(100'000)), unsent);

  d.reset();

  BOOST_TEST(inflate(i, deflate(d, "Hello again")) == "Hello again");
}

BOOST_AUTO_TEST_CASE(contexts_are_recycled_within_the_thread) {
  const auto once = [] {
    deflater d(with(2, 12), false);
    inflater i(12, false);
    BOOST_TEST(inflate(i, deflate(d, prose(1000))) == prose(1000));
  };
  once();
  const auto before = deflate_memory();

  for (int i = 0; i != 10; ++i) once();

  BOOST_TEST(deflate_memory() == before);
}

BOOST_AUTO_TEST_SUITE_END()
