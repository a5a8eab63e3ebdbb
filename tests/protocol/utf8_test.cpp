#include "protocol/utf8.hpp"

#include "protocol/wire.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(utf8)

/// By the definition: decode each character, then look at its value. Returns how many bytes, 0 if invalid, and tells
/// whether more bytes could mend it.
std::size_t naive_character(std::string_view s, bool& incomplete) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc0 || first > 0xf7) return 0;
  std::uint32_t lowest = first & (0xffu >> (length + 1)), highest = lowest;
  for (std::size_t i = 1; i != length; ++i) {
    const bool there = i < s.size();
    if (there && (at(i) & 0xc0) != 0x80) return 0;
    lowest = lowest << 6 | (there ? at(i) & 0x3fu : 0);
    highest = highest << 6 | (there ? at(i) & 0x3fu : 0x3fu);
  }
  const std::uint32_t shortest = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  if (highest < shortest || lowest > 0x10ffff || (lowest >= 0xd800 && highest <= 0xdfff)) return 0;
  incomplete = s.size() < length;
  return std::min(length, s.size());
}

struct answer {
  bool possible = true;  // may still become valid
  bool complete = true;
  bool operator==(const answer&) const = default;
};

answer naive(std::string_view s) {
  bool incomplete = false;
  while (!s.empty()) {
    const auto n = naive_character(s, incomplete);
    if (n == 0) return {false, false};
    s.remove_prefix(n);
  }
  return {true, !incomplete};
}

answer ours(std::string_view s, std::size_t piece) {
  utf8_validator v;
  for (std::size_t at = 0; at < s.size(); at += piece)
    if (!v.push(bytes_of(s.substr(at, piece)))) return {false, v.complete()};
  return {true, v.complete()};
}

BOOST_AUTO_TEST_CASE(well_known_texts_are_judged) {
  const std::pair<std::string_view, bool> rows[] = {
      {"", true},
      {"Hello", true},
      {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", true},  // κόσμε
      {"\xf0\x9f\x9a\x80", true},                              // U+1F680
      {"\xed\x9f\xbf", true},                                  // U+D7FF
      {"\xee\x80\x80", true},                                  // U+E000
      {"\xf4\x8f\xbf\xbf", true},                              // U+10FFFF
      {"\xf4\x90\x80\x80", false},                             // above it
      {"\xed\xa0\x80", false},                                 // a surrogate
      {"\xed\xbf\xbf", false},
      {"\xc0\xaf", false},  // overlong
      {"\xe0\x80\xaf", false},
      {"\xf0\x80\x80\xaf", false},
      {"\xe0\x9f\xbf", false},
      {"\xf0\x8f\xbf\xbf", false},
      {"\x80", false},
      {"\xfe", false},
      {"\xff", false},
      {"\xf5\x80\x80\x80", false},
      {"\xc3", false},  // cut short
      {"\xe2\x82", false},
      {"\xf0\x9f\x9a", false},
  };
  for (const auto& [text, valid] : rows) BOOST_TEST(is_valid_utf8(text) == valid, "row " << &text - &rows[0].first);
}

BOOST_AUTO_TEST_CASE(all_sequences_of_two_and_three_bytes_are_judged_as_by_a_naive_decoder) {
  std::string s(3, '\0');
  for (unsigned n = 0; n != 1u << 24; n += (n >> 16) < 0x80 ? 0x333 : 1) {
    s[0] = static_cast<char>(n >> 16);
    s[1] = static_cast<char>(n >> 8);
    s[2] = static_cast<char>(n);
    const bool wanted = naive(s).complete;
    if (is_valid_utf8(s) != wanted) BOOST_FAIL("three bytes " << n);
    if ((n & 0xff) == 0 && is_valid_utf8(s.substr(0, 2)) != naive(s.substr(0, 2)).complete) BOOST_FAIL("two " << n);
  }
}

BOOST_AUTO_TEST_CASE(sequences_of_four_bytes_are_judged_as_by_a_naive_decoder_at_all_borders) {
  const unsigned char borders[] = {0x00, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xbe, 0xbf, 0xc0, 0xff};
  for (unsigned first = 0xe0; first <= 0xff; ++first)
    for (const auto b : borders)
      for (const auto c : borders)
        for (const auto d : borders) {
          const std::string s{static_cast<char>(first), static_cast<char>(b), static_cast<char>(c),
                              static_cast<char>(d)};
          for (const std::size_t piece : {1u, 2u, 3u, 4u})
            if (ours(s, piece) != naive(s)) BOOST_FAIL("bytes " << first << ' ' << +b << ' ' << +c << ' ' << +d);
        }
}

BOOST_AUTO_TEST_CASE(random_texts_are_judged_as_by_a_naive_decoder_however_they_are_cut) {
  std::mt19937 random(7);
  const std::string_view parts[] = {"a",
                                    "plain ascii of some length",
                                    "\xc3\xa9",
                                    "\xe2\x82\xac",
                                    "\xf0\x9f\x9a\x80",
                                    "\xed\x9f\xbf",
                                    "\xe0\xa0\x80",
                                    "\xf4\x8f\xbf\xbf"};
  for (int round = 0; round != 20000; ++round) {
    std::string s;
    for (auto n = random() % 30; n != 0; --n) s += parts[random() % std::size(parts)];
    if (!s.empty() && random() % 2) s[random() % s.size()] = static_cast<char>(random());
    if (!s.empty() && random() % 4 == 0) s.pop_back();

    BOOST_REQUIRE_MESSAGE(ours(s, 1 + random() % 40) == naive(s), "round " << round);
  }
}

BOOST_AUTO_TEST_CASE(a_bad_byte_is_found_at_every_place_of_the_vector_loop) {
  for (std::size_t size = 1; size <= 100; ++size)
    for (std::size_t at = 0; at != size; ++at) {
      std::string s(size, 'x');
      s[at] = '\xff';
      BOOST_REQUIRE_MESSAGE(!is_valid_utf8(s), at << " of " << size);
    }
}

BOOST_AUTO_TEST_CASE(bytes_that_cannot_become_valid_fail_at_once) {
  const std::string_view rows[] = {"\xe0\x80", "\xed\xa0", "\xf4\x90", "\xf0\x8f",
                                   "\xc1",     "\xf5",     "\xe2(",    "\xf0\x9f("};
  for (const auto text : rows) {
    utf8_validator v;
    const auto all_but_last = text.substr(0, text.size() - 1);
    BOOST_TEST(v.push(bytes_of(all_but_last)));
    BOOST_TEST(!v.push(bytes_of(text.substr(text.size() - 1))));
  }
}

BOOST_AUTO_TEST_CASE(a_failure_lasts_until_the_reset) {
  utf8_validator v;

  BOOST_TEST(!v.push(bytes_of("\xff")));
  BOOST_TEST(!v.push(bytes_of("fine")));
  BOOST_TEST(!v.push({}));
  BOOST_TEST(!v.complete());

  v.reset();
  BOOST_TEST(v.push(bytes_of("fine")));
  BOOST_TEST(v.complete());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
