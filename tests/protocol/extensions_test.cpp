#include "protocol/extensions.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(extensions_test)

using namespace coax;
using namespace coax::protocol;
namespace data = boost::unit_test::data;

constexpr std::string_view field_name = "Sec-WebSocket-Extensions";

deflate_options takeover() { return deflate_options(deflate_mode::context_takeover); }
deflate_options alone() { return deflate_options(deflate_mode::no_context_takeover); }

std::string show(const std::vector<extension>& all) {
  std::string out;
  for (const auto& e : all) {
    out += '[' + (e.malformed ? std::string("malformed") : e.name);
    for (const auto& p : e.parameters)
      if (!e.malformed) out += ' ' + p.name + (p.value ? '=' + *p.value : "");
    out += ']';
  }
  return out;
}

struct row {
  std::string_view text;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& os, const row& r) { return os << r.text; }

const row grammar[] = {
    {"", ""},
    {" , ,", ""},
    {"a", "[a]"},
    {"a, b;c", "[a][b c]"},
    {" a ;\tb = 1 ; c=\"2\" ", "[a b=1 c=2]"},
    {"a;b=\"\\1\\5\"", "[a b=15]"},
    {"a;", "[malformed]"},
    {"a;;b", "[malformed]"},
    {"a;=1", "[malformed]"},
    {"a;b=", "[malformed]"},
    {"a;b=\"\"", "[malformed]"},
    {"a;b=\"1 2\"", "[malformed]"},
    {"a;b=\"1", "[malformed]"},
    {"a;b=\"1\\", "[malformed]"},
    {"a;b=\"1\"2", "[malformed]"},
    {"a b", "[malformed]"},
    {"a;b=1 2, c", "[malformed][c]"},
    {"a;b=\"x,y\", c", "[malformed][c]"},
    {"=, b", "[malformed][b]"},
    {"\"a\", b", "[malformed][b]"},
    {"a/b", "[malformed]"},
};

BOOST_DATA_TEST_CASE(the_grammar_is_taken_strictly, data::make(grammar), r) {
  const header_field fields[] = {{field_name, r.text}};

  BOOST_TEST(show(parse_extensions(fields)) == r.expected);
}

BOOST_AUTO_TEST_CASE(several_fields_are_one_list) {
  const header_field fields[] = {{"sec-websocket-extensions", "a, b"}, {"Host", "h"}, {field_name, "c;d=1"}};

  BOOST_TEST(show(parse_extensions(fields)) == "[a][b][c d=1]");
}

std::string chosen(std::string_view request, const deflate_options& ours) {
  const header_field fields[] = {{field_name, request}};
  const auto answer = choose_deflate(fields, ours);
  return answer ? answer->extension : "declined";
}

#define PMD "permessage-deflate"
#define SERVER_ALONE "; server_no_context_takeover"
#define CLIENT_ALONE "; client_no_context_takeover"
#define SERVER_BITS "; server_max_window_bits"
#define CLIENT_BITS "; client_max_window_bits"

const row offers[] = {
    {PMD, PMD},
    {PMD CLIENT_BITS, PMD},
    {PMD CLIENT_BITS "=8", PMD CLIENT_BITS "=8"},
    {PMD CLIENT_BITS "=15", PMD},
    {PMD CLIENT_BITS "=\"10\"", PMD CLIENT_BITS "=10"},
    {PMD SERVER_BITS "=8", PMD SERVER_BITS "=8"},
    {PMD SERVER_BITS "=15", PMD SERVER_BITS "=15"},
    {PMD SERVER_ALONE, PMD SERVER_ALONE},
    {PMD CLIENT_ALONE, PMD CLIENT_ALONE},
    {PMD CLIENT_BITS "=9" SERVER_BITS "=11" CLIENT_ALONE SERVER_ALONE,
     PMD SERVER_ALONE CLIENT_ALONE SERVER_BITS "=11" CLIENT_BITS "=9"},
    {"x-webkit-deflate-frame, " PMD, PMD},
    {PMD "; unknown, " PMD SERVER_ALONE, PMD SERVER_ALONE},
    {PMD SERVER_BITS ", " PMD, PMD},
    {PMD SERVER_BITS "=7", "declined"},
    {PMD SERVER_BITS "=16", "declined"},
    {PMD SERVER_BITS "=09", "declined"},
    {PMD SERVER_BITS "=+9", "declined"},
    {PMD SERVER_BITS "=9x", "declined"},
    {PMD SERVER_BITS, "declined"},
    {PMD SERVER_BITS "=9" SERVER_BITS "=9", "declined"},
    {PMD CLIENT_BITS "=7", "declined"},
    {PMD CLIENT_BITS "=16", "declined"},
    {PMD CLIENT_BITS CLIENT_BITS, "declined"},
    {PMD SERVER_ALONE "=1", "declined"},
    {PMD CLIENT_ALONE "=1", "declined"},
    {PMD SERVER_ALONE SERVER_ALONE, "declined"},
    {PMD CLIENT_ALONE CLIENT_ALONE, "declined"},
    {PMD "; Server_No_Context_Takeover", "declined"},
    {PMD ";", "declined"},
    {"permessage-bzip2", "declined"},
    {"", "declined"},
};

BOOST_DATA_TEST_CASE(a_server_takes_the_first_offer_that_it_can_honour, data::make(offers), r) {
  BOOST_TEST(chosen(r.text, takeover()) == r.expected);
}

BOOST_AUTO_TEST_CASE(a_server_adds_what_it_wants_itself) {
  BOOST_TEST(chosen(PMD, alone()) == PMD SERVER_ALONE CLIENT_ALONE);
  BOOST_TEST(chosen(PMD, takeover().server_no_context_takeover(true)) == PMD SERVER_ALONE);
  BOOST_TEST(chosen(PMD, takeover().client_no_context_takeover(true)) == PMD CLIENT_ALONE);
  BOOST_TEST(chosen(PMD, takeover().server_max_window_bits(10)) == PMD SERVER_BITS "=10");
  BOOST_TEST(chosen(PMD SERVER_BITS "=12", takeover().server_max_window_bits(10)) == PMD SERVER_BITS "=10");
  BOOST_TEST(chosen(PMD SERVER_BITS "=9", takeover().server_max_window_bits(10)) == PMD SERVER_BITS "=9");
  BOOST_TEST(chosen(PMD CLIENT_BITS, takeover().client_max_window_bits(10)) == PMD CLIENT_BITS "=10");
  BOOST_TEST(chosen(PMD CLIENT_BITS "=12", takeover().client_max_window_bits(10)) == PMD CLIENT_BITS "=10");
  BOOST_TEST(chosen(PMD CLIENT_BITS "=9", takeover().client_max_window_bits(10)) == PMD CLIENT_BITS "=9");
}

BOOST_AUTO_TEST_CASE(a_client_that_cannot_limit_itself_is_not_told_to) {
  const header_field fields[] = {{field_name, PMD}};
  const auto answer = choose_deflate(fields, takeover().client_max_window_bits(10));

  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->extension == PMD);
  BOOST_TEST(answer->agreement.client_max_window_bits == 15u);
}

BOOST_AUTO_TEST_CASE(a_server_that_does_not_compress_declines_everything) {
  BOOST_TEST(chosen(PMD, deflate_options()) == "declined");
}

BOOST_AUTO_TEST_CASE(a_client_offers_what_it_wants) {
  BOOST_TEST(deflate_offer(deflate_options()) == "");
  BOOST_TEST(deflate_offer(takeover()) == PMD CLIENT_BITS);
  BOOST_TEST(deflate_offer(alone()) == PMD SERVER_ALONE CLIENT_ALONE CLIENT_BITS);
  BOOST_TEST(deflate_offer(takeover().server_max_window_bits(9)) == PMD SERVER_BITS "=9" CLIENT_BITS);
  BOOST_TEST(deflate_offer(takeover().client_max_window_bits(9)) == PMD CLIENT_BITS "=9");
}

std::string agreed(std::string_view reply, const deflate_options& offered) {
  const header_field fields[] = {{field_name, reply}};
  const auto got = check_extensions(fields, offered);
  if (!got) return "failed: " + got.error().text;
  if (!*got) return "none";
  const auto& a = **got;
  return std::string(a.server_no_context_takeover ? "alone" : "takeover") + ' ' +
         std::to_string(a.server_max_window_bits) + " / " + (a.client_no_context_takeover ? "alone" : "takeover") +
         ' ' + std::to_string(a.client_max_window_bits);
}

const row replies[] = {
    {"", "none"},
    {PMD, "takeover 15 / takeover 15"},
    {PMD SERVER_ALONE, "alone 15 / takeover 15"},
    {PMD CLIENT_ALONE, "takeover 15 / alone 15"},
    {PMD SERVER_BITS "=8", "takeover 8 / takeover 15"},
    {PMD CLIENT_BITS "=8", "takeover 15 / takeover 8"},
    {PMD CLIENT_BITS "=\"9\"", "takeover 15 / takeover 9"},
    {PMD CLIENT_BITS, "failed: the server chose client_max_window_bits without a value (RFC 7692 7.1.2.2)"},
    {PMD SERVER_BITS "=7",
     "failed: the server chose permessage-deflate with the parameter \"server_max_window_bits\", which is unknown, "
     "repeated or has a wrong value (RFC 7692 7.1)"},
    {PMD SERVER_BITS "=16",
     "failed: the server chose permessage-deflate with the parameter \"server_max_window_bits\", which is unknown, "
     "repeated or has a wrong value (RFC 7692 7.1)"},
    {PMD SERVER_BITS "=1000",
     "failed: the server chose permessage-deflate with the parameter \"server_max_window_bits\", which is unknown, "
     "repeated or has a wrong value (RFC 7692 7.1)"},
    {PMD "; x=1",
     "failed: the server chose permessage-deflate with the parameter \"x\", which is unknown, repeated or has a wrong "
     "value (RFC 7692 7.1)"},
    {PMD ", " PMD, "failed: the server chose permessage-deflate twice (RFC 7692 5)"},
    {"x", "failed: the server chose the extension \"x\", which was not offered (RFC 6455 4.1)"},
    {PMD ";", "failed: the server's choice of extensions is malformed (RFC 6455 9.1)"},
};

BOOST_DATA_TEST_CASE(a_client_takes_nothing_but_an_answer_to_its_offer, data::make(replies), r) {
  BOOST_TEST(agreed(r.text, takeover()) == r.expected);
}

BOOST_AUTO_TEST_CASE(a_client_insists_on_what_it_asked_for) {
  BOOST_TEST(agreed(PMD, alone()) ==
             "failed: the server does not agree to server_no_context_takeover, which was "
             "offered (RFC 7692 7.1.1.1)");
  BOOST_TEST(agreed(PMD SERVER_ALONE, alone()) == "alone 15 / alone 15");
  const auto limited = takeover().server_max_window_bits(10).client_max_window_bits(11);
  BOOST_TEST(agreed(PMD, limited) ==
             "failed: the server does not agree to server_max_window_bits, which was offered "
             "(RFC 7692 7.1.2.1)");
  BOOST_TEST(agreed(PMD SERVER_BITS "=11", limited) ==
             "failed: the server chose server_max_window_bits=11 although 10 was offered (RFC 7692 7.1.2.1)");
  BOOST_TEST(agreed(PMD SERVER_BITS "=9", limited) == "takeover 9 / takeover 11");
  BOOST_TEST(agreed(PMD SERVER_BITS "=9" CLIENT_BITS "=10", limited) == "takeover 9 / takeover 10");
  BOOST_TEST(agreed(PMD SERVER_BITS "=9" CLIENT_BITS "=12", limited) ==
             "failed: the server chose client_max_window_bits=12 although 11 was offered (RFC 7692 7.1.2.2)");
}

BOOST_AUTO_TEST_CASE(without_an_offer_every_extension_is_one_too_many) {
  BOOST_TEST(agreed("", deflate_options()) == "none");
  BOOST_TEST(agreed(PMD, deflate_options()) == "failed: the server chose the extension \"" PMD
                                               "\", which was not offered (RFC 6455 4.1)");
}

BOOST_AUTO_TEST_CASE(each_offer_of_ours_is_answered_by_each_server_of_ours) {
  for (const auto& client : {takeover(), alone(), takeover().server_max_window_bits(8).client_max_window_bits(9),
                             alone().client_max_window_bits(8)}) {
    for (const auto& server : {takeover(), alone(), takeover().server_max_window_bits(12).client_max_window_bits(13),
                               takeover().server_max_window_bits(8).client_max_window_bits(8)}) {
      const auto offer = deflate_offer(client);
      const header_field request[] = {{field_name, offer}};
      const auto answer = choose_deflate(request, server);
      BOOST_REQUIRE(answer.has_value());
      const header_field reply[] = {{field_name, answer->extension}};
      const auto got = check_extensions(reply, client);
      BOOST_REQUIRE(got.has_value());
      BOOST_REQUIRE(got->has_value());
      // The client may keep to less than what was agreed on, never to more.
      BOOST_TEST((*got)->server_max_window_bits == answer->agreement.server_max_window_bits);
      BOOST_TEST((*got)->client_max_window_bits <= answer->agreement.client_max_window_bits);
      BOOST_TEST((*got)->server_no_context_takeover == answer->agreement.server_no_context_takeover);
      BOOST_TEST((*got)->client_no_context_takeover == answer->agreement.client_no_context_takeover);
    }
  }
}

BOOST_AUTO_TEST_CASE(options_refuse_what_there_is_not) {
  deflate_options o;
  BOOST_CHECK_THROW(o.server_max_window_bits(7), std::invalid_argument);
  BOOST_CHECK_THROW(o.client_max_window_bits(16), std::invalid_argument);
  BOOST_CHECK_THROW(o.level(0), std::invalid_argument);
  BOOST_CHECK_THROW(o.level(10), std::invalid_argument);
  BOOST_CHECK_THROW(o.memory_level(0), std::invalid_argument);
  BOOST_TEST(o.threshold_for(true) == 128u);
  BOOST_TEST(o.threshold_for(false) == 512u);
  BOOST_TEST(o.threshold(7).threshold_for(true) == 7u);
}

// One pass over a field, whatever a reader that tries again would find in it.
BOOST_AUTO_TEST_CASE(a_field_without_end_is_read_in_one_pass) {
  constexpr std::size_t size = 500'000;
  std::string escapes = "a;b=\"", quotes, parameters = "a", elements;
  while (escapes.size() < size) escapes += "\\c";
  while (quotes.size() < size) quotes += "a;b=\"c\\\"";
  while (parameters.size() < size) parameters += ";b";
  while (elements.size() < size) elements += "a;,";
  for (const auto& text : {escapes, quotes, parameters, elements, std::string(size, ' '), std::string(size, ',')}) {
    const header_field fields[] = {{field_name, text}};
    BOOST_TEST(parse_extensions(fields).size() <= size / 3 + 1);
    BOOST_TEST(!choose_deflate(fields, takeover()).has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()
