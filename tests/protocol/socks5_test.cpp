#include "protocol/socks5.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(socks5)

using namespace std::string_literals;

socks5_request request(std::string host, std::string user = {}, std::string password = {}) {
  socks5_request r;
  r.host = std::move(host);
  r.port = 0x1f90;
  r.user = std::move(user);
  r.password = std::move(password);
  return r;
}

// Feeds what the client wants, as long as there is some; the text of the failure, or nothing.
std::string feed(socks5_client& c, std::string_view& input) {
  while (!c.done() && input.size() >= c.wanted()) {
    const auto piece = input.substr(0, c.wanted());
    input.remove_prefix(piece.size());
    const auto taken = c.put(std::as_bytes(std::span(piece)));
    if (!taken) return taken.error().text;
  }
  return {};
}

std::string failure_of(socks5_request r, std::string_view input, bool host_failed = false) {
  socks5_client c(std::move(r));
  const auto text = feed(c, input);
  BOOST_CHECK_EQUAL(c.host_failed(), host_failed);
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

BOOST_AUTO_TEST_CASE(a_name_goes_to_the_proxy_without_authentication) {
  socks5_client c(request("example.com"));
  BOOST_CHECK_EQUAL(c.take_output(), "\x05\x01\x00"s);
  BOOST_CHECK_EQUAL(c.take_output(), "");
  std::string_view answers("\x05\x00", 2);
  BOOST_CHECK_EQUAL(feed(c, answers), "");
  BOOST_CHECK_EQUAL(c.take_output(),
                    "\x05\x01\x00\x03\x0b"
                    "example.com\x1f\x90"s);
  BOOST_CHECK(!c.done());
}

BOOST_AUTO_TEST_CASE(addresses_are_sent_as_such) {
  for (const auto& [host, sent] : {std::pair("10.1.2.3"s, "\x05\x01\x00\x01\x0a\x01\x02\x03\x1f\x90"s),
                                   std::pair("::1"s, "\x05\x01\x00\x04"s + std::string(15, '\0') + "\x01\x1f\x90"s)}) {
    socks5_client c(request(host));
    c.take_output();
    std::string_view answers("\x05\x00", 2);
    feed(c, answers);
    BOOST_CHECK_EQUAL(c.take_output(), sent);
  }
}

BOOST_AUTO_TEST_CASE(user_and_password_are_sent_when_asked_for) {
  socks5_client c(request("h", "me", "pass"));
  BOOST_CHECK_EQUAL(c.take_output(), "\x05\x02\x00\x02"s);
  std::string_view method("\x05\x02", 2);
  BOOST_CHECK_EQUAL(feed(c, method), "");
  BOOST_CHECK_EQUAL(c.take_output(), "\x01\x02me\x04pass"s);
  std::string_view welcome("\x01\x00", 2);
  BOOST_CHECK_EQUAL(feed(c, welcome), "");
  BOOST_CHECK_EQUAL(c.take_output(), "\x05\x01\x00\x03\x01h\x1f\x90"s);
}

BOOST_AUTO_TEST_CASE(no_byte_behind_the_last_answer_is_taken) {
  for (const auto& reply : {"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"s,
                            "\x05\x00\x00\x04"s + std::string(16, '\1') + "\x00\x50"s, "\x05\x00\x00\x03\x01h\x00\x50"s,
                            "\x05\x00\x00\x03\x00\x00\x50"s, "\x05\x00\x00\x03\xff"s + std::string(257, 'x')}) {
    socks5_client c(request("h"));
    const std::string all = "\x05\x00"s + reply + "tunnel";
    std::string_view input = all;
    BOOST_CHECK_EQUAL(feed(c, input), "");
    BOOST_CHECK(c.done());
    BOOST_CHECK_EQUAL(input, "tunnel");
  }
}

BOOST_AUTO_TEST_CASE(other_answers_are_failures) {
  BOOST_CHECK(has(failure_of(request("h"), "HTTP/1.1 400"), "does not speak SOCKS 5"));
  BOOST_CHECK(has(failure_of(request("h"), "\x05\xff"), "wants authentication"));
  BOOST_CHECK(has(failure_of(request("h"), "\x05\x02"), "not offered"));
  BOOST_CHECK(has(failure_of(request("h", "me", "p"), "\x05\x01"), "not offered"));
  BOOST_CHECK(has(failure_of(request("h", "me", "p"), "\x05\xff"), "takes neither"));
  BOOST_CHECK(has(failure_of(request("h", "me", "p"), "\x05\x02\x01\x01"), "does not accept"));
  BOOST_CHECK(has(failure_of(request("h"), "\x05\x00\x04\x00\x00\x01"s), "does not speak SOCKS 5"));
  BOOST_CHECK(has(failure_of(request("h"), "\x05\x00\x05\x00\x00\x02"s), "unknown kind"));
  for (char reply = 1; reply < 12; ++reply) {
    const auto text = failure_of(request("h"), "\x05\x00\x05"s + reply + "\x00\x01"s, true);
    BOOST_CHECK(has(text, "SOCKS reply " + std::to_string(reply)));
  }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_into_a_byte_is_refused) {
  BOOST_CHECK_NO_THROW(socks5_client(request(std::string(255, 'h'), std::string(255, 'u'), std::string(255, 'p'))));
  BOOST_CHECK_THROW(socks5_client(request("")), std::invalid_argument);
  BOOST_CHECK_THROW(socks5_client(request(std::string(256, 'h'))), std::invalid_argument);
  BOOST_CHECK_THROW(socks5_client(request("h", std::string(256, 'u'))), std::invalid_argument);
  BOOST_CHECK_THROW(socks5_client(request("h", "u", std::string(256, 'p'))), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
