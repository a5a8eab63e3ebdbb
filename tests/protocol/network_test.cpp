#include "protocol/network.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(networks)

std::string text_of(std::string_view text) {
  const auto a = address_of(text);
  return a ? a->to_string() : std::string("none");
}

BOOST_AUTO_TEST_CASE(an_address_is_found_in_what_peers_are_called) {
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1:8080", "192.0.2.1"},
      {"2001:db8::1", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[2001:db8::1]:8080", "2001:db8::1"},
      {"[::ffff:192.0.2.1]:80", "192.0.2.1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"[fe80::1%2]:80", "fe80::1"},
      {"", "none"},
      {":80", "none"},
      {"[", "none"},
      {"[]", "none"},
      {"[192.0.2", "none"},
      {"192.0.2.256", "none"},
      {"192.0.2", "none"},
      {"192.0.2.01", "none"},
      {"/run/coax.sock", "none"},
      {"unknown", "none"},
      {"_hidden", "none"},
      {"example.com:80", "none"},
  };
  for (const auto& [text, expected] : rows) BOOST_TEST(text_of(text) == expected, text);
}

BOOST_AUTO_TEST_CASE(a_network_has_what_begins_with_its_bits) {
  struct row {
    const char* network;
    const char* address;
    bool inside;
  };
  const row rows[] = {
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"192.168.4.0/22", "192.168.7.255", true},
      {"192.168.4.0/22", "192.168.8.0", false},
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.2", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "203.0.113.9", false},
      {"fd00::/8", "fdff::1", true},
      {"fd00::/8", "fe00::1", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
  };
  for (const auto& r : rows) {
    const auto n = network::parse(r.network);
    BOOST_REQUIRE(n);
    BOOST_TEST(n->contains(*parse_address(r.address)) == r.inside, r.network << ' ' << r.address);
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_network_is_refused) {
  for (const auto* text : {"", "10", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ", "::/129", "localhost"}) {
    BOOST_TEST(!network::parse(text), text);
    BOOST_CHECK_THROW(network_list({text}), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_CASE(a_list_knows_endpoints_and_unix_sockets) {
  const network_list remote({"10.0.0.0/8", "::1"});
  const network_list local({"unix"});

  BOOST_TEST(remote.contains_endpoint("10.1.2.3:80"));
  BOOST_TEST(remote.contains_endpoint("[::1]:80"));
  BOOST_TEST(!remote.contains_endpoint("[::2]:80"));
  BOOST_TEST(!remote.contains_endpoint(""));
  BOOST_TEST(local.contains_endpoint(""));
  BOOST_TEST(local.contains_endpoint("/run/coax.sock"));
  BOOST_TEST(!local.contains_endpoint("10.1.2.3:80"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
