// The cookie that keeps a client at its node: its rules, and the answers that carry it.

#include "http/support.hpp"
#include <coax/affinity.hpp>
#include <coax/sse.hpp>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

BOOST_AUTO_TEST_SUITE(affinity_cookie)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

const signing_keys keys({"a secret for the tests of affinity"});
const auto today = std::chrono::system_clock::from_time_t(1'800'000'000);

// Of a Set-Cookie: "name=value".
std::string pair_of(std::string_view set_cookie) { return std::string(set_cookie.substr(0, set_cookie.find(';'))); }

std::string value_of(std::string_view set_cookie) {
  const auto pair = pair_of(set_cookie);
  return pair.substr(pair.find('=') + 1);
}

std::string cookie_of(const affinity& a, std::chrono::system_clock::time_point now = today) {
  return pair_of(a.set_cookie({}, false, now).value_or(""));
}

// Whose cookie the answer sets; "-" for none.
std::string set_for(const affinity& a, std::string_view cookies, std::chrono::system_clock::time_point now = today) {
  const auto c = a.set_cookie(cookies, false, now);
  return c ? a.verified_node(value_of(*c), now).value_or("nobody") : "-";
}

std::string cookie_field(const std::string& pair) { return "Cookie: " + pair + "\r\n"; }

task<> serve_text(exchange& x, context) { co_await x.respond(200, "text/plain", "text"); }

task<> serve_chunks(exchange& x, context) {
  co_await x.start(response());
  co_await x.send("text");
}

task<> serve_public(exchange& x, context) {
  co_await x.respond(response().header("Cache-Control", "max-age=60, Public").body("text"));
}

task<> serve_websocket(exchange& x, context ctx) {
  auto c = co_await accept(x);
  while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
}

task<> serve_events(exchange& x, context ctx) {
  auto s = co_await sse::accept(x, sse::stream_options(), ctx);
  const sse::event one("1");
  co_await s.send(one, ctx);
  co_await s.close();
}

struct node {
  explicit node(asio::io_context& ioc, const affinity& a, server_options o = {}) : server(ioc, o.affinity(a)) {
    server.srv.get("/text", serve_text).get("/chunks", serve_chunks).get("/public", serve_public);
    server.srv.get("/ws", serve_websocket).get("/events", serve_events);
    server.start();
  }
  running_server server;
};

// The answer to one request on a connection of its own, as far as its head.
task<raw_reply> ask(asio::io_context& ioc, const node& n, std::string path, std::string fields) {
  raw_client c(ioc, n.server.srv.port());
  if (path == "/ws") fields += websocket_fields;
  co_await c.send(get(path, fields));
  co_return co_await c.read(expect_body::no);
}

const std::vector<std::string> all_paths{"/text", "/chunks", "/ws", "/events", "/nowhere"};

}  // namespace

BOOST_AUTO_TEST_CASE(a_client_without_a_cookie_gets_one_of_this_node) {
  const affinity a("n1", keys);

  const auto c = a.set_cookie("theme=dark; coax_node_2=n2.x", false, today);

  BOOST_REQUIRE(c);
  BOOST_TEST(c->starts_with("coax_node=n1."));
  BOOST_TEST(c->ends_with("; Max-Age=86400; Path=/; HttpOnly"));
  BOOST_TEST((a.verified_node(value_of(*c), today) == "n1"));
}

// RFC 6265 section 4.1.1 allows more, but AWS does not take what would have to be encoded, and others do not unquote.
BOOST_AUTO_TEST_CASE(a_value_is_of_characters_that_every_balancer_takes) {
  const affinity a("Node_1-b", keys);
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

  const auto value = value_of(*a.set_cookie({}, false, today));

  BOOST_TEST(value.find_first_not_of(plain) == std::string::npos);
  BOOST_TEST(value.size() < 128U);
  BOOST_TEST(affinity::named_node(value) == "Node_1-b");
}

BOOST_AUTO_TEST_CASE(attributes_are_those_that_were_asked_for) {
  const auto ends = [](const affinity& a, bool tls, std::string_view expected) {
    const auto c = a.set_cookie({}, tls, today);
    BOOST_TEST(c->substr(c->find(';')) == expected);
  };

  ends(affinity("n1", keys), true, "; Max-Age=86400; Path=/; HttpOnly; Secure");
  ends(affinity("n1", keys).secure(false), true, "; Max-Age=86400; Path=/; HttpOnly");
  ends(affinity("n1", keys).secure(true).http_only(false), false, "; Max-Age=86400; Path=/; Secure");
  ends(affinity("n1", keys).same_site(same_site::none), false,
       "; Max-Age=86400; Path=/; HttpOnly; Secure; SameSite=None");
  ends(affinity("n1", keys).same_site(same_site::strict).path("/live").max_age(60s), false,
       "; Max-Age=60; Path=/live; HttpOnly; SameSite=Strict");
  ends(affinity("n1", keys).same_site(same_site::lax), false, "; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax");
  ends(affinity("n1", keys).max_age(std::chrono::seconds::max()), false, "; Max-Age=3153600000; Path=/; HttpOnly");
  BOOST_TEST(affinity("n1", keys).cookie("lb").set_cookie({}, false, today)->starts_with("lb=n1."));
}

BOOST_AUTO_TEST_CASE(a_good_cookie_is_left_and_renewed_in_its_second_half) {
  const affinity a("n1", keys);
  const auto cookie = cookie_of(a);

  BOOST_TEST(set_for(a, cookie) == "-");
  BOOST_TEST(set_for(a, "x=1;  " + cookie + " ; y=2") == "-");
  BOOST_TEST(set_for(a, cookie, today + 11h) == "-");
  BOOST_TEST(set_for(a, cookie, today + 13h) == "n1");
  const affinity for_ever = affinity("n1", keys).max_age(std::chrono::seconds::max());
  BOOST_TEST(set_for(for_ever, cookie_of(for_ever), today + 24h * 365) == "-");
}

BOOST_AUTO_TEST_CASE(what_is_expired_forged_or_of_another_node_is_replaced) {
  const affinity a("n1", keys);
  const signing_keys others({"a secret of somebody else"});
  const auto cookie = cookie_of(a);

  BOOST_TEST(set_for(a, cookie, today + 25h) == "n1");
  BOOST_TEST(set_for(a, cookie_of(affinity("n1", others))) == "n1");
  BOOST_TEST(set_for(a, cookie_of(affinity("n2", keys))) == "n1");
  BOOST_TEST(set_for(a, cookie_of(affinity("n2", keys).cookie("other"))) == "n1");
  // The signature is for one name.
  auto renamed = cookie_of(affinity("n2", keys));
  renamed[renamed.find("n2") + 1] = '1';
  BOOST_TEST(set_for(a, renamed) == "n1");
  for (const auto* value : {"", "n1", "n1.", "n1.x", ".", "n1.n1.n1", "n1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
    BOOST_TEST(set_for(a, std::string("coax_node=") + value) == "n1", value);
}

BOOST_AUTO_TEST_CASE(a_node_that_lives_keeps_a_client_that_has_strayed) {
  bool n2_lives = true;
  const auto a = affinity("n1", keys).is_alive([&](std::string_view node) { return node == "n1" || n2_lives; });
  const auto cookie = cookie_of(affinity("n2", keys));

  BOOST_TEST(set_for(a, cookie) == "-");
  BOOST_TEST(set_for(a, "coax_node=n2.forged") == "n1");
  n2_lives = false;
  BOOST_TEST(set_for(a, cookie) == "n1");
}

BOOST_AUTO_TEST_CASE(a_node_that_leaves_takes_its_cookies_back) {
  const auto a = affinity("n1", keys).is_alive([](std::string_view node) { return node != "n1"; });

  BOOST_TEST((a.set_cookie({}, false, today) == std::nullopt));
  BOOST_TEST((a.set_cookie(cookie_of(affinity("n2", keys)), false, today) == std::nullopt));
  BOOST_TEST(
      (a.set_cookie(cookie_of(affinity("n1", keys)), false, today) == "coax_node=; Max-Age=0; Path=/; HttpOnly"));
}

BOOST_AUTO_TEST_CASE(a_rotated_secret_keeps_clients_at_home) {
  const signing_keys rotated({"a newer secret for the tests", "a secret for the tests of affinity"});

  BOOST_TEST(set_for(affinity("n1", rotated), cookie_of(affinity("n1", keys))) == "-");
}

BOOST_AUTO_TEST_CASE(what_would_break_a_header_is_an_error) {
  for (const auto& name : {std::string(), std::string("a.b"), std::string("a b"), std::string("a;b"),
                           std::string("\xc3"), std::string(65, 'n')})
    BOOST_CHECK_THROW(affinity(name, keys), std::invalid_argument);
  affinity a("n1", keys);
  for (const auto* name : {"", "a b", "a=b", "a;b"}) BOOST_CHECK_THROW(a.cookie(name), std::invalid_argument);
  for (const auto* path : {"", "x", "/;x", "/\r\n"}) BOOST_CHECK_THROW(a.path(path), std::invalid_argument);
  BOOST_CHECK_THROW(a.max_age(1s), std::invalid_argument);
}

COAX_CORO_TEST(every_kind_of_answer_brings_the_client_home) {
  const affinity a("n1", keys);
  node n(ioc, a);

  for (const auto& path : all_paths) {
    const auto r = co_await ask(ioc, n, path, "");
    const auto value = value_of(r.header("Set-Cookie"));
    BOOST_TEST((a.verified_node(value) == "n1"), path << ": " << r.head);
    BOOST_TEST((r.status < 400 || r.status == 404));

    const auto again = co_await ask(ioc, n, path, cookie_field(pair_of(r.header("Set-Cookie"))));
    BOOST_TEST(!again.has("Set-Cookie"), path);
    BOOST_TEST(again.status == r.status);
  }
  co_await n.server.stop();
}

COAX_CORO_TEST(a_client_of_another_node_is_served_and_moves) {
  const affinity a("n1", keys);
  node n(ioc, a);
  const auto now = std::chrono::system_clock::now();
  const std::vector<std::string> strangers{cookie_of(affinity("n2", keys), now),
                                           cookie_of(affinity("n1", keys), now - 25h), "coax_node=n1.forged",
                                           "coax_node=" + std::string(8000, 'A'), "coax_node=%00;;=;coax_node"};

  for (const auto& path : all_paths)
    for (const auto& cookie : strangers) {
      const auto r = co_await ask(ioc, n, path, cookie_field(cookie));
      BOOST_TEST((r.status < 400 || path == "/nowhere"), path << ' ' << cookie);
      BOOST_TEST((a.verified_node(value_of(r.header("Set-Cookie"))) == "n1"), path << ' ' << cookie);
    }
  co_await n.server.stop();
}

COAX_CORO_TEST(what_shared_caches_keep_has_no_cookie) {
  node n(ioc, affinity("n1", keys));

  const auto r = co_await ask(ioc, n, "/public", "");

  BOOST_TEST(r.status == 200U);
  BOOST_TEST(!r.has("Set-Cookie"));
  co_await n.server.stop();
}

COAX_CORO_TEST(the_cookie_is_secure_when_a_trusted_proxy_says_that_the_client_came_over_tls) {
  node n(ioc, affinity("n1", keys), server_options().trusted_proxies({"127.0.0.1"}));

  const auto plain = co_await ask(ioc, n, "/text", "");
  const auto tls = co_await ask(ioc, n, "/text", "X-Forwarded-Proto: https\r\n");

  BOOST_TEST(plain.header("Set-Cookie").find("Secure") == std::string::npos);
  BOOST_TEST(tls.header("Set-Cookie").find("; Secure") != std::string::npos);
  co_await n.server.stop();
}

COAX_CORO_TEST(a_request_that_beast_has_read_can_be_answered_with_it) {
  const affinity a("n1", keys);
  tcp::acceptor acceptor(ioc, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  raw_client client(ioc, acceptor.local_endpoint().port());
  auto socket = co_await acceptor.async_accept(asio::use_awaitable);
  boost::beast::http::request<boost::beast::http::empty_body> request{boost::beast::http::verb::get, "/ws", 11};
  request.set("Host", "a");
  request.set("Connection", "Upgrade");
  request.set("Upgrade", "websocket");
  request.set("Sec-WebSocket-Version", "13");
  request.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  request.set("Cookie", cookie_of(affinity("n2", keys)));

  accept_options options;
  const auto field = request["Cookie"];
  if (const auto c = a.set_cookie({field.data(), field.size()}, false)) options.header("Set-Cookie", *c);
  auto c = co_await accept(std::move(socket), request, asio::const_buffer(), options);
  const auto r = co_await client.read(expect_body::no);

  BOOST_TEST(r.status == 101U);
  BOOST_TEST((a.verified_node(value_of(r.header("Set-Cookie"))) == "n1"));
  c.close_now();
}

BOOST_AUTO_TEST_SUITE_END()
