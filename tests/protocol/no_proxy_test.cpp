#include "protocol/no_proxy.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(no_proxy)

BOOST_AUTO_TEST_CASE(hosts_match_the_entries_of_a_list) {
  const struct {
    const char *list, *host;
    std::uint16_t port;
    bool matches;
  } rows[] = {
      {"", "example.com", 80, false},
      {" , ,", "example.com", 80, false},
      {"*", "example.com", 80, true},
      {"a.example,*", "1.2.3.4", 80, true},
      {"*:81", "example.com", 80, false},
      {"*:80", "example.com", 80, true},
      {"example.com", "example.com", 80, true},
      {"EXAMPLE.com", "example.COM", 80, true},
      {"example.com.", "example.com", 80, true},
      {"example.com", "example.com.", 80, true},
      {"example.com", "www.example.com", 80, true},
      {"example.com", "badexample.com", 80, false},
      {"example.com", "example.com.evil.example", 80, false},
      {".example.com", "www.example.com", 80, true},
      {".example.com", "example.com", 80, false},
      {"*.example.com", "a.b.example.com", 80, true},
      {"*.example.com", "example.com", 80, false},
      {"example.com:8080", "example.com", 8080, true},
      {"example.com:8080", "example.com", 80, false},
      {".example.com:8080", "www.example.com", 8080, true},
      {"a.example, b.example\tc.example", "b.example", 80, true},
      {"a.example b.example", "c.example", 80, false},
      {"10.1.2.3", "10.1.2.3", 80, true},
      {"10.1.2.3", "10.1.2.30", 80, false},
      {"10.1.2.3:81", "10.1.2.3", 80, false},
      {"10.1.2.3:80", "10.1.2.3", 80, true},
      {"10.0.0.0/8", "10.255.0.1", 80, true},
      {"10.0.0.0/8", "11.0.0.1", 80, false},
      {"192.168.4.0/22", "192.168.7.255", 80, true},
      {"192.168.4.0/22", "192.168.8.0", 80, false},
      {"0.0.0.0/0", "8.8.8.8", 80, true},
      {"0.0.0.0/0", "::1", 80, false},
      {"10.0.0.0/8", "host.10.example", 80, false},
      {"::1", "::1", 80, true},
      {"[::1]", "::1", 80, true},
      {"[::1]:80", "::1", 80, true},
      {"[::1]:81", "::1", 80, false},
      {"0:0::1", "::1", 80, true},
      {"fd00::/8", "fd12::1", 80, true},
      {"fd00::/8", "fe80::1", 80, false},
      {"2001:db8::/33", "2001:db8:7fff::1", 80, true},
      {"2001:db8::/33", "2001:db8:8000::1", 80, false},
      {"::/0", "2001:db8::1", 80, true},
      {"10.1.2.3", "::ffff:10.1.2.3", 80, true},
      {"10.0.0.0/8", "::ffff:10.1.2.3", 80, true},
      {"::ffff:10.0.0.0/104", "10.1.2.3", 80, true},
      {"::/0", "10.1.2.3", 80, false},
      {"::/64", "10.1.2.3", 80, false},
      {"::/96", "::1", 80, true},
      {"2.3", "10.1.2.3", 80, false},
      {".3", "10.1.2.3", 80, false},
      // What is none of these is ignored.
      {"10.0.0.0/33", "10.0.0.1", 80, false},
      {"10.0.0.0/", "10.0.0.1", 80, false},
      {"10.0.0.0/8x", "10.0.0.1", 80, false},
      {"/8", "10.0.0.1", 80, false},
      {"fd00::/129", "fd00::1", 80, false},
      {"example.com:", "example.com", 80, false},
      {"example.com:0", "example.com", 80, false},
      {"example.com:65616", "example.com", 80, false},
      {"example.com:http", "example.com", 80, false},
      {"[::1", "::1", 80, false},
      {"[", "example.com", 80, false},
      {"[]", "example.com", 80, false},
      {".", "example.com", 80, false},
      {"*.", "example.com", 80, false},
      {":80", "example.com", 80, false},
      {"example.com/8", "example.com", 80, false},
  };
  for (const auto& row : rows)
    BOOST_CHECK_MESSAGE(no_proxy_rules(row.list).match(row.host, row.port) == row.matches,
                        "'" << row.list << "' and " << row.host << ":" << row.port);
}

BOOST_AUTO_TEST_CASE(the_machine_itself_has_several_names) {
  for (const auto* host :
       {"localhost", "LocalHost.", "app.localhost", "127.0.0.1", "127.9.9.9", "::1", "0:0::1", "::ffff:127.0.0.1"})
    BOOST_CHECK_MESSAGE(is_loopback(host), host);
  for (const auto* host :
       {"", "example.com", "localhost.example.com", "notlocalhost", "128.0.0.1", "::2", "127.0.0.1.example"})
    BOOST_CHECK_MESSAGE(!is_loopback(host), host);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
