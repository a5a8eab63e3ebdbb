// What runs over Asio streams runs over a byte stream, unchanged.
#include "adapters/byte_streams.hpp"
#include "support/certificates.hpp"
#include <coax/accept.hpp>
#include <coax/pipe.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/ssl.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

BOOST_AUTO_TEST_SUITE(stacks)

using namespace coax;
using namespace coax::test;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

using tls_stream = asio::ssl::stream<byte_stream>;

/// TLS through a WebSocket.
struct tls_pair {
  explicit tls_pair(asio::io_context& ioc, const testing::faults& f = {}) : tls_pair(stream_pair(ioc, {}, f)) {}
  explicit tls_pair(stream_pair p)
      : server_context(server_tls()),
        client_context(client_tls()),
        server(std::move(p.server), *server_context),
        client(std::move(p.client), *client_context) {}

  task<> shake_hands() {
    co_await all(hand(server, asio::ssl::stream_base::server), hand(client, asio::ssl::stream_base::client));
  }

  std::shared_ptr<asio::ssl::context> server_context, client_context;
  tls_stream server, client;

 private:
  static task<> hand(tls_stream& s, asio::ssl::stream_base::handshake_type role) {
    co_await s.async_handshake(role, asio::use_awaitable);
  }
};

template <class Stream>
task<> serve_http(Stream& s, int requests) {
  beast::flat_buffer buffer;
  for (int i = 0; i < requests; ++i) {
    http::request<http::string_body> request;
    co_await http::async_read(s, buffer, request, asio::use_awaitable);
    http::response<http::string_body> response(http::status::ok, 11);
    response.body() = request.body() + " for " + std::string(request.target());
    response.prepare_payload();
    co_await http::async_write(s, response, asio::use_awaitable);
  }
}

template <class Stream>
task<> post_twice(Stream& s) {
  beast::flat_buffer buffer;
  for (const std::size_t size : {std::size_t(10), std::size_t(300'000)}) {
    http::request<http::string_body> request(http::verb::post, "/path", 11);
    request.body() = pattern(size);
    request.prepare_payload();
    co_await http::async_write(s, request, asio::use_awaitable);
    http::response<http::string_body> response;
    co_await http::async_read(s, buffer, response, asio::use_awaitable);
    BOOST_TEST((response.body() == pattern(size) + " for /path"));
  }
}

template <class Stream>
task<> beast_echo(Stream lower) {
  beast::websocket::stream<Stream> ws(std::move(lower));
  co_await ws.async_accept(asio::use_awaitable);
  for (;;) {
    beast::flat_buffer buffer;
    const auto got = co_await ws.async_read(buffer, asio::as_tuple(asio::use_awaitable));
    if (std::get<0>(got) == beast::websocket::error::closed) co_return;
    BOOST_TEST(!std::get<0>(got), std::get<0>(got).message());
    if (std::get<0>(got)) co_return;
    co_await ws.async_write(buffer.data(), asio::use_awaitable);
  }
}

template <class Stream>
task<> beast_client(Stream lower) {
  beast::websocket::stream<Stream> ws(std::move(lower));
  co_await ws.async_handshake("localhost", "/", asio::use_awaitable);
  ws.binary(true);
  for (const std::size_t size : {std::size_t(5), std::size_t(200'000)}) {
    const auto sent = pattern(size);
    co_await ws.async_write(asio::buffer(sent), asio::use_awaitable);
    beast::flat_buffer buffer;
    co_await ws.async_read(buffer, asio::use_awaitable);
    BOOST_TEST((beast::buffers_to_string(buffer.data()) == sent));
  }
  co_await ws.async_close(beast::websocket::close_code::normal, asio::use_awaitable);
}

}  // namespace

COAX_CORO_TEST(tls_runs_over_a_websocket) {
  for (const auto& f : {testing::faults(), testing::faults().random_sizes(9).capacity(3000)}) {
    tls_pair p(ioc, f);
    co_await p.shake_hands();
    const auto forth = pattern(400'000, 1), back = pattern(300'000, 2);
    std::string at_server, at_client;
    co_await all([](tls_stream& s, std::string_view b) -> task<> { co_await send_all(s, b); }(p.client, forth),
                 [](tls_stream& s, std::string_view b) -> task<> { co_await send_all(s, b); }(p.server, back),
                 [](tls_stream& s, std::string& b, std::size_t n) -> task<> { b = co_await receive(s, n); }(
                                                                      p.server, at_server, forth.size()),
                 [](tls_stream& s, std::string& b, std::size_t n) -> task<> { b = co_await receive(s, n); }(
                                                                      p.client, at_client, back.size()));
    BOOST_TEST((at_server == forth));
    BOOST_TEST((at_client == back));

    auto end = [&]() -> task<> { co_await p.client.async_shutdown(asio::as_tuple(asio::use_awaitable)); };
    const auto ended = beside(ioc.get_executor(), end);
    const auto rest = co_await receive_all(p.server);
    co_await p.server.async_shutdown(asio::as_tuple(asio::use_awaitable));
    while (!*ended) co_await settle(1);
  }
}

COAX_SCENARIO_TEST(beast_http_runs_over_a_websocket) {
  stream_pair p(ioc);
  co_await all(serve_http(p.server, 2), post_twice(p.client));
}

COAX_CORO_TEST(beast_http_runs_over_tls_over_a_websocket) {
  tls_pair p(ioc);
  co_await p.shake_hands();
  co_await all(serve_http(p.server, 2), post_twice(p.client));
}

COAX_SCENARIO_TEST(beasts_websocket_runs_over_a_websocket) {
  stream_pair p(ioc);
  co_await all(beast_echo(std::move(p.server)), beast_client(std::move(p.client)));
}

COAX_CORO_TEST(beasts_websocket_runs_over_tls_over_a_websocket) {
  tls_pair p(ioc);
  co_await p.shake_hands();
  co_await all(beast_echo(std::move(p.server)), beast_client(std::move(p.client)));
}

COAX_CORO_TEST(beasts_websocket_times_out_over_a_websocket) {
  stream_pair p(ioc);
  beast::websocket::stream<byte_stream> ws(std::move(p.client));
  beast::websocket::stream_base::timeout t{};
  t.handshake_timeout = 10ms;
  t.idle_timeout = beast::websocket::stream_base::none();
  t.keep_alive_pings = false;
  ws.set_option(t);
  const auto r = co_await ws.async_handshake("localhost", "/", asio::as_tuple(asio::use_awaitable));
  BOOST_TEST((std::get<0>(r) == beast::error::timeout), std::get<0>(r).message());
  BOOST_TEST((ws.next_layer().connection().closed().initiator == close_initiator::local));
}

COAX_CORO_TEST(a_connection_of_ours_runs_over_tls_over_a_websocket) {
  tls_pair p(ioc);
  co_await p.shake_hands();
  conn server = over(make_transport(std::move(p.server)), protocol::role::server);
  conn client = over(make_transport(std::move(p.client)), protocol::role::client);
  const auto text = pattern(30'000);
  for (int i = 0; i < 20; ++i) {
    co_await client.write_text(text);
    const auto m = co_await server.read();
    BOOST_TEST((m.text() == text));
    co_await server.write_text("got it");
    const auto answer = co_await client.read();
    BOOST_TEST(answer.text() == "got it");
  }
  auto wait = [&]() -> task<> {
    const auto m = co_await server.next();
    BOOST_TEST(!m);
  };
  const auto reader = beside(ioc.get_executor(), wait);
  co_await client.close();
  while (!*reader) co_await settle(1);
  BOOST_TEST(client.closed().clean);
  BOOST_TEST(server.closed().clean);
}

COAX_CORO_TEST(a_connection_of_ours_runs_over_a_byte_stream) {
  stream_pair p(ioc);
  conn server = over(make_transport(std::move(p.server)), protocol::role::server);
  conn client = over(make_transport(std::move(p.client)), protocol::role::client);
  co_await client.write_text("inner");
  const auto m = co_await server.read();
  BOOST_TEST(m.text() == "inner");
  auto wait = [&]() -> task<> { co_await server.next(); };
  const auto reader = beside(ioc.get_executor(), wait);
  co_await client.close();
  while (!*reader) co_await settle(1);
  BOOST_TEST(client.closed().clean);
}

COAX_SCENARIO_TEST(a_pipe_carries_the_ends_between_websockets) {
  stream_pair left(ioc), right(ioc);
  pipe_result moved;
  auto run = [&]() -> task<> { moved = co_await coax::pipe(left.server, right.client); };
  const auto piping = beside(ioc.get_executor(), run);
  co_await send_all(left.client, "question");
  left.client.close_write();
  const auto question = co_await receive_all(right.server);
  co_await send_all(right.server, "the answer");
  right.server.close_write();
  const auto answer = co_await receive_all(left.client);
  while (!*piping) co_await settle(1);
  BOOST_TEST(question == "question");
  BOOST_TEST(answer == "the answer");
  BOOST_TEST((moved.forth.outcome == pipe_outcome::finished));
  BOOST_TEST((moved.back.outcome == pipe_outcome::finished));
}

COAX_CORO_TEST(a_stopped_pipe_between_a_socket_and_a_websocket_loses_no_byte) {
  stream_pair ws(ioc, {}, testing::faults().random_sizes(4).capacity(20'000));
  auto socket = unix_pair(ioc);
  const auto sent = pattern(2'000'000);
  std::string got;
  auto write = [&]() -> task<> {
    co_await send_all(socket.first, sent);
    socket.first.shutdown(unix_socket::shutdown_send);
  };
  auto read = [&]() -> task<> { got = co_await receive_all(ws.client); };
  const auto writer = beside(ioc.get_executor(), write);
  const auto reader = beside(ioc.get_executor(), read);
  int stops = 0;
  for (bool finished = false; !finished; ++stops) {
    std::stop_source stop;
    auto run = [&]() -> task<> {
      const auto moved = co_await coax::pipe(socket.second, ws.server, stop.get_token());
      const auto ec = co_await send_all(ws.server, moved.forth.unsent);
      BOOST_TEST(!ec, ec.message());
      finished = moved.forth.outcome == pipe_outcome::finished;
    };
    const auto ended = beside(ioc.get_executor(), run);
    co_await settle(stops % 40);
    stop.request_stop();
    while (!*ended) co_await settle(1);
  }
  while (!*reader) co_await settle(1);
  BOOST_TEST((got == sent));
  BOOST_TEST(stops > 10);
}

BOOST_AUTO_TEST_SUITE_END()
