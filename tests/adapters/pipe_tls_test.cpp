#include "adapters/sockets.hpp"
#include "support/certificates.hpp"
#include "websocket/peers.hpp"
#include <coax/pipe.hpp>

#include <boost/asio/ssl.hpp>

BOOST_AUTO_TEST_SUITE(pipes_over_tls)

using namespace coax;
using namespace coax::test;

namespace {

using tls_stream = asio::ssl::stream<unix_socket>;

/// client <-> a | pipe | b <-> far, with TLS between client and a.
struct tls_plumbing {
  explicit tls_plumbing(asio::io_context& ioc)
      : tls_plumbing(unix_pair(ioc), unix_pair(ioc), client_tls(), server_tls()) {}
  tls_plumbing(std::pair<unix_socket, unix_socket> l, std::pair<unix_socket, unix_socket> r,
               std::shared_ptr<asio::ssl::context> client_side, std::shared_ptr<asio::ssl::context> server_side)
      : contexts{client_side, server_side},
        client(std::move(l.first), *client_side),
        a(std::move(l.second), *server_side),
        b(std::move(r.first)),
        far(std::move(r.second)) {}

  task<> shake_hands() {
    co_await all(hand(client, asio::ssl::stream_base::client), hand(a, asio::ssl::stream_base::server));
  }

  std::array<std::shared_ptr<asio::ssl::context>, 2> contexts;
  tls_stream client, a;
  unix_socket b, far;

 private:
  static task<> hand(tls_stream& s, asio::ssl::stream_base::handshake_type role) {
    co_await s.async_handshake(role, asio::use_awaitable);
  }
};

}  // namespace

COAX_CORO_TEST(the_end_of_a_direction_becomes_close_notify_and_the_other_goes_on) {
  tls_plumbing p(ioc);
  co_await p.shake_hands();
  pipe_result moved;
  const auto ended = beside(ioc.get_executor(), [&]() -> task<> { moved = co_await pipe(p.a, p.b); });

  const auto greeting = pattern(200'000, 3);
  const auto sender = beside(ioc.get_executor(), [&]() -> task<> {
    co_await send_all(p.far, greeting);
    p.far.shutdown(unix_socket::shutdown_send);
  });
  const auto greeted = co_await receive_all(p.client);
  BOOST_TEST((greeted == greeting));

  // After close_notify from one side the other may still write (RFC 8446 6.1).
  const auto answer = pattern(300'000, 4);
  std::string answered;
  const auto receiver = beside(ioc.get_executor(), [&]() -> task<> { answered = co_await receive_all(p.far); });
  const auto ec = co_await send_all(p.client, answer);
  BOOST_TEST(!ec, ec.message());
  co_await p.client.async_shutdown(asio::use_awaitable);
  while (!*ended || !*receiver) co_await settle(1);
  BOOST_TEST((answered == answer));
  BOOST_TEST((moved.forth.outcome == pipe_outcome::finished), moved.forth.error.message());
  BOOST_TEST((moved.back.outcome == pipe_outcome::finished));
}

COAX_CORO_TEST(a_stopped_pipe_leaves_tls_intact) {
  tls_plumbing p(ioc);
  co_await p.shake_hands();
  const auto sent = pattern(2'000'000);
  std::string got;
  const auto sender = beside(ioc.get_executor(), [&]() -> task<> {
    co_await send_all(p.far, sent);
    p.far.shutdown(unix_socket::shutdown_send);
  });
  const auto receiver = beside(ioc.get_executor(), [&]() -> task<> {
    got = co_await receive_all(p.client);
    co_await p.client.async_shutdown(asio::as_tuple(asio::use_awaitable));
  });
  int stops = 0;
  for (bool finished = false; !finished; ++stops) {
    std::stop_source stop;
    auto run = [&]() -> task<> {
      const auto moved = co_await pipe(p.a, p.b, stop.get_token());
      const auto ec = co_await send_all(p.a, moved.back.unsent);
      BOOST_TEST(!ec, ec.message());
      finished = moved.back.outcome == pipe_outcome::finished;
    };
    const auto ended = beside(ioc.get_executor(), run);
    co_await settle(stops % 40);
    stop.request_stop();
    while (!*ended) co_await settle(1);
  }
  while (!*receiver) co_await settle(1);
  BOOST_TEST((got == sent));
  BOOST_TEST(stops > 10);
}

COAX_CORO_TEST(tls_that_is_cut_is_a_failure) {
  tls_plumbing p(ioc);
  co_await p.shake_hands();
  p.client.lowest_layer().shutdown(unix_socket::shutdown_send);
  const auto moved = co_await pipe(p.a, p.b);
  BOOST_TEST((moved.forth.outcome == pipe_outcome::read_failed));
  BOOST_TEST((moved.forth.error == asio::ssl::error::stream_truncated), moved.forth.error.message());
}

BOOST_AUTO_TEST_SUITE_END()
