/// Proxies that behave and misbehave, over sockets and in memory.
#include "dial/scripted_server.hpp"
#include "io/tls_transport.hpp"
#include "protocol/accept_key.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cstdlib>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(proxying)

using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using stream_ptr = std::shared_ptr<detail::stream>;

const std::string established = "HTTP/1.1 200 Connection established\r\n\r\n";

// Answers the CONNECT, then the handshake through the tunnel, and greets.
scripted_server::script tunnel(std::string answer, std::string* request = nullptr) {
  return [answer, request](stream_ptr s, std::string connect) -> task<> {
    if (request) *request = connect;
    co_await send(s, answer);
    const std::string upgrade_request = co_await read_head(s);
    co_await send(s, upgrade(upgrade_request) + "\x81\x05hello");
    co_await wait_for_end(s);
  };
}

dial_options by(const scripted_server& proxy, const std::string& scheme = "http", const std::string& user = {}) {
  return dial_options().proxy(scheme + "://" + user + "127.0.0.1:" + proxy.port());
}

struct outcome {
  outcome() = default;
  error_code code;
  std::string text;
  unsigned status = 0;
  bool proxy = false;
  std::string body;
};

task<outcome> failure(std::string url, dial_options options, context ctx = {}) {
  outcome o;
  try {
    const auto c = co_await dial(std::move(url), std::move(options), std::move(ctx));
    BOOST_ERROR("was accepted");
  } catch (const proxy_error& e) {
    o.proxy = true;
    o.status = e.status();
    o.body = e.body();
    o.code = e.code();
    o.text = e.what();
  } catch (const system_error& e) {
    o.code = e.code();
    o.text = e.what();
  }
  BOOST_CHECK_MESSAGE(o.text.find("secret") == o.text.npos, o.text);
  co_return o;
}

COAX_CORO_TEST(ws_goes_through_a_tunnel_too) {
  std::string request;
  const scripted_server proxy(ioc, tunnel(established, &request));
  auto c = co_await dial("ws://me:pw@server.example/x", by(proxy, "http", "Aladdin:open%20sesame@"));
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
  BOOST_CHECK_EQUAL(request,
                    "CONNECT server.example:80 HTTP/1.1\r\nHost: server.example:80\r\n"
                    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
  BOOST_CHECK(!c.secure());
}

COAX_CORO_TEST(an_answer_to_connect_has_no_body_whatever_it_says) {
  for (const auto* fields : {"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"}) {
    const scripted_server proxy(ioc, tunnel("HTTP/1.0 299 Fine\r\n"s + fields + "\r\n"));
    auto c = co_await dial("ws://server.example/", by(proxy));
    const auto m = co_await c.read();
    BOOST_CHECK_EQUAL(m.text(), "hello");
  }
}

// A server that talks first: what it says arrives together with the proxy's answer.
COAX_CORO_TEST(bytes_behind_the_answer_belong_to_the_server) {
  const scripted_server proxy(ioc, [](stream_ptr s, std::string) -> task<> {
    co_await send(s, established + "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    const std::string request = co_await read_head(s);
    co_await send(s, upgrade(request) + "\x81\x05hello");
    co_await wait_for_end(s);
  });
  auto c = co_await dial("ws://server.example/", by(proxy));
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
  co_await c.write_text("hi");
  BOOST_CHECK_EQUAL(c.remote_endpoint(), "127.0.0.1:" + proxy.port());
}

COAX_CORO_TEST(bytes_behind_the_answer_are_given_to_tls) {
  const scripted_server proxy(ioc, [](stream_ptr s, std::string) -> task<> {
    co_await send(s, established + "SSH-2.0-OpenSSH_9.2\r\n");
    co_await wait_for_end(s);
  });
  const auto o = co_await failure("wss://server.example/", by(proxy));
  BOOST_CHECK_MESSAGE(o.code.category() == asio::error::get_ssl_category(), o.text);
}

COAX_CORO_TEST(tls_to_the_proxy_does_not_make_the_connection_secure) {
  scripted_server proxy(ioc, tunnel(established));
  proxy.tls();
  auto c = co_await dial("ws://server.example/", by(proxy, "https").tls(client_tls()));
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
  BOOST_CHECK(!c.secure());
  c.close_now();

  const auto o = co_await failure("ws://server.example/", by(proxy, "https"));
  BOOST_CHECK_MESSAGE(o.text.find("the TLS handshake with the proxy") != o.text.npos, o.text);
  auto other = co_await dial("ws://server.example/", by(proxy, "https").proxy_tls(client_tls()));
  BOOST_CHECK(other);
}

COAX_CORO_TEST(refusals_of_a_proxy_are_told_from_those_of_the_server) {
  const scripted_server proxy(ioc, reply("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                                         "Content-Length: 8\r\n\r\nwho else",
                                         afterwards::stay));
  const auto none = co_await failure("wss://server.example/", by(proxy));
  BOOST_CHECK(none.proxy && none.code == errc::proxy_failed && none.status == 407 && none.body == "who else");
  BOOST_CHECK_MESSAGE(none.text.find("its URL has none") != none.text.npos, none.text);
  const auto wrong = co_await failure("wss://server.example/", by(proxy, "http", "me:secret@"));
  BOOST_CHECK(wrong.proxy && wrong.status == 407);
  BOOST_CHECK_MESSAGE(wrong.text.find("does not take the credentials") != wrong.text.npos, wrong.text);
  const auto token = by(proxy).proxy_header("Proxy-Authorization", "Bearer secret");
  const auto other = co_await failure("wss://server.example/", token);
  BOOST_CHECK_MESSAGE(other.text.find("does not take the credentials") != other.text.npos, other.text);

  const scripted_server refusing(ioc, tunnel("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
  const auto refused = co_await failure("ws://server.example:81/", by(refusing));
  BOOST_CHECK(refused.proxy && refused.status == 403);
  BOOST_CHECK_MESSAGE(refused.text.find("CONNECT server.example:81") != refused.text.npos, refused.text);
}

COAX_CORO_TEST(proxies_that_misbehave_are_proxy_errors) {
  const struct {
    const char* answer;
    const char* text;
  } rows[] = {
      {"", "ended the connection"},
      {"HTTP/1.1 200 O", "ended the connection"},
      {"garbage\r\n\r\n", "did not answer with HTTP"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "answered 101"},
      {"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "answered 302"},
  };
  for (const auto& row : rows) {
    const scripted_server proxy(ioc, reply(row.answer));
    const auto o = co_await failure("ws://server.example/", by(proxy, "http", "me:secret@"));
    BOOST_CHECK_MESSAGE(o.proxy && o.text.find(row.text) != o.text.npos, o.text);
  }
  const scripted_server huge(ioc,
                             reply("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", afterwards::stay));
  const auto o = co_await failure("ws://server.example/", by(huge));
  BOOST_CHECK_MESSAGE(o.proxy && o.text.find("16 KiB") != o.text.npos, o.text);
}

COAX_CORO_TEST(silence_of_a_proxy_ends_with_the_time_limit) {
  testing::virtual_clock clock;
  const scripted_server proxy(ioc, [&clock](stream_ptr s, std::string) -> task<> {
    co_await settle();
    clock.advance(30s);
    co_await wait_for_end(s);
  });
  const auto o = co_await failure("ws://server.example/", by(proxy));
  BOOST_CHECK_EQUAL(o.code, error_code(errc::handshake_timeout));
}

COAX_CORO_TEST(a_proxy_that_is_not_there_is_named) {
  std::string url;
  {
    const scripted_server proxy(ioc, reply(""));
    url = "http://me:secret@127.0.0.1:" + proxy.port();
  }
  const auto o = co_await failure("ws://server.example/", dial_options().proxy(url));
  BOOST_CHECK_EQUAL(o.code, error_code(asio::error::connection_refused));
  BOOST_CHECK_MESSAGE(o.text.find("the proxy 127.0.0.1") != o.text.npos, o.text);
}

COAX_CORO_TEST(the_environment_names_a_proxy_unless_it_is_not_asked) {
  const scripted_server proxy(ioc, tunnel(established));
  ::setenv("http_proxy", ("127.0.0.1:" + proxy.port()).c_str(), 1);
  auto c = co_await dial("ws://server.invalid/");
  const auto o = co_await failure("ws://server.invalid/", dial_options().proxy_from_environment(false));
  ::unsetenv("http_proxy");
  BOOST_CHECK(c);
  BOOST_CHECK_MESSAGE(o.text.find("resolving server.invalid") != o.text.npos, o.text);
}

COAX_CORO_TEST(every_redirect_chooses_its_proxy) {
  std::string seen;
  const scripted_server server(ioc, [&seen](stream_ptr s, std::string request) -> task<> {
    seen = request;
    co_await send(s, upgrade(request));
    co_await wait_for_end(s);
  });
  std::string request;
  const scripted_server proxy(ioc, [&](stream_ptr s, std::string connect) -> task<> {
    request += connect;
    co_await send(s, established);
    co_await read_head(s);
    co_await send(s, "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + server.url() + "\r\n\r\n");
  });
  ::setenv("http_proxy", ("me:pw@127.0.0.1:" + proxy.port()).c_str(), 1);
  auto c = co_await dial("ws://server.invalid/", dial_options().proxy_header("X-Proxy", "y"));
  ::unsetenv("http_proxy");
  // The second server is at a loopback address, which is reached directly.
  BOOST_CHECK(request.starts_with("CONNECT server.invalid:80 "));
  BOOST_CHECK_EQUAL(field(request, "X-Proxy"), "y");
  BOOST_CHECK(seen.starts_with("GET / "));
  BOOST_CHECK_EQUAL(field(seen, "Proxy-Authorization") + field(seen, "X-Proxy"), "");
  c.close_now();

  request.clear();
  const auto o = co_await failure("ws://server.invalid/", by(proxy).max_redirects(1));
  BOOST_CHECK_MESSAGE(!o.proxy && o.text.find("redirect number 2") != o.text.npos, o.text);
  BOOST_CHECK_MESSAGE(request.find("CONNECT 127.0.0.1:" + server.port()) != request.npos, request);
}

// In memory: the other end of a connector's transport is a proxy and a server.
struct memory_proxy {
  explicit memory_proxy(asio::io_context& ioc) {
    auto ends = testing::memory_pair(ioc.get_executor(), ioc.get_executor());
    near = ends.first;
    far = detail::stream::create(ends.second);
  }
  dial_options options(const std::string& url) {
    return dial_options().proxy(url).connector([this](std::string host, std::uint16_t port, context) {
      BOOST_CHECK_EQUAL(host, "proxy");
      BOOST_CHECK_EQUAL(port, 99);
      return give();
    });
  }
  task<std::shared_ptr<testing::memory_end>> give() {
    given = true;
    co_return near;
  }

  std::shared_ptr<testing::memory_end> near;
  stream_ptr far;
  bool given = false;
};

task<std::string> read_some(stream_ptr s, std::size_t size) {
  std::string text(size, '\0');
  std::size_t n = 0;
  while (n < size) {
    const auto got = co_await s->read_some(asio::buffer(text.data() + n, size - n), context());
    if (!got) break;
    n += *got;
  }
  co_return text.substr(0, n);
}

task<> play_http(stream_ptr s) {
  co_await read_head(s);
  co_await send(s, established);
  const std::string request = co_await read_head(s);
  co_await send(s, upgrade(request) + "\x81\x05hello");
  co_await wait_for_end(s);
}

task<> play_socks(stream_ptr s, std::string method, std::string reply, std::string* seen) {
  const std::string greeting = co_await read_some(s, method == "\x05\x02" ? 4 : 3);
  co_await send(s, method);
  if (method == "\x05\x02") {
    *seen += co_await read_some(s, 1 + 1 + 2 + 1 + 6);
    co_await send(s, "\x01\x00"s);
  }
  const std::string head = co_await read_some(s, 5);
  if (head.size() == 5 && head[3] == 3)
    *seen += head + co_await read_some(s, static_cast<unsigned char>(head[4]) + 2u);
  else
    *seen += head + co_await read_some(s, 5);
  co_await send(s, reply);
  const std::string request = co_await read_head(s);
  if (request.empty()) co_return;
  co_await send(s, upgrade(request) + "\x81\x05hello");
  co_await wait_for_end(s);
}

const std::string connected = "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"s;

COAX_SCENARIO_TEST(an_http_tunnel_may_be_cut_anywhere) {
  memory_proxy m(ioc);
  asio::co_spawn(ioc, play_http(m.far), asio::detached);
  auto c = co_await dial("ws://server.example/", m.options("http://proxy:99"));
  const auto got = co_await c.read();
  BOOST_CHECK_EQUAL(got.text(), "hello");
}

COAX_SCENARIO_TEST(a_socks_tunnel_may_be_cut_anywhere) {
  memory_proxy m(ioc);
  const auto seen = std::make_shared<std::string>();
  auto play = [far = m.far, seen]() -> task<> { co_await play_socks(far, "\x05\x02", connected, seen.get()); };
  asio::co_spawn(ioc, play, asio::detached);
  auto c = co_await dial("ws://server.example:8080/", m.options("socks5h://me:secret@proxy:99"));
  const auto got = co_await c.read();
  BOOST_CHECK_EQUAL(got.text(), "hello");
  BOOST_CHECK_EQUAL(*seen, "\x01\x02me\x06secret\x05\x01\x00\x03\x0eserver.example\x1f\x90"s);
}

// The proxy's side of TLS, and behind its tunnel the server's: what OpenSSL says by itself must get through both.
task<> play_https(std::shared_ptr<transport> far) {
  const auto own = server_tls();
  const auto outer = co_await detail::tls_accept(std::move(far), *own, context());
  BOOST_REQUIRE(outer);
  const auto s = detail::stream::create(*outer);
  co_await read_head(s);
  co_await send(s, established);
  const auto inner = co_await detail::tls_accept(s->release(), *own, context());
  BOOST_REQUIRE(inner);
  const auto t = detail::stream::create(*inner);
  const std::string request = co_await read_head(t);
  co_await send(t, upgrade(request) + "\x81\x05hello");
  co_await wait_for_end(t);
}

COAX_CORO_TEST(tls_within_tls_gets_through_a_narrow_pipe) {
  for (const std::size_t capacity : {1u, 100u, 64u * 1024}) {
    auto [near, far] =
        testing::memory_pair(ioc.get_executor(), ioc.get_executor(), testing::faults().capacity(capacity));
    asio::co_spawn(ioc, play_https(far), asio::detached);
    const auto options = dial_options()
                             .proxy("https://localhost:99")
                             .tls(client_tls())
                             .connector([ours = near](std::string, std::uint16_t,
                                                      context) -> task<std::shared_ptr<transport>> { co_return ours; });
    auto c = co_await dial("wss://localhost/", options);
    const auto m = co_await c.read();
    BOOST_CHECK_EQUAL(m.text(), "hello");
    BOOST_CHECK(c.secure());
  }
}

COAX_CORO_TEST(socks5_resolves_here) {
  memory_proxy m(ioc);
  std::string seen;
  asio::co_spawn(ioc, play_socks(m.far, "\x05\x00"s, connected, &seen), asio::detached);
  const auto options =
      m.options("socks5://proxy:99").resolver([](std::string host, context) -> task<std::vector<asio::ip::address>> {
        BOOST_CHECK_EQUAL(host, "server.example");
        std::vector<asio::ip::address> one;
        one.push_back(asio::ip::make_address("10.1.2.3"));
        co_return one;
      });
  auto c = co_await dial("ws://server.example/", options);
  BOOST_CHECK_EQUAL(seen, "\x05\x01\x00\x01\x0a\x01\x02\x03\x00\x50"s);
}

COAX_CORO_TEST(refusals_of_a_socks_proxy_are_proxy_errors) {
  const struct {
    std::string method, reply;
    const char* text;
  } rows[] = {
      {"\x05\x00"s, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"s, "refused by the host"},
      {"\x05\x00"s, "\x05\x02\x00\x01"s, "does not allow"},
      {"\x05\xff"s, "", "takes neither"},
      {"HT", "", "does not speak SOCKS 5"},
  };
  for (const auto& row : rows) {
    memory_proxy m(ioc);
    std::string seen;
    asio::co_spawn(ioc, play_socks(m.far, row.method, row.reply, &seen), asio::detached);
    const auto o = co_await failure("ws://server.example/", m.options("socks5h://me:secret@proxy:99"));
    BOOST_CHECK_MESSAGE(o.proxy && o.code == errc::proxy_failed && o.status == 0, o.text);
    BOOST_CHECK_MESSAGE(o.text.find(row.text) != o.text.npos, o.text);
    co_await settle();
  }
}

// Stopped after every number of turns: the transport is closed each time, and the error is the stop's.
COAX_CORO_TEST(a_stop_at_any_moment_closes_the_way) {
  for (int turns = 0;; ++turns) {
    BOOST_REQUIRE_LT(turns, 300);
    memory_proxy m(ioc);
    bool ended = false;
    auto play = [far = m.far, &ended]() -> task<> {
      co_await play_http(far);
      ended = true;
    };
    asio::co_spawn(ioc, play, asio::detached);
    std::stop_source stop;
    auto stopper = [turns, stop]() mutable -> task<> {
      co_await settle(turns);
      stop.request_stop();
    };
    asio::co_spawn(ioc, stopper, asio::detached);
    const auto options = m.options("http://proxy:99");
    error_code ec;
    try {
      const auto c = co_await dial("ws://server.example/", options, context(stop.get_token()));
    } catch (const system_error& e) {
      ec = e.code();
    }
    if (turns == 0 || ec) BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
    if (!m.given) m.near->close();
    co_await settle(50);
    BOOST_CHECK(ended);
    if (!ec) break;
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
