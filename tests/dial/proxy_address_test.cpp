/// Which proxy it is, and what it is told. No I/O.
#include "websocket/dial_proxy.hpp"
#include "websocket/proxy_environment.hpp"
#include <coax/dial.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <stdexcept>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(proxies)

using detail::parse_dial_target;
using detail::parse_proxy;
using detail::proxy_environment;
using detail::proxy_kind;

// The proxy's name by these variables, "-" for none, "!" and the text for a failure.
std::string by(const std::map<std::string, std::string>& variables, std::string_view url = "ws://example.com/") {
  const proxy_environment environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  const auto proxy = environment.proxy_for(parse_dial_target(url));
  if (!proxy) return "!" + proxy.error().text;
  return *proxy ? (*proxy)->name : "-";
}

BOOST_AUTO_TEST_CASE(urls_describe_proxies) {
  const struct {
    const char* url;
    proxy_kind kind;
    const char *host, *port, *name, *user, *password;
  } rows[] = {
      {"http://proxy", proxy_kind::http, "proxy", "80", "proxy:80", "", ""},
      {"proxy:3128", proxy_kind::http, "proxy", "3128", "proxy:3128", "", ""},
      {"me:pw@proxy:3128", proxy_kind::http, "proxy", "3128", "proxy:3128", "me", "pw"},
      {"HTTPS://proxy/", proxy_kind::https, "proxy", "443", "proxy:443", "", ""},
      {"socks5://[::1]", proxy_kind::socks5, "::1", "1080", "[::1]:1080", "", ""},
      {"socks5h://m%3ae:p%40w@10.0.0.1:1/", proxy_kind::socks5h, "10.0.0.1", "1", "10.0.0.1:1", "m:e", "p@w"},
      {"socks5h://me@proxy", proxy_kind::socks5h, "proxy", "1080", "proxy:1080", "me", ""},
      // As scripts make them, of variables that are empty.
      {"socks5://:@proxy", proxy_kind::socks5, "proxy", "1080", "proxy:1080", "", ""},
      {"http://@proxy", proxy_kind::http, "proxy", "80", "proxy:80", "", ""},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.url) {
      const auto p = parse_proxy(row.url);
      BOOST_REQUIRE(p);
      BOOST_CHECK(p->kind == row.kind);
      BOOST_CHECK_EQUAL(p->host, row.host);
      BOOST_CHECK_EQUAL(p->port, row.port);
      BOOST_CHECK_EQUAL(p->name, row.name);
      BOOST_CHECK_EQUAL(p->user, row.user);
      BOOST_CHECK_EQUAL(p->password, row.password);
      BOOST_CHECK_EQUAL(p->has_credentials, *row.user || *row.password);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_urls_are_refused_without_showing_secrets) {
  for (const std::string& url :
       {std::string(""), std::string("http://"), std::string("socks4://secret@proxy"), std::string("ftp://proxy"),
        std::string("://proxy"), std::string("http://se:cret@pro xy"), std::string("http://proxy:0"),
        std::string("http://proxy:99999"), std::string("http://proxy:secret"), std::string("http://a%3asecret@proxy"),
        std::string("http://secret%0d%0aX:y@proxy"), std::string("http://b%C3%BCcher"),
        std::string("http://proxy%0d%0aX"), std::string("proxy\r\nX: secret"), std::string("socks5://:secret@proxy"),
        "socks5://u:secret" + std::string(250, 'x') + "@proxy"}) {
    const auto p = parse_proxy(url);
    BOOST_CHECK_MESSAGE(!p, url);
    if (!p) BOOST_CHECK_MESSAGE(p.error().text.find("secret") == std::string::npos, p.error().text);
    try {
      dial_options().proxy(url);
      BOOST_ERROR("was accepted: " << url);
    } catch (const std::invalid_argument& e) {
      BOOST_CHECK_MESSAGE(std::string_view(e.what()).find("secret") == std::string_view::npos, e.what());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_scheme_of_the_target_chooses_the_variable) {
  const std::map<std::string, std::string> all = {
      {"HTTP_PROXY", "plain:1"}, {"HTTPS_PROXY", "http://tls:2"}, {"ALL_PROXY", "socks5://rest:3"}};
  BOOST_CHECK_EQUAL(by(all), "plain:1");
  BOOST_CHECK_EQUAL(by(all, "wss://example.com/"), "tls:2");
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", "plain:1"}, {"all_proxy", "rest:3"}}, "wss://example.com/"), "rest:3");
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", "plain:1"}}, "wss://example.com/"), "-");
  BOOST_CHECK_EQUAL(by({}), "-");
}

BOOST_AUTO_TEST_CASE(lower_case_comes_first_and_empty_is_none) {
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", "upper:1"}, {"http_proxy", "lower:2"}}), "lower:2");
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", "upper:1"}, {"http_proxy", ""}}), "upper:1");
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", ""}, {"ALL_PROXY", ""}}), "-");
}

BOOST_AUTO_TEST_CASE(a_cgi_program_does_not_believe_its_client) {
  BOOST_CHECK_EQUAL(by({{"HTTP_PROXY", "evil:1"}, {"REQUEST_METHOD", "GET"}}), "-");
  BOOST_CHECK_EQUAL(by({{"http_proxy", "good:1"}, {"REQUEST_METHOD", "GET"}}), "good:1");
  BOOST_CHECK_EQUAL(by({{"HTTPS_PROXY", "good:1"}, {"REQUEST_METHOD", "GET"}}, "wss://example.com/"), "good:1");
}

BOOST_AUTO_TEST_CASE(some_hosts_are_reached_directly) {
  const std::map<std::string, std::string> all = {{"ALL_PROXY", "proxy:1"}, {"no_proxy", "a.example,10.0.0.0/8,:81"}};
  BOOST_CHECK_EQUAL(by(all, "ws://www.a.example/"), "-");
  BOOST_CHECK_EQUAL(by(all, "ws://10.9.9.9/"), "-");
  BOOST_CHECK_EQUAL(by(all, "ws://b.example/"), "proxy:1");
  for (const auto* url : {"ws://localhost/", "wss://127.0.0.2:1/", "ws://[::1]/"}) BOOST_CHECK_EQUAL(by(all, url), "-");
}

BOOST_AUTO_TEST_CASE(a_bad_variable_is_named_but_not_shown) {
  const auto text = by({{"HTTP_PROXY", "socks4://me:secret@proxy"}});
  BOOST_CHECK_MESSAGE(text.starts_with("!the variable HTTP_PROXY") && text.find("secret") == text.npos, text);
}

BOOST_AUTO_TEST_CASE(the_request_to_the_proxy_names_host_and_port) {
  const auto proxy = parse_proxy("http://me:pw@proxy");
  const auto plain = parse_proxy("http://proxy");
  BOOST_CHECK_EQUAL(connect_request(*plain, parse_dial_target("wss://me:x@example.com/a"), dial_options()),
                    "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
  BOOST_CHECK_EQUAL(connect_request(*proxy, parse_dial_target("ws://[::1]/"), dial_options().header("X", "y")),
                    "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n");
  BOOST_CHECK_EQUAL(connect_request(*proxy, parse_dial_target("ws://h:81/"),
                                    dial_options().host("v").proxy_header("proxy-authorization", "Bearer t")),
                    "CONNECT h:81 HTTP/1.1\r\nHost: h:81\r\nproxy-authorization: Bearer t\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(credentials_of_a_proxy_are_not_for_the_server) {
  BOOST_CHECK_THROW(dial_options().header("Proxy-Authorization", "Basic x"), std::invalid_argument);
  BOOST_CHECK_THROW(dial_options().proxy_header("Host", "x"), std::invalid_argument);
  BOOST_CHECK_THROW(dial_options().proxy_header("X", "a\r\nY: b"), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
