#include "dial/scripted_server.hpp"
#include "io/stream.hpp"
#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(dialling)

using namespace test;
using stream_ptr = std::shared_ptr<detail::stream>;

// Sends a text frame together with the 101, then waits.
task<> greet(stream_ptr s, std::string request) {
  co_await send(s, upgrade(request) + std::string("\x81\x05hello"));
  co_await wait_for_end(s);
}

// What `dial` sent.
struct seen {
  std::string request;
  scripted_server::script script(std::string more = {}) {
    return [this, more](stream_ptr s, std::string r) -> task<> {
      request = r;
      co_await send(s, upgrade(r, more));
      co_await wait_for_end(s);
    };
  }
};

task<error_code> failure(std::string url, dial_options options, std::string* text = nullptr) {
  try {
    const auto c = co_await dial(std::move(url), std::move(options));
  } catch (const system_error& e) {
    if (text) *text = e.what();
    co_return e.code();
  }
  co_return error_code();
}

COAX_CORO_TEST(bytes_behind_the_handshake_are_the_first_of_the_connection) {
  const scripted_server server(ioc, &greet);
  auto c = co_await dial(server.url());
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hello");
  BOOST_CHECK_EQUAL(c.remote_endpoint(), "127.0.0.1:" + server.port());
  BOOST_CHECK(!c.secure());
  BOOST_CHECK_EQUAL(c.subprotocol(), "");
}

COAX_CORO_TEST(a_reply_may_come_byte_by_byte_and_behind_interim_ones) {
  const scripted_server server(ioc, [](stream_ptr s, std::string request) -> task<> {
    const std::string all = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + upgrade(request) + "\x81\x02hi";
    for (const char c : all) {
      co_await send(s, std::string(1, c));
      co_await settle(2);
    }
    co_await wait_for_end(s);
  });
  auto c = co_await dial(server.url());
  const auto m = co_await c.read();
  BOOST_CHECK_EQUAL(m.text(), "hi");
}

COAX_CORO_TEST(the_request_is_as_rfc_6455_wants_it) {
  seen s;
  const scripted_server server(ioc, s.script());
  const auto url = "ws://me:pw@127.0.0.1:" + server.port() + "/chat?room=1";
  // g++ 12 takes no initializer list in a co_await expression.
  const auto options = dial_options().subprotocols({"chat.v2", "chat.v1"}).header("Cookie", "a=b");
  auto c = co_await dial(url, options);

  BOOST_CHECK(s.request.starts_with("GET /chat?room=1 HTTP/1.1\r\n"));
  BOOST_CHECK_EQUAL(field(s.request, "Host"), "127.0.0.1:" + server.port());
  BOOST_CHECK_EQUAL(field(s.request, "Upgrade"), "websocket");
  BOOST_CHECK_EQUAL(field(s.request, "Connection"), "Upgrade");
  BOOST_CHECK_EQUAL(field(s.request, "Sec-WebSocket-Version"), "13");
  BOOST_CHECK_EQUAL(field(s.request, "Sec-WebSocket-Key").size(), 24u);
  BOOST_CHECK_EQUAL(field(s.request, "Sec-WebSocket-Protocol"), "chat.v2, chat.v1");
  BOOST_CHECK_EQUAL(field(s.request, "Authorization"), "Basic bWU6cHc=");
  BOOST_CHECK_EQUAL(field(s.request, "Cookie"), "a=b");
  BOOST_CHECK_EQUAL(field(s.request, "Sec-WebSocket-Extensions"), "");
}

COAX_CORO_TEST(host_and_authorization_can_be_replaced) {
  seen s;
  const scripted_server server(ioc, s.script());
  const auto url = "ws://me:pw@127.0.0.1:" + server.port() + "/";
  auto c = co_await dial(url, dial_options().host("example.com").header("authorization", "Bearer t"));

  BOOST_CHECK_EQUAL(field(s.request, "Host"), "example.com");
  BOOST_CHECK_EQUAL(field(s.request, "Authorization"), "Bearer t");
  BOOST_CHECK(s.request.find("Basic") == std::string::npos);
}

COAX_CORO_TEST(each_request_has_a_key_of_its_own) {
  seen s;
  const scripted_server server(ioc, s.script());
  co_await dial(server.url());
  const auto first = field(s.request, "Sec-WebSocket-Key");
  co_await dial(server.url());
  BOOST_CHECK_NE(first, field(s.request, "Sec-WebSocket-Key"));
}

COAX_CORO_TEST(the_servers_subprotocol_is_told) {
  seen s;
  const scripted_server server(ioc, s.script("Sec-WebSocket-Protocol: chat.v1\r\n"));
  const auto options = dial_options().subprotocol("chat.v2").subprotocol("chat.v1");
  auto c = co_await dial(server.url(), options);
  BOOST_CHECK_EQUAL(c.subprotocol(), "chat.v1");
}

COAX_CORO_TEST(http_is_another_name_for_ws) {
  const scripted_server server(ioc, &greet);
  auto c = co_await dial(server.url("http"));
  BOOST_CHECK(c);
}

// The name stands for ::1 and 127.0.0.1; only the second has a server.
COAX_CORO_TEST(the_addresses_of_a_name_are_tried_in_turn) {
  const scripted_server server(ioc, &greet);
  auto c = co_await dial(server.url("ws", "localhost"));
  BOOST_CHECK_EQUAL(c.remote_endpoint(), "127.0.0.1:" + server.port());
}

COAX_CORO_TEST(tls_protects_the_connection) {
  scripted_server server(ioc, &greet);
  server.tls();
  for (const auto* scheme : {"wss", "https"}) {
    auto c = co_await dial(server.url(scheme, "localhost"), dial_options().tls(client_tls()));
    const auto m = co_await c.read();
    BOOST_CHECK_EQUAL(m.text(), "hello");
    BOOST_CHECK(c.secure());
  }
}

COAX_CORO_TEST(authorities_can_come_from_a_file) {
  scripted_server server(ioc, &greet);
  server.tls();
  char name[] = "/tmp/coax-ca-XXXXXX";
  const int fd = ::mkstemp(name);
  BOOST_REQUIRE_GE(fd, 0);
  std::ofstream(name) << authority().pem;
  auto c = co_await dial(server.url("wss"), dial_options().ca_file(name));
  std::remove(name);
  BOOST_CHECK(c.secure());
}

COAX_CORO_TEST(a_server_that_does_not_verify_is_refused_unless_told_otherwise) {
  scripted_server server(ioc, &greet);
  server.tls();
  std::string text;

  const error_code unknown = co_await failure(server.url("wss"), dial_options(), &text);
  BOOST_CHECK_MESSAGE(unknown.category() == detail::tls_verify_category(), text);
  BOOST_CHECK_MESSAGE(text.find("TLS") != std::string::npos && text.find("certificate") != std::string::npos, text);

  auto c = co_await dial(server.url("wss"), dial_options().insecure_skip_verify(true));
  BOOST_CHECK(c.secure());
}

COAX_CORO_TEST(a_missing_file_of_authorities_is_an_error_before_connecting) {
  const scripted_server server(ioc, &greet);
  const error_code ec = co_await failure(server.url("wss"), dial_options().ca_file("/nonexistent/ca.pem"));
  BOOST_CHECK(ec);
  BOOST_CHECK_EQUAL(server.accepted(), 0);
}

COAX_CORO_TEST(a_plain_server_is_no_tls_server) {
  asio::ip::tcp::acceptor acceptor(ioc, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  auto serve = [&acceptor]() -> task<> {
    const auto s = detail::stream::create(make_transport(co_await acceptor.async_accept(asio::use_awaitable)));
    co_await send(s, "HTTP/1.1 400 Bad Request\r\n\r\n");
    co_await wait_for_end(s);
  };
  asio::co_spawn(ioc, serve, asio::detached);
  const error_code ec =
      co_await failure("wss://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), dial_options());
  BOOST_CHECK_MESSAGE(ec.category() == asio::error::get_ssl_category(), ec.message());
}

task<> serve_unix(asio::local::stream_protocol::acceptor& acceptor, std::string* target) {
  auto socket = co_await acceptor.async_accept(asio::use_awaitable);
  const auto s = detail::stream::create(make_transport(std::move(socket)));
  std::string request;
  char c[1];
  while (!request.ends_with("\r\n\r\n")) {
    const auto n = co_await s->read_some(asio::buffer(c), context());
    if (!n) co_return;
    request += c[0];
  }
  *target = request.substr(0, request.find("\r\n"));
  co_await greet(s, request);
}

COAX_CORO_TEST(a_unix_socket_is_dialled_by_its_path) {
  char folder[] = "/tmp/coax-dial-XXXXXX";
  BOOST_REQUIRE(::mkdtemp(folder));
  const auto path = std::string(folder) + "/s";
  asio::local::stream_protocol::acceptor acceptor(ioc, asio::local::stream_protocol::endpoint(path));
  std::string target;
  asio::co_spawn(ioc, serve_unix(acceptor, &target), asio::detached);

  auto c = co_await dial("ws+unix://" + path + ":/chat?x=1");
  const auto m = co_await c.read();
  std::remove(path.c_str());
  std::remove(folder);

  BOOST_CHECK_EQUAL(m.text(), "hello");
  BOOST_CHECK_EQUAL(target, "GET /chat?x=1 HTTP/1.1");
  BOOST_CHECK_EQUAL(c.remote_endpoint(), path);
  const error_code missing = co_await failure("ws+unix:///nonexistent/socket", dial_options());
  BOOST_CHECK(missing == std::errc::no_such_file_or_directory);
  const error_code long_path = co_await failure("ws+unix:///" + std::string(200, 'x'), dial_options());
  BOOST_CHECK_EQUAL(long_path, error_code(errc::bad_url));
}

// Destroyed at every step, with sockets, timers and parked frames in whatever state.
BOOST_AUTO_TEST_CASE(an_attempt_may_be_cut_anywhere) {
  for (std::size_t steps = 0;; ++steps) {
    bool finished = false;
    {
      asio::io_context ioc(1);
      auto server = std::make_unique<scripted_server>(ioc, &greet);
      server->tls();
      const auto url = server->url("wss");
      asio::co_spawn(
          ioc,
          [url]() -> task<> {
            const auto tls = client_tls();
            auto c = co_await dial(url, dial_options().tls(tls));
          },
          [&finished](std::exception_ptr) { finished = true; });
      for (std::size_t i = 0; i < steps && !finished; ++i) ioc.run_one_for(std::chrono::seconds(5));
      // The acceptor goes before its io_context, as objects do.
    }
    if (finished) break;
    BOOST_REQUIRE_LT(steps, 500u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
