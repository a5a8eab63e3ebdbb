/// Redirects over sockets.
#include "dial/scripted_server.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <map>
#include <set>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(redirects)

using namespace test;
using namespace std::chrono_literals;
using stream_ptr = std::shared_ptr<detail::stream>;

std::string redirect(const std::string& location, const std::string& more = {}) {
  return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 4\r\n" + more + "\r\nGone";
}

// Answers by the path of the request, and remembers the heads.
struct site {
  std::map<std::string, std::string> answers;  // others get an upgrade
  std::vector<std::string> requests;

  scripted_server::script script() {
    return [this](stream_ptr s, std::string request) -> task<> {
      requests.push_back(request);
      const auto path = request.substr(4, request.find(" HTTP") - 4);
      const auto found = answers.find(path);
      std::string answer = found == answers.end() ? upgrade(request) + "\x81\x05hello" : found->second;
      co_await send(s, std::move(answer));
      co_await wait_for_end(s);
    };
  }
};

task<std::optional<handshake_error>> refusal(std::string url, dial_options options = {}) {
  try {
    const auto c = co_await dial(std::move(url), std::move(options));
    BOOST_ERROR("was accepted");
  } catch (const handshake_error& e) {
    BOOST_TEST_MESSAGE(e.what());
    co_return e;
  }
  co_return std::nullopt;
}

COAX_CORO_TEST(redirects_of_every_kind_are_followed) {
  site s;
  s.answers["/"] = "HTTP/1.1 301 Moved\r\nLocation: /b\r\n\r\n";
  s.answers["/b"] = "HTTP/1.1 303 See\r\nLocation: c?x=1\r\nContent-Length: 999999999\r\n\r\n";
  s.answers["/c?x=1"] = "HTTP/1.1 307 Moved\r\nLocation: ?x=2\r\nTransfer-Encoding: chunked\r\n\r\nzzz";
  s.answers["/c?x=2"] = "HTTP/1.1 308 Moved\r\nLocation: //127.0.0.1:{port}/d#e\r\n\r\n";
  const scripted_server server(ioc, s.script());
  auto& last = s.answers["/c?x=2"];
  last.replace(last.find("{port}"), 6, server.port());
  s.answers["/d"] = redirect(server.url("http") + "end");

  auto c = co_await dial(server.url());
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
  BOOST_CHECK_EQUAL(server.accepted(), 6);
  BOOST_CHECK(s.requests.back().starts_with("GET /end HTTP/1.1\r\n"));
  std::set<std::string> keys;
  for (const auto& r : s.requests) keys.insert(field(r, "Sec-WebSocket-Key"));
  BOOST_CHECK_EQUAL(keys.size(), s.requests.size());
}

COAX_CORO_TEST(credentials_do_not_go_to_another_host) {
  site there;
  const scripted_server other(ioc, there.script());
  site here;
  here.answers["/"] = redirect("/again");
  here.answers["/again"] = redirect(other.url());
  const scripted_server server(ioc, here.script());

  const auto url = "ws://me:secret@127.0.0.1:" + server.port() + "/";
  auto c = co_await dial(url, dial_options().header("Cookie", "a=b").header("X-App", "1"));
  BOOST_REQUIRE_EQUAL(here.requests.size(), 2u);
  BOOST_CHECK_EQUAL(field(here.requests[1], "Authorization"), "Basic bWU6c2VjcmV0");
  BOOST_REQUIRE_EQUAL(there.requests.size(), 1u);
  BOOST_CHECK_EQUAL(field(there.requests[0], "Authorization"), "");
  BOOST_CHECK_EQUAL(field(there.requests[0], "Cookie"), "");
  BOOST_CHECK_EQUAL(field(there.requests[0], "X-App"), "1");
}

COAX_CORO_TEST(plain_text_leads_to_tls_and_never_back) {
  site plain;
  const scripted_server open(ioc, plain.script());
  site safe;
  safe.answers["/down"] = redirect(open.url());
  scripted_server secured(ioc, safe.script());
  secured.tls();
  plain.answers["/up"] = redirect(secured.url("https", "localhost"));

  auto c = co_await dial(open.url() + "up", dial_options().tls(client_tls()));
  BOOST_CHECK(c.secure());
  c.close_now();

  const auto e = co_await refusal(secured.url("wss") + "down", dial_options().tls(client_tls()));
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->status(), 302u);
  BOOST_CHECK_MESSAGE(std::string_view(e->what()).find("plain text") != std::string_view::npos, e->what());
}

COAX_CORO_TEST(a_loop_ends_with_an_error) {
  site s;
  s.answers["/"] = redirect("/", "X-Loop: yes\r\n");
  const scripted_server server(ioc, s.script());

  const auto e = co_await refusal(server.url());
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(server.accepted(), 11);
  BOOST_CHECK_EQUAL(e->status(), 302u);
  BOOST_CHECK_EQUAL(e->fields().get("X-Loop"), "yes");
  BOOST_CHECK_EQUAL(e->body(), "Gone");
  BOOST_CHECK_MESSAGE(std::string_view(e->what()).find("redirect number 11") != std::string_view::npos, e->what());
}

COAX_CORO_TEST(redirects_can_be_turned_off) {
  site s;
  s.answers["/"] = redirect("/x");
  const scripted_server server(ioc, s.script());

  const auto e = co_await refusal(server.url(), dial_options().max_redirects(0));
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->status(), 302u);
  BOOST_CHECK_EQUAL(e->fields().get("Location"), "/x");
  BOOST_CHECK_EQUAL(server.accepted(), 1);
}

COAX_CORO_TEST(a_redirect_to_nowhere_is_a_refusal) {
  for (const auto* location :
       {"", "Location: ws+unix:///run/app.sock\r\n", "Location: /a b\r\n", "Location: http://\r\n",
        "Location: ws://h:99999/\r\n", "Location: /x\r\nLocation: /x\r\n"}) {
    const scripted_server server(
        ioc, reply("HTTP/1.1 302 Found\r\n" + std::string(location) + "Content-Length: 2\r\n\r\nno", afterwards::stay));
    const auto e = co_await refusal(server.url());
    BOOST_REQUIRE_MESSAGE(e, location);
    BOOST_CHECK_EQUAL(e->status(), 302u);
    BOOST_CHECK_EQUAL(e->body(), "no");
    BOOST_CHECK_EQUAL(server.accepted(), 1);
  }
}

COAX_CORO_TEST(the_jar_sees_every_answer) {
  struct jar_of_one final : cookie_jar {
    std::string cookies_for(std::string_view) override { return cookie; }
    void set_cookie(std::string_view, std::string_view v) override { cookie = v.substr(0, v.find(';')); }
    std::string cookie;
  };
  const auto jar = std::make_shared<jar_of_one>();
  site s;
  s.answers["/"] = redirect("/x", "Set-Cookie: id=1; HttpOnly\r\n");
  s.answers["/forbidden"] = "HTTP/1.1 403 No\r\nSet-Cookie: id=2\r\nContent-Length: 0\r\n\r\n";
  const scripted_server server(ioc, s.script());

  auto c = co_await dial(server.url(), dial_options().cookies(jar));
  BOOST_CHECK_EQUAL(field(s.requests[0], "Cookie"), "");
  BOOST_CHECK_EQUAL(field(s.requests[1], "Cookie"), "id=1");
  c.close_now();
  const auto e = co_await refusal(server.url() + "forbidden", dial_options().cookies(jar));
  BOOST_CHECK_EQUAL(jar->cookie, "id=2");
}

COAX_CORO_TEST(the_time_limit_holds_for_all_redirects_together) {
  testing::virtual_clock clock;
  const scripted_server server(ioc, [&clock](stream_ptr s, std::string) -> task<> {
    clock.advance(9s);
    co_await settle();
    co_await send(s, redirect("/"));
    co_await wait_for_end(s);
  });
  error_code ec;
  try {
    const auto c = co_await dial(server.url());
  } catch (const system_error& e) {
    ec = e.code();
  }
  BOOST_CHECK_EQUAL(ec, error_code(errc::handshake_timeout));
  BOOST_CHECK_EQUAL(server.accepted(), 4);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
