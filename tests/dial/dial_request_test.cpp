/// Where redirects lead, and what goes along. No I/O.
#include "websocket/dial_request.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(dial_requests)

using detail::dial_request;
using detail::parse_dial_target;
using detail::redirect_target;
using detail::same_origin;
using protocol::header_field;

// The field of a request, or "-".
std::string value(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == head.npos) return "-";
  const auto begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

bool goes_to(dial_request& r, std::string_view location) {
  const header_field answer[] = {{"Location", location}};
  return r.follow(answer).has_value();
}

struct map_jar final : cookie_jar {
  std::string cookies_for(std::string_view url) override {
    asked.emplace_back(url);
    return give;
  }
  void set_cookie(std::string_view url, std::string_view v) override { kept.emplace(url, v); }

  std::string give;
  std::vector<std::string> asked;
  std::multimap<std::string, std::string> kept;
};

BOOST_AUTO_TEST_CASE(a_location_is_resolved_against_where_it_came_from) {
  const auto from = parse_dial_target("ws://example.com:8080/a/b?q=1");
  const struct {
    const char* location;
    bool secure;
    const char *host_field, *port, *request;
  } rows[] = {
      {"/x", false, "example.com:8080", "8080", "/x"},
      {"x", false, "example.com:8080", "8080", "/a/x"},
      {"../x?y=2", false, "example.com:8080", "8080", "/x?y=2"},
      {"../../../x", false, "example.com:8080", "8080", "/x"},
      {"./x/.", false, "example.com:8080", "8080", "/a/x/"},
      {"/x/./y/..", false, "example.com:8080", "8080", "/x/"},
      {"/..//x", false, "example.com:8080", "8080", "//x"},
      {"..", false, "example.com:8080", "8080", "/"},
      {"?y=2", false, "example.com:8080", "8080", "/a/b?y=2"},
      {"", false, "example.com:8080", "8080", "/a/b?q=1"},
      {"/x#part", false, "example.com:8080", "8080", "/x"},
      {"#part", false, "example.com:8080", "8080", "/a/b?q=1"},
      {"//other.example/x", false, "other.example", "80", "/x"},
      {"http://other.example", false, "other.example", "80", "/"},
      {"https://other.example/x", true, "other.example", "443", "/x"},
      {"ws://other.example:81/x", false, "other.example:81", "81", "/x"},
      {"WSS://other.example/x#part", true, "other.example", "443", "/x"},
      {"wss://[::1]:444/%20", true, "[::1]:444", "444", "/%20"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.location) {
      const auto to = redirect_target(from, row.location);
      BOOST_REQUIRE(to);
      BOOST_CHECK_EQUAL(to->secure, row.secure);
      BOOST_CHECK_EQUAL(to->host_field, row.host_field);
      BOOST_CHECK_EQUAL(to->port, row.port);
      BOOST_CHECK_EQUAL(to->request, row.request);
    }
  }
}

BOOST_AUTO_TEST_CASE(locations_that_cannot_be_dialled_are_refused) {
  const auto from = parse_dial_target("wss://example.com/");
  for (const auto* location :
       {"ftp://example.com/", "javascript:alert(1)", "ws+unix:///run/app.sock", "ws:/x", "https://", "https:///x",
        "https://a b/", "/a b", "/\x80", "https://h:0/", "https://h:65536/", "https://h:x/",
        "https://b%C3%BCcher.example/", "https://h%0d%0aX: y/", "/\r\nX: y", "https://a%3ab:c@h/", "https://a:%0a@h/",
        "ws://example.com/", "http://example.com/x"}) {
    const auto to = redirect_target(from, location);
    BOOST_CHECK_MESSAGE(!to, location);
    if (!to) BOOST_CHECK_MESSAGE(to.error().text.find("%0") == std::string::npos, to.error().text);
  }
}

BOOST_AUTO_TEST_CASE(a_relative_location_stays_with_a_unix_socket) {
  const auto from = parse_dial_target("ws+unix:///run/app.sock:/a/b");
  const auto to = redirect_target(from, "c?x=1");
  BOOST_REQUIRE(to);
  BOOST_CHECK_EQUAL(to->socket_path, "/run/app.sock");
  BOOST_CHECK_EQUAL(to->request, "/a/c?x=1");

  const auto away = redirect_target(from, "ws://example.com/");
  BOOST_REQUIRE(away);
  BOOST_CHECK_EQUAL(away->socket_path, "");
  BOOST_CHECK(!same_origin(from, *away));
}

BOOST_AUTO_TEST_CASE(an_origin_is_scheme_host_and_port) {
  const struct {
    const char *from, *to;
    bool same;
  } rows[] = {
      {"ws://a.example/", "ws://A.example:80/x", true},
      {"ws://a.example/", "http://a.example/", true},
      {"ws://a.example/", "wss://a.example/", true},
      {"ws://a.example:8080/", "wss://a.example/", false},
      {"ws://a.example/", "wss://a.example:8443/", false},
      {"wss://a.example/", "ws://a.example/", false},
      {"ws://a.example/", "ws://a.example:81/", false},
      {"ws://a.example/", "ws://b.a.example/", false},
      {"ws://a.example/", "ws://b.example/", false},
      {"ws+unix:///a", "ws+unix:///a:/x", true},
      {"ws+unix:///a", "ws+unix:///b", false},
      {"ws+unix:///a", "ws://localhost/", false},
  };
  for (const auto& row : rows)
    BOOST_CHECK_MESSAGE(same_origin(parse_dial_target(row.from), parse_dial_target(row.to)) == row.same,
                        row.from << " " << row.to);
}

BOOST_AUTO_TEST_CASE(secrets_stay_at_the_same_origin) {
  const auto options =
      dial_options().header("Authorization", "Bearer t").header("Cookie", "a=b").header("X-App", "1").host("virtual");
  dial_request r("ws://me:pw@example.com/", options);

  for (const auto* location : {"/x", "ws://example.com/y", "https://example.com/z", "/w"}) {
    BOOST_TEST_CONTEXT(location) {
      BOOST_REQUIRE(goes_to(r, location));
      const auto head = r.head("k");
      BOOST_CHECK_EQUAL(value(head, "Host"), "virtual");
      BOOST_CHECK_EQUAL(value(head, "Authorization"), "Bearer t");
      BOOST_CHECK_EQUAL(value(head, "Cookie"), "a=b");
      BOOST_CHECK_EQUAL(value(head, "X-App"), "1");
    }
  }
  BOOST_CHECK(r.target().secure);
  BOOST_CHECK_EQUAL(r.target().request, "/w");
}

BOOST_AUTO_TEST_CASE(secrets_are_dropped_for_good_across_origins) {
  const auto options =
      dial_options().header("authorization", "Bearer t").header("COOKIE", "a=b").header("X-App", "1").host("virtual");
  dial_request r("ws://me:pw@example.com/", options);

  for (const auto* location : {"ws://other.example/", "/x", "ws://example.com/"}) {
    BOOST_TEST_CONTEXT(location) {
      BOOST_REQUIRE(goes_to(r, location));
      const auto head = r.head("k");
      BOOST_CHECK_EQUAL(value(head, "Host"), r.target().host);
      BOOST_CHECK(head.find("uthorization") == head.npos);
      BOOST_CHECK(head.find("Bearer") == head.npos && head.find("Basic") == head.npos);
      BOOST_CHECK(head.find("a=b") == head.npos);
      BOOST_CHECK_EQUAL(value(head, "X-App"), "1");
    }
  }
}

BOOST_AUTO_TEST_CASE(credentials_of_the_url_are_kept_and_dropped_alike) {
  const dial_options options;
  dial_request r("ws://me:pw@example.com/", options);
  BOOST_CHECK_EQUAL(value(r.head("k"), "Authorization"), "Basic bWU6cHc=");
  BOOST_REQUIRE(goes_to(r, "ws://example.com/x"));
  BOOST_CHECK_EQUAL(value(r.head("k"), "Authorization"), "Basic bWU6cHc=");
  BOOST_REQUIRE(goes_to(r, "wss://example.com/x"));
  BOOST_CHECK_EQUAL(value(r.head("k"), "Authorization"), "Basic bWU6cHc=");
  BOOST_REQUIRE(goes_to(r, "wss://example.com:444/x"));
  BOOST_CHECK_EQUAL(value(r.head("k"), "Authorization"), "-");
  BOOST_REQUIRE(goes_to(r, "wss://Aladdin:open%20sesame@example.com/"));
  BOOST_CHECK_EQUAL(value(r.head("k"), "Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

BOOST_AUTO_TEST_CASE(the_right_statuses_are_followed) {
  const dial_options options;
  const dial_request r("ws://example.com/", options);
  for (unsigned status = 100; status < 600; ++status) {
    const bool redirect = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    BOOST_CHECK_EQUAL(r.follows(status), redirect);
  }
  const auto none = dial_options().max_redirects(0);
  BOOST_CHECK(!dial_request("ws://example.com/", none).follows(302));
}

BOOST_AUTO_TEST_CASE(redirects_are_counted) {
  const auto options = dial_options().max_redirects(2);
  dial_request r("ws://example.com/", options);
  BOOST_CHECK(goes_to(r, "/1") && goes_to(r, "/2"));
  const header_field answer[] = {{"Location", "ws://u:secret@h/token"}};
  const auto third = r.follow(answer);
  BOOST_REQUIRE(!third);
  BOOST_CHECK_EQUAL(third.error().text, "redirect number 3, to h, which is one more than max_redirects allows");
  BOOST_CHECK_EQUAL(r.target().request, "/2");
}

BOOST_AUTO_TEST_CASE(a_redirect_needs_one_location) {
  const dial_options options;
  dial_request r("ws://example.com/", options);
  const header_field two[] = {{"Location", "/a"}, {"location", "/b"}};
  BOOST_CHECK(!r.follow(two));
  BOOST_CHECK(!r.follow({}));
}

BOOST_AUTO_TEST_CASE(cookies_of_the_jar_join_those_of_the_options) {
  const auto jar = std::make_shared<map_jar>();
  const auto options = dial_options().header("Cookie", "a=b").header("cookie", "c=d").cookies(jar);
  dial_request r("ws://me:pw@example.com/x?y", options);

  BOOST_CHECK_EQUAL(value(r.head("k"), "Cookie"), "a=b; c=d");
  jar->give = "e=f";
  BOOST_CHECK_EQUAL(value(r.head("k"), "Cookie"), "a=b; c=d; e=f");
  BOOST_REQUIRE(goes_to(r, "wss://other.example/"));
  BOOST_CHECK_EQUAL(value(r.head("k"), "Cookie"), "e=f");
  BOOST_CHECK_EQUAL(jar->asked.front(), "http://example.com/x?y");
  BOOST_CHECK_EQUAL(jar->asked.back(), "https://other.example/");

  const header_field answer[] = {{"Set-Cookie", "g=h; Secure"}, {"X", "y"}, {"set-cookie", "i=j"}};
  r.keep_cookies(answer);
  BOOST_CHECK_EQUAL(jar->kept.count("https://other.example/"), 2u);

  jar->give = "a=b\r\nX: y";
  BOOST_CHECK_THROW(r.head("k"), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
