#include "websocket/dial_target.hpp"

#include <coax/dial.hpp>

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(dial_targets)

BOOST_AUTO_TEST_CASE(urls_lead_where_they_say) {
  const struct {
    const char* url;
    bool secure;
    const char *host, *port, *host_field, *request;
  } rows[] = {
      {"ws://example.com", false, "example.com", "80", "example.com", "/"},
      {"ws://example.com/", false, "example.com", "80", "example.com", "/"},
      {"WSS://Example.com/a/b?x=1&y=%20", true, "Example.com", "443", "Example.com", "/a/b?x=1&y=%20"},
      {"http://example.com?x", false, "example.com", "80", "example.com", "/?x"},
      {"https://example.com:443/", true, "example.com", "443", "example.com", "/"},
      {"ws://example.com:80/", false, "example.com", "80", "example.com", "/"},
      {"wss://example.com:80/", true, "example.com", "80", "example.com:80", "/"},
      {"ws://example.com:/x", false, "example.com", "80", "example.com", "/x"},
      {"ws://127.0.0.1:8080/x", false, "127.0.0.1", "8080", "127.0.0.1:8080", "/x"},
      {"ws://[::1]:8080/x", false, "::1", "8080", "[::1]:8080", "/x"},
      {"ws://[2001:db8::1]/", false, "2001:db8::1", "80", "[2001:db8::1]", "/"},
      {"ws://my_host.local//x", false, "my_host.local", "80", "my_host.local", "//x"},
  };
  for (const auto& row : rows) {
    const auto t = detail::parse_dial_target(row.url);
    BOOST_TEST_CONTEXT(row.url) {
      BOOST_CHECK_EQUAL(t.secure, row.secure);
      BOOST_CHECK_EQUAL(t.host, row.host);
      BOOST_CHECK_EQUAL(t.port, row.port);
      BOOST_CHECK_EQUAL(t.host_field, row.host_field);
      BOOST_CHECK_EQUAL(t.request, row.request);
      BOOST_CHECK_EQUAL(t.credentials, "");
      BOOST_CHECK_EQUAL(t.socket_path, "");
    }
  }
}

BOOST_AUTO_TEST_CASE(unix_urls_name_a_socket_and_a_request) {
  const struct {
    const char *url, *path, *request;
  } rows[] = {
      {"ws+unix:///run/app.sock", "/run/app.sock", "/"},
      {"ws+unix:///run/app.sock:/chat?x=1", "/run/app.sock", "/chat?x=1"},
      {"ws+unix:///run/app.sock?x=1", "/run/app.sock", "/?x=1"},
      {"ws+unix:///run/a%20b.sock:/c%20d", "/run/a b.sock", "/c%20d"},
      {"ws+unix:///run/app.sock:/a:b", "/run/app.sock", "/a:b"},
  };
  for (const auto& row : rows) {
    const auto t = detail::parse_dial_target(row.url);
    BOOST_TEST_CONTEXT(row.url) {
      BOOST_CHECK_EQUAL(t.socket_path, row.path);
      BOOST_CHECK_EQUAL(t.request, row.request);
      BOOST_CHECK_EQUAL(t.host_field, "localhost");
    }
  }
}

BOOST_AUTO_TEST_CASE(user_and_password_become_basic_authorization) {
  // RFC 7617 section 2.
  BOOST_CHECK_EQUAL(detail::parse_dial_target("ws://Aladdin:open%20sesame@example.com/").credentials,
                    "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  BOOST_CHECK_EQUAL(detail::parse_dial_target("ws://me@example.com/").credentials, "bWU6");
}

BOOST_AUTO_TEST_CASE(other_urls_are_refused) {
  for (const auto* url : {"",
                          "example.com",
                          "//example.com",
                          "ws:/example.com",
                          "ws:example.com",
                          "ws://",
                          "ws:///path",
                          "ftp://example.com/",
                          "ws://example.com/#fragment",
                          "ws://example.com/#",
                          "ws://exa mple.com/",
                          "ws://example.com/a b",
                          "ws://example.com/\r\nX: y",
                          "ws://ex%0d%0aample.com/",
                          "ws://b%C3%BCcher.example/",
                          "ws://example.com:0/",
                          "ws://example.com:65536/",
                          "ws://example.com:99999/",
                          "ws://example.com:131152/",
                          "ws://example.com:99999999999/",
                          "ws://example.com:http/",
                          "ws://example.com:80a/",
                          "ws://example.com:80:90/",
                          "ws://[::1/",
                          "ws://[v1.x]/",
                          "ws://a%3ab:c@example.com/",
                          "ws://a:%0a@example.com/",
                          "ws://%zz/",
                          "ws+unix://host/run/app.sock",
                          "ws+unix:///",
                          "ws+unix:///a%00b",
                          "ws+unix://"}) {
    try {
      detail::parse_dial_target(url);
      BOOST_ERROR("was accepted: " << url);
    } catch (const system_error& e) {
      BOOST_CHECK_MESSAGE(e.code() == errc::bad_url, url);
    }
  }
}

BOOST_AUTO_TEST_CASE(errors_do_not_show_the_password) {
  try {
    detail::parse_dial_target("ws://me:secret@example.com/#x");
    BOOST_ERROR("was accepted");
  } catch (const system_error& e) {
    BOOST_CHECK(std::string_view(e.what()).find("secret") == std::string_view::npos);
  }
}

BOOST_AUTO_TEST_CASE(options_refuse_what_would_break_the_request) {
  dial_options o;
  BOOST_CHECK_THROW(o.header("Host", "x"), std::invalid_argument);
  BOOST_CHECK_THROW(o.header("sec-websocket-key", "x"), std::invalid_argument);
  BOOST_CHECK_THROW(o.header("Connection", "close"), std::invalid_argument);
  BOOST_CHECK_THROW(o.header("Transfer-Encoding", "chunked"), std::invalid_argument);
  BOOST_CHECK_THROW(o.header("X", "a\r\nY: b"), std::invalid_argument);
  BOOST_CHECK_THROW(o.header("X Y", "a"), std::invalid_argument);
  BOOST_CHECK_THROW(o.host("a\r\nX: b"), std::invalid_argument);
  BOOST_CHECK_THROW(o.host(""), std::invalid_argument);
  BOOST_CHECK_THROW(o.subprotocol("a, b"), std::invalid_argument);
  BOOST_CHECK_THROW(o.subprotocols({"a", "a"}), std::invalid_argument);
  BOOST_CHECK(o.headers().empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
