/// What an event source asks, and what becomes of each answer.
#include "sse/event_request.hpp"
#include "sse/event_site.hpp"

#include <stdexcept>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_source_rules)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_options;

std::string answer(const std::string& status, const std::string& fields = {}) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: 4\r\n\r\nnope";
}

COAX_SCENARIO_TEST(the_request_is_as_the_standard_wants_it) {
  const event_site site(ioc, says({ok + "data: x\n\n"}));
  const auto options = site.options().header("X-Token", "t").header("Cookie", "a=b");
  event_source es(ioc.get_executor(), "http://me:pw@example.com:81/events?topic=1#part", options);
  co_await next_data(es);
  BOOST_CHECK_EQUAL(site.requests().front(),
                    "GET /events?topic=1 HTTP/1.1\r\nHost: example.com:81\r\nAccept: text/event-stream\r\n"
                    "Cache-Control: no-store\r\nAuthorization: Basic bWU6cHc=\r\nX-Token: t\r\nCookie: a=b\r\n\r\n");
}

COAX_SCENARIO_TEST(a_body_is_sent_with_every_request) {
  std::vector<std::string> bodies;
  const event_site site(ioc, [&](stream_ptr s, std::string, int) -> task<> {
    char body[7];
    std::string got;
    while (got.size() < sizeof body) {
      const auto n = co_await s->read_some(asio::buffer(body), context());
      got.append(body, *n);
    }
    bodies.push_back(got);
    co_await send_and_end(s, ok + "data: x\n\n");
  });
  event_source es(ioc.get_executor(), "http://h/", site.options().body("{\"a\":1}").accept_gzip(true));
  for (int i = 0; i < 2; ++i) co_await next_data(es);
  BOOST_CHECK((bodies == std::vector<std::string>(2, "{\"a\":1}")));
  for (const auto& r : site.requests()) {
    BOOST_CHECK(r.starts_with("POST / HTTP/1.1\r\n"));
    BOOST_CHECK_EQUAL(field(r, "Content-Type"), "application/json");
    BOOST_CHECK_EQUAL(field(r, "Content-Length"), "7");
    BOOST_CHECK_EQUAL(field(r, "Accept-Encoding"), "gzip");
  }
}

BOOST_AUTO_TEST_CASE(options_refuse_what_would_break_a_request) {
  for (const auto* name : {"Accept", "cache-control", "Last-Event-ID", "Host", "Content-Length", "Transfer-Encoding",
                           "Connection", "Content-Type", "Accept-Encoding", "Upgrade", "Proxy-Authorization", "a b"})
    BOOST_CHECK_THROW(event_source_options().header(name, "x"), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().header("X", "a\r\nb"), std::invalid_argument);
  for (const auto& id : {std::string("a\rb"), std::string("a\nb"), std::string("a\0b", 3)})
    BOOST_CHECK_THROW(event_source_options().last_event_id(id), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().method("HEAD"), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().method("A B"), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().body("x", ""), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().body("x", "a\nb"), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().backoff(0.5, 1s), std::invalid_argument);
  BOOST_CHECK_THROW(event_source_options().proxy("ftp://h"), std::invalid_argument);
  BOOST_CHECK_EQUAL(event_source_options().method("PUT").body("x").method(), "PUT");
}

enum class fate { opened, again, final, end };

struct answer_row {
  std::string text;
  fate usual;
  fate strict;
};

// Twice the answer, then a stream: tells a final one from one that is retried.
COAX_CORO_TEST(each_answer_has_one_consequence) {
  const std::string type = "Content-Type: text/event-stream\r\n";
  const std::vector<answer_row> rows = {
      {ok + "data: x\n\n", fate::opened, fate::opened},
      {"HTTP/1.0 200 OK\r\n" + type + "\r\ndata: x\n\n", fate::opened, fate::opened},
      {"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok + "data: x\n\n", fate::opened,
       fate::opened},
      {"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\ndata: x\n\n", fate::opened,
       fate::opened},
      {"HTTP/1.1 200 OK\r\nContent-Type:text/event-stream ;a=b\r\n\r\ndata: x\n\n", fate::opened, fate::opened},
      {answer("200 OK", "Content-Type: text/event-streams\r\n"), fate::final, fate::final},
      {answer("200 OK", "Content-Type: text/plain\r\n"), fate::final, fate::final},
      {answer("200 OK", "Content-Type: text/event-stream, text/plain\r\n"), fate::final, fate::final},
      {answer("200 OK", type + type), fate::final, fate::final},
      {answer("200 OK"), fate::final, fate::final},
      {answer("200 OK", type + "Content-Encoding: br\r\n"), fate::final, fate::final},
      {answer("200 OK", type + "Content-Encoding: gzip, gzip\r\n"), fate::final, fate::final},
      {answer("201 Created", type), fate::final, fate::final},
      {"HTTP/1.1 204 No Content\r\n\r\n", fate::end, fate::end},
      {answer("205 Reset Content", type), fate::final, fate::final},
      {answer("206 Partial Content", type), fate::final, fate::final},
      {answer("300 Choices"), fate::final, fate::final},
      {answer("302 Found"), fate::final, fate::final},
      {answer("302 Found", "Location: ftp://h/\r\n"), fate::final, fate::final},
      {answer("304 Not Modified"), fate::final, fate::final},
      {answer("400 Bad Request"), fate::final, fate::final},
      {answer("401 Unauthorized"), fate::final, fate::final},
      {answer("404 Not Found"), fate::final, fate::final},
      {answer("408 Timeout"), fate::again, fate::final},
      {answer("429 Too Many"), fate::again, fate::final},
      {answer("500 Oops"), fate::again, fate::final},
      {answer("503 Busy"), fate::again, fate::final},
      {"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", fate::final, fate::final},
      {"SSH-2.0-OpenSSH\r\n\r\n", fate::final, fate::final},
      {"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", fate::final, fate::final},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n", fate::final, fate::final},
      {"", fate::again, fate::again},
      {"HTTP/1.1 20", fate::again, fate::again},
  };
  for (const auto& r : rows) {
    for (const bool strict : {false, true}) {
      const event_site site(ioc, says({r.text, ok + "data: again\n\n"}));
      event_source es(ioc.get_executor(), "http://h/", site.options().strict(strict));
      auto became = fate::final;
      try {
        const auto got = co_await next_data(es);
        became = got == "x" ? fate::opened : got == "again" ? fate::again : fate::end;
      } catch (const handshake_error& e) {
        BOOST_CHECK(std::string_view(e.what()).starts_with("event_source: "));
        BOOST_TEST_MESSAGE(e.what());
      }
      BOOST_CHECK_MESSAGE(became == (strict ? r.strict : r.usual), (strict ? "strict: " : "usual: ") << r.text);
    }
  }
}

COAX_SCENARIO_TEST(a_final_error_tells_what_the_server_said) {
  const event_site site(ioc, says({answer("403 Forbidden", "X-Why: you\r\n")}));
  event_source es(ioc.get_executor(), "http://h/", site.options());
  for (int i = 0; i < 2; ++i) {
    bool thrown = false;
    try {
      co_await next_data(es);
    } catch (const handshake_error& e) {
      thrown = true;
      BOOST_CHECK_EQUAL(e.status(), 403u);
      BOOST_CHECK_EQUAL(e.fields().get("X-Why"), "you");
      BOOST_CHECK_EQUAL(e.body(), "nope");
      BOOST_CHECK(std::string_view(e.what()).starts_with("event_source: h answered 403"));
    }
    BOOST_CHECK(thrown);
  }
  BOOST_CHECK_EQUAL(site.connections(), 1);
  BOOST_CHECK(!es.try_next());
}

COAX_SCENARIO_TEST(redirects_are_followed_and_reconnects_begin_at_the_original_url) {
  const event_site site(ioc, [](stream_ptr s, std::string request, int) -> task<> {
    std::string text = answer("307 There", "Location: /b?c\r\n");
    if (request.starts_with("GET /b?c ")) text = ok + "id: 7\ndata: x\n\n";
    co_await send_and_end(s, text);
  });
  std::vector<std::string> opened;
  const auto options = site.options().on_change([&](const sse::event_source_change& c) {
    if (c.what == sse::event_source_change::kind::opened) opened.push_back(c.text);
  });
  event_source es(ioc.get_executor(), "http://h/a", options);
  for (int i = 0; i < 2; ++i) co_await next_data(es);
  BOOST_REQUIRE_EQUAL(site.requests().size(), 4u);
  BOOST_CHECK(site.requests()[2].starts_with("GET /a "));
  BOOST_CHECK_EQUAL(field(site.requests()[2], "Last-Event-ID"), "7");
  BOOST_CHECK_EQUAL(field(site.requests()[3], "Last-Event-ID"), "7");
  BOOST_CHECK((opened == std::vector<std::string>(2, "http://h/b?c")));
}

// A server answers 400 to such a field, and that would be the end.
COAX_SCENARIO_TEST(an_id_that_fits_in_no_field_is_not_sent) {
  const std::string long_id(9000, 'i');
  event_site site(ioc, says({ok + "id: a\x01\ndata: 1\n\n", ok + "id: good\ndata: 2\n\n",
                             ok + "id: " + long_id + "\ndata: 3\n\n", ok + "data: 4\n\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options());
  for (const std::string expected : {"1", "2", "3", "4"}) {
    const auto data = co_await next_data(es);
    BOOST_TEST(data == expected);
  }
  BOOST_REQUIRE(site.requests().size() == 4u);
  BOOST_TEST(site.requests()[1].find("Last-Event-ID") == std::string::npos);
  BOOST_TEST(site.requests()[2].find("Last-Event-ID: good\r\n") != std::string::npos);
  BOOST_TEST(site.requests()[3].find("Last-Event-ID") == std::string::npos);
  BOOST_TEST(es.last_event_id() == long_id);
}

COAX_SCENARIO_TEST(redirects_have_an_end) {
  const event_site site(ioc, says({answer("302 Round", "Location: /\r\n")}));
  event_source es(ioc.get_executor(), "http://h/", site.options().max_redirects(3));
  std::string text;
  const auto ec = co_await next_failure(es, {}, &text);
  BOOST_CHECK(ec == errc::handshake_failed);
  BOOST_CHECK(text.find("redirect number 4") != text.npos);
  BOOST_CHECK_EQUAL(site.connections(), 4);

  event_source none(ioc.get_executor(), "http://h/", site.options().max_redirects(0));
  const auto at_once = co_await next_failure(none);
  BOOST_CHECK(at_once == errc::handshake_failed);
  BOOST_CHECK_EQUAL(site.connections(), 5);
}

BOOST_AUTO_TEST_CASE(what_a_redirect_makes_of_the_request) {
  struct row {
    const char* method;
    unsigned status;
    const char* becomes;
  };
  const row rows[] = {{"GET", 301, "GET"},   {"POST", 301, "GET"}, {"POST", 302, "GET"}, {"POST", 303, "GET"},
                      {"POST", 307, "POST"}, {"PUT", 301, "PUT"},  {"PUT", 303, "GET"},  {"POST", 308, "POST"}};
  for (const auto& r : rows) {
    auto options = event_source_options().header("Content-Language", "en").header("Authorization", "secret");
    if (r.method != std::string_view("GET")) options.body("hello", "text/plain");
    options.method(r.method);
    const auto target = detail::parse_target("http://a/", detail::url_schemes::http);
    sse::event_request request(*target, options);
    const protocol::header_field fields[] = {{"Location", "https://b:8443/x"}};
    BOOST_REQUIRE(request.follow(r.status, fields));
    const auto bytes = request.bytes("5");
    BOOST_CHECK_MESSAGE(bytes.starts_with(std::string(r.becomes) + " /x HTTP/1.1\r\nHost: b:8443\r\n"),
                        r.method << ' ' << r.status);
    BOOST_CHECK_EQUAL(field(bytes, "Last-Event-ID"), "5");
    BOOST_CHECK_EQUAL(field(bytes, "Authorization"), "");
    const bool with_body = r.becomes != std::string_view("GET");
    BOOST_CHECK_EQUAL(field(bytes, "Content-Type"), with_body ? "text/plain" : "");
    BOOST_CHECK_EQUAL(field(bytes, "Content-Language"), with_body || r.method == std::string_view("GET") ? "en" : "");
    BOOST_CHECK(bytes.ends_with(with_body ? "\r\n\r\nhello" : "\r\n\r\n"));
  }
}

BOOST_AUTO_TEST_CASE(targets_of_http) {
  using detail::parse_target;
  using detail::redirect_target;
  constexpr auto http = detail::url_schemes::http;
  const auto secure = parse_target("https://h/a/b", http);
  BOOST_REQUIRE(secure && secure->secure);
  BOOST_CHECK_EQUAL(redirect_target(*secure, "//g/c")->http_url(), "https://g/c");
  BOOST_CHECK(!redirect_target(*secure, "http://h/"));
  BOOST_CHECK(!redirect_target(*secure, "wss://h/"));
  BOOST_CHECK(!redirect_target(*secure, "http+unix:///a"));
  const auto local = parse_target("http+unix:///run/a.sock:/b", http);
  BOOST_REQUIRE(local);
  BOOST_CHECK_EQUAL(local->socket_path, "/run/a.sock");
  BOOST_CHECK_EQUAL(local->request, "/b");
  BOOST_CHECK(!parse_target("http+unix://h/a", http));
}

class jar final : public cookie_jar {
 public:
  std::string cookies_for(std::string_view url) override { return "from=" + std::string(url); }
  void set_cookie(std::string_view url, std::string_view value) override {
    set += std::string(url) + " " + std::string(value) + ";";
  }
  std::string set;
};

COAX_SCENARIO_TEST(cookies_come_from_a_jar_and_go_there) {
  const auto cookies = std::make_shared<jar>();
  const event_site site(ioc, says({stream_head + "Set-Cookie: a=1\r\n\r\ndata: x\n\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options().cookies(cookies));
  co_await next_data(es);
  BOOST_CHECK_EQUAL(field(site.requests().front(), "Cookie"), "from=http://h/");
  BOOST_CHECK_EQUAL(cookies->set, "http://h/ a=1;");
}

COAX_SCENARIO_TEST(what_a_hook_throws_that_is_no_error_of_the_network_is_final) {
  auto options =
      event_source_options().connector([](std::string, std::uint16_t, context) -> task<std::shared_ptr<transport>> {
        throw std::out_of_range("mine");
        co_return nullptr;
      });
  event_source es(ioc.get_executor(), "http://h/", options);
  for (int i = 0; i < 2; ++i) {
    bool thrown = false;
    try {
      co_await next_data(es);
    } catch (const std::out_of_range&) {
      thrown = true;
    }
    BOOST_CHECK(thrown);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
