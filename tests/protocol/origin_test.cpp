#include "protocol/origin.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(origin)

struct row {
  const char* pattern;  // "-" for none
  const char* origin;
  const char* host;
  bool allowed;
};

const row rows[] = {
    // The server's own host, with its port.
    {"-", "https://example.com", "example.com", true},
    {"-", "https://EXAMPLE.com", "Example.COM", true},
    {"-", "http://example.com:8080", "example.com:8080", true},
    {"-", "http://example.com", "example.com:8080", false},
    {"-", "http://example.com:8080", "example.com", false},
    {"-", "https://evil.com", "example.com", false},
    {"-", "https://example.com.evil.com", "example.com", false},
    {"-", "https://evil-example.com", "example.com", false},
    {"-", "http://[::1]:8080", "[::1]:8080", true},
    // Programs that send more than an origin.
    {"-", "https://example.com/", "example.com", true},
    {"-", "https://evil.com/example.com", "example.com", false},
    {"-", "https://evil.com#example.com", "example.com", false},
    {"-", "https://example.com@evil.com", "example.com", false},
    {"*", "https://example.com@evil.com", "example.com", false},
    // No origins at all.
    {"*", "example.com", "example.com", false},
    {"*", "", "example.com", false},
    {"*", "://example.com", "example.com", false},
    {"*", "https://", "example.com", false},
    {"-", "https://", "", false},
    {"*", "https://a.com, https://example.com", "example.com", false},
    // null
    {"-", "null", "example.com", false},
    {"*", "null", "example.com", false},
    {"null", "null", "example.com", true},
    {"NULL", "null", "example.com", true},
    {"null", "https://null", "example.com", true},
    // Globs against the host.
    {"*", "https://anything.org:99", "example.com", true},
    {"*.example.org", "https://a.example.org", "x", true},
    {"*.example.org", "https://a.b.example.org", "x", true},
    {"*.example.org", "https://example.org", "x", false},
    {"*.example.org", "https://a.example.org.evil.com", "x", false},
    {"*.example.org", "https://evil.com/.example.org", "x", false},
    {"*.Example.ORG", "https://A.eXample.org", "x", true},
    {"example.org", "https://example.org:8443", "x", false},
    {"example.org:*", "https://example.org:8443", "x", true},
    {"a*b*c.org", "https://a-b-b-c.org", "x", true},
    {"a*b*c.org", "https://a-c-c.org", "x", false},
    {"?.org", "https://a.org", "x", true},
    {"?.org", "https://ab.org", "x", false},
    {"node[0-9].org", "https://node7.org", "x", true},
    {"node[0-9].org", "https://nodea.org", "x", false},
    {"node[^0-9].org", "https://nodea.org", "x", true},
    {"node[^0-9].org", "https://node7.org", "x", false},
    {"node[a5-7].org", "https://node6.org", "x", true},
    {"node[A-C].org", "https://nodeb.org", "x", true},
    {"\\[::1\\]:*", "http://[::1]:8080", "x", true},
    {"a\\*b", "https://a*b", "x", true},
    {"a\\*b", "https://axb", "x", false},
    // Patterns with a scheme.
    {"https://*.example.org", "https://a.example.org", "x", true},
    {"https://*.example.org", "http://a.example.org", "x", false},
    {"https://example.org:8443", "https://example.org:8443", "x", true},
    {"*://example.org", "http://example.org", "x", true},
    {"https://*", "https://example.org", "x", true},
    {"https:*", "https://example.org", "x", false},
    {"chrome-extension://*", "chrome-extension://abcdefgh", "x", true},
    {"file://", "file://", "x", true},
};

origin_patterns patterns(std::initializer_list<std::string> list) { return origin_patterns(std::vector(list)); }

BOOST_AUTO_TEST_CASE(an_origin_is_allowed_or_refused) {
  for (const auto& r : rows) {
    const auto p = std::string_view(r.pattern) == "-" ? origin_patterns() : patterns({r.pattern});
    BOOST_TEST(p.allows(r.origin, r.host) == r.allowed,
               r.pattern << " for " << r.origin << " at " << r.host << " should be " << r.allowed);
  }
}

BOOST_AUTO_TEST_CASE(one_of_several_patterns_is_enough) {
  const auto p = patterns({"a.org", "*.b.org", "https://c.org"});

  BOOST_TEST(p.allows("https://a.org", "x"));
  BOOST_TEST(p.allows("https://1.b.org", "x"));
  BOOST_TEST(p.allows("https://c.org", "x"));
  BOOST_TEST(!p.allows("http://c.org", "x"));
}

BOOST_AUTO_TEST_CASE(a_malformed_pattern_is_refused_when_it_is_given) {
  for (const auto pattern : {"", "[", "a[", "[]", "[^]", "[a", "[a-", "[a-]", "[b-a]", "a\\", "[\\", "*["})
    BOOST_CHECK_EXCEPTION(patterns({pattern}), std::invalid_argument, [&](const std::invalid_argument& e) {
      return std::string(e.what()).find('"' + std::string(pattern) + '"') != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_pattern_of_many_stars_is_matched_in_reasonable_time) {
  std::string stars;
  for (int i = 0; i != 200; ++i) stars += "*a";
  const auto p = patterns({stars + "b"});

  BOOST_TEST(!p.allows("https://" + std::string(5000, 'a'), "x"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
