#include "protocol/close_frame.hpp"

#include "protocol/wire.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(close_frame_suite)

wire payload_of(unsigned code, std::string_view reason = {}) {
  const auto text = std::string{static_cast<char>(code >> 8), static_cast<char>(code)}.append(reason);
  return wire(bytes_of(text).begin(), bytes_of(text).end());
}

struct code_range {
  unsigned first, last;
  bool sendable;
};

// RFC 6455 section 7.4 and the IANA registry.
const code_range ranges[] = {
    {0, 999, false},     {1000, 1003, true}, {1004, 1006, false},  {1007, 1014, true},
    {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false},
};

BOOST_AUTO_TEST_CASE(every_status_is_taken_or_refused) {
  for (const auto& range : ranges)
    for (unsigned code = range.first; code <= range.last; ++code) {
      const auto parsed = parse_close(payload_of(code));

      BOOST_REQUIRE_MESSAGE(parsed.has_value() == range.sendable, code);
      if (parsed) {
        BOOST_REQUIRE(static_cast<unsigned>(parsed->code) == code);
      } else {
        BOOST_REQUIRE(parsed.error().status == status::protocol_error);
        BOOST_REQUIRE(parsed.error().text.find(std::to_string(code)) != std::string::npos);
      }
    }
}

BOOST_AUTO_TEST_CASE(an_empty_payload_has_no_status) {
  const auto parsed = parse_close({});

  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST((parsed->code == status::no_status));
  BOOST_TEST(parsed->reason == "");
}

BOOST_AUTO_TEST_CASE(a_payload_of_one_byte_is_a_breach) {
  const auto parsed = parse_close(hex("03"));

  BOOST_REQUIRE(parsed.has_error());
  BOOST_TEST((parsed.error().status == status::protocol_error));
  BOOST_TEST((parsed.error().code == errc::protocol_error));
}

BOOST_AUTO_TEST_CASE(a_reason_must_be_utf8) {
  const auto good = payload_of(1000, "gr\xc3\xbc\xc3\x9f");
  BOOST_REQUIRE(parse_close(good).has_value());
  BOOST_TEST(parse_close(good)->reason == "gr\xc3\xbc\xc3\x9f");
  for (const auto reason : {"\xff", "gr\xc3", "\xed\xa0\x80"}) {
    const auto bytes = payload_of(1000, reason);
    const auto parsed = parse_close(bytes);

    BOOST_REQUIRE(parsed.has_error());
    BOOST_TEST((parsed.error().status == status::invalid_data));
    BOOST_TEST((parsed.error().code == errc::invalid_utf8));
  }
}

BOOST_AUTO_TEST_CASE(what_was_encoded_is_parsed_back) {
  for (const auto& wanted : {close_frame{}, close_frame{status::normal, ""}, close_frame{status{4999}, "bye"},
                             close_frame{status::going_away, "a reason"}}) {
    std::array<std::byte, max_control_payload> out;

    const auto size = encode_close(out, wanted);
    const auto parsed = parse_close(std::span<const std::byte>(out).first(size));

    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST((parsed->code == wanted.code));
    BOOST_TEST(parsed->reason == wanted.reason);
  }
}

BOOST_AUTO_TEST_CASE(what_may_not_be_sent_is_refused_before_anything_is_written) {
  const std::string longest(max_close_reason, 'x'), too_long(max_close_reason + 1, 'x');
  const close_frame wrong[] = {
      {status::no_status, "reason"},
      {status::abnormal, ""},
      {status{1015}, ""},
      {status{999}, ""},
      {status{5000}, ""},
      {status::normal, too_long},
      {status::normal, "\xff"},
  };
  std::array<std::byte, max_control_payload> out;

  for (const auto& frame : wrong) BOOST_CHECK_THROW(encode_close(out, frame), std::invalid_argument);
  BOOST_TEST(encode_close(out, {status::normal, longest}) == max_control_payload);
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_between_two_characters) {
  const std::string ascii(200, 'x'), two = "\xc3\xa9";
  std::string accents = "x";
  while (accents.size() < 200) accents += two;
  std::string accents_even;
  while (accents_even.size() < 200) accents_even += two;

  BOOST_TEST(fit_reason("short") == "short");
  BOOST_TEST(fit_reason(ascii).size() == 123u);
  BOOST_TEST(fit_reason(accents).size() == 123u);
  BOOST_TEST(fit_reason(accents_even).size() == 122u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
