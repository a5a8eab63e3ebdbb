#include "protocol/header_field.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(header_field_suite)

const header_field head[] = {
    {"Host", " example.com\t"}, {"Connection", "keep-alive, Upgrade"}, {"connection", ",, x ,"}, {"Empty", ""},
    {"Blank", " \t "},
};

BOOST_AUTO_TEST_CASE(names_are_compared_without_case) {
  BOOST_TEST(iequals("Sec-WebSocket-Key", "sec-websocket-KEY"));
  BOOST_TEST(!iequals("Host", "Hos"));
  BOOST_TEST(!iequals("[", "{"));
  BOOST_TEST(lower_case("AbZ[{") == "abz[{");
}

BOOST_AUTO_TEST_CASE(a_field_that_stands_there_once_is_found_and_trimmed) {
  BOOST_TEST(only_value(head, "HOST").value() == "example.com");
  BOOST_TEST(only_value(head, "empty").value() == "");
  BOOST_TEST(only_value(head, "blank").value() == "");
  BOOST_TEST(!only_value(head, "Connection").has_value());
  BOOST_TEST(!only_value(head, "Origin").has_value());
  BOOST_TEST(count(head, "CONNECTION") == 2u);
}

BOOST_AUTO_TEST_CASE(a_list_goes_over_repeated_fields_and_skips_empty_elements) {
  const auto elements = list_elements(head, "Connection");

  BOOST_TEST(elements == (std::vector<std::string_view>{"keep-alive", "Upgrade", "x"}),
             boost::test_tools::per_element());
  BOOST_TEST(list_elements(head, "Blank").empty());
  BOOST_TEST(has_token(head, "Connection", "upgrade"));
  BOOST_TEST(has_token(head, "Connection", "X"));
  BOOST_TEST(!has_token(head, "Connection", "keep"));
}

// One pass over a field: a second one for each blank or comma would not end before the watchdog.
BOOST_AUTO_TEST_CASE(a_list_without_end_is_read_in_one_pass) {
  constexpr std::size_t size = 2'000'000;
  const auto blanks = "b" + std::string(size, ' ') + "x";
  const auto commas = std::string(size, ',') + "x";
  std::string both;
  while (both.size() < size) both += " ,\t";
  const header_field fields[] = {{"A", blanks}, {"B", commas}, {"C", both}};

  BOOST_TEST(list_elements(fields, "A").front().size() == blanks.size());
  BOOST_TEST(list_elements(fields, "B").size() == 1u);
  BOOST_TEST(list_elements(fields, "C").empty());
  BOOST_TEST(!has_token(fields, "A", "b"));
}

BOOST_AUTO_TEST_CASE(names_must_be_tokens) {
  for (const auto name : {"X-Request-Id", "a", "!#$%&'*+-.^_`|~09azAZ"}) BOOST_TEST(valid_field_name(name));
  for (const std::string_view name : {"", "a b", "a:", "a\r\nb", "a\n", "\xc3\xa9", "(a)", "a/b", "a\x7f"})
    BOOST_TEST(!valid_field_name(name));
  BOOST_TEST(!valid_field_name(std::string_view("a\0b", 3)));
}

BOOST_AUTO_TEST_CASE(values_must_not_hold_controls) {
  for (const auto value : {"", "text/plain; charset=utf-8", "a\tb", "\xc3\xa9"}) BOOST_TEST(valid_field_value(value));
  for (int c = 0; c != 0x20; ++c) {
    const std::string value{'a', static_cast<char>(c), 'b'};
    BOOST_TEST(valid_field_value(value) == (c == '\t'));
  }
  BOOST_TEST(!valid_field_value("a\x7f"));
}

BOOST_AUTO_TEST_CASE(text_of_a_peer_is_made_printable) {
  BOOST_TEST(printable("a\x1b[31m\xff\n") == "a?[31m??");
  BOOST_TEST(printable(std::string(100, 'x')).size() == 80u);
  BOOST_TEST(in_quotes("a\nb") == "\"a?b\"");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
