#include "io/links.hpp"
#include "io/stream.hpp"
#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/stream_transport.hpp>
#include <coax/testing.hpp>

#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>

#include <string>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(tls)

using namespace test;
using detail::stream;
using detail::tls_accept;
using detail::tls_connect;
using detail::tls_verify;
using tls_ptr = std::shared_ptr<asio::ssl::context>;
using ends = std::pair<std::shared_ptr<testing::memory_end>, std::shared_ptr<testing::memory_end>>;

ends memory(asio::io_context& ioc, const testing::faults& f = {}) {
  return testing::memory_pair(ioc.get_executor(), ioc.get_executor(), f);
}

task<> serve_handshake(std::shared_ptr<transport> lower, tls_ptr tls, error_code* out) {
  const auto r = co_await tls_accept(std::move(lower), *tls, context());
  *out = r ? error_code() : r.error();
}

task<> connect_handshake(std::shared_ptr<transport> lower, tls_ptr tls, std::string host, tls_verify verify,
                         error_code* out) {
  const auto r = co_await tls_connect(std::move(lower), *tls, std::move(host), verify, context());
  *out = r ? error_code() : r.error();
}

struct outcome {
  error_code client;
  error_code server;
};

outcome handshake(const certificate& shown, const certificate& trusted, std::string host,
                  tls_verify verify = tls_verify::peer) {
  outcome o;
  run([&](asio::io_context& ioc) -> task<> {
    auto [a, b] = memory(ioc);
    co_await all(connect_handshake(a, client_tls(trusted), host, verify, &o.client),
                 serve_handshake(b, server_tls(shown), &o.server));
  });
  return o;
}

BOOST_AUTO_TEST_CASE(a_certificate_for_the_host_is_accepted) {
  for (const auto* host : {"localhost", "LOCALHOST", "localhost.", "127.0.0.1", "::1", "[::1]"}) {
    const auto o = handshake(localhost_certificate(), authority(), host);
    BOOST_CHECK_MESSAGE(!o.client && !o.server, host << ": " << o.client.message() << ", " << o.server.message());
  }
}

BOOST_AUTO_TEST_CASE(a_certificate_that_does_not_verify_is_refused_with_the_reason) {
  const auto other = make_authority("another");
  const auto expired = make_certificate(authority(), {"localhost"}, std::chrono::hours(-24));
  const struct {
    const certificate& shown;
    const certificate& trusted;
    const char* host;
    const char* reason;
  } rows[] = {
      {localhost_certificate(), authority(), "example.com", "hostname mismatch"},
      {localhost_certificate(), authority(), "10.0.0.1", "IP address mismatch"},
      {localhost_certificate(), other, "localhost", "unable to get local issuer certificate"},
      {other, authority(), "localhost", "self-signed certificate"},
      {expired, authority(), "localhost", "certificate has expired"},
  };
  for (const auto& row : rows) {
    const auto o = handshake(row.shown, row.trusted, row.host);

    BOOST_CHECK_MESSAGE(o.client.category() == detail::tls_verify_category(), o.client.message());
    BOOST_CHECK_MESSAGE(o.client.message().find(row.reason) != std::string::npos, o.client.message());
    // The server is told, too.
    BOOST_CHECK(o.server);
  }
}

BOOST_AUTO_TEST_CASE(verification_can_be_turned_off) {
  const auto o = handshake(make_authority("another"), authority(), "example.com", tls_verify::none);
  BOOST_CHECK_EQUAL(o.client, error_code());
}

COAX_CORO_TEST(a_client_that_offers_only_other_protocols_is_refused) {
  auto sockets = tcp_pair(ioc.get_executor());
  const auto tls = client_tls();
  asio::ssl::stream<asio::ip::tcp::socket> client(std::move(sockets.first), *tls);
  const unsigned char h2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(client.native_handle(), h2, sizeof(h2));
  error_code server_error;
  auto connect = [&client]() -> task<> {
    const auto r = co_await client.async_handshake(asio::ssl::stream_base::client, asio::as_tuple(asio::use_awaitable));
    BOOST_CHECK_EQUAL(ERR_GET_REASON(static_cast<unsigned long>(std::get<0>(r).value())),
                      SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
  };

  co_await all(connect(), serve_handshake(make_transport(std::move(sockets.second)), server_tls(), &server_error));

  BOOST_CHECK(server_error);
}

COAX_CORO_TEST(http_1_1_is_agreed_on) {
  auto sockets = tcp_pair(ioc.get_executor());
  const auto tls = server_tls();
  asio::ssl::stream<asio::ip::tcp::socket> server(std::move(sockets.first), *tls);
  error_code client_error;
  auto accept = [&server]() -> task<> {
    co_await server.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
    BOOST_CHECK_EQUAL(SSL_get_servername(server.native_handle(), TLSEXT_NAMETYPE_host_name), "localhost");
  };

  co_await all(accept(), connect_handshake(make_transport(std::move(sockets.second)), client_tls(), "localhost",
                                           tls_verify::peer, &client_error));

  BOOST_CHECK_EQUAL(client_error, error_code());
}

COAX_CORO_TEST(a_handshake_with_a_silent_peer_ends_with_its_context) {
  testing::virtual_clock clock;
  auto [a, b] = memory(ioc);
  auto later = [&clock]() -> task<> {
    co_await settle();
    clock.advance(std::chrono::seconds(5));
  };
  error_code ec;
  auto connect = [&ec, lower = a]() -> task<> {
    const auto tls = client_tls();
    const auto ctx = context().with_timeout(std::chrono::seconds(5));
    const auto r = co_await tls_connect(lower, *tls, "localhost", tls_verify::peer, ctx);
    ec = r.error();
  };

  co_await all(connect(), later());

  BOOST_CHECK_EQUAL(ec, error_code(errc::deadline_exceeded));
  char c;
  a->read_some(asio::buffer(&c, 1), ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::bad_descriptor));
}

COAX_CORO_TEST(a_peer_that_does_not_speak_tls_is_an_error) {
  auto [a, b] = memory(ioc);
  const std::string http = "HTTP/1.1 400 Bad Request\r\n\r\n";
  error_code ec;
  const asio::const_buffer bytes = asio::buffer(http);
  b->write_some(std::span(&bytes, 1), ec);

  co_await connect_handshake(a, client_tls(), "localhost", tls_verify::peer, &ec);

  BOOST_CHECK_MESSAGE(ec.category() == asio::error::get_ssl_category(), ec.message());
}

COAX_CORO_TEST(small_buffers_go_into_one_record) {
  const auto lower = memory(ioc);
  const auto l = co_await tls_over(link(lower.first, lower.second));
  const std::string header = "abcd";
  const std::string payload(100, 'x');
  const asio::const_buffer pieces[] = {asio::buffer(header), asio::buffer(payload), asio::buffer(header)};
  const auto before = lower.first->bytes_written();

  error_code ec;
  const auto n = l.first->write_some(pieces, ec);

  BOOST_CHECK_EQUAL(n, 108u);
  // RFC 8446 section 5.2: a header of 5, a type of 1, a tag of 16.
  BOOST_CHECK_EQUAL(lower.first->bytes_written() - before, 108u + 22u);
}

COAX_CORO_TEST(no_more_than_64_kib_are_sealed_ahead) {
  const auto lower = memory(ioc);
  const auto l = co_await tls_over(link(lower.first, lower.second));
  const std::string much(1'000'000, 'x');
  const asio::const_buffer bytes = asio::buffer(much);
  lower.first->stall();

  error_code ec;
  const auto first = l.first->write_some(std::span(&bytes, 1), ec);
  BOOST_CHECK_EQUAL(ec, error_code());
  const auto second = l.first->write_some(std::span(&bytes, 1), ec);

  BOOST_CHECK_EQUAL(first, 64u * 1024);
  BOOST_CHECK_EQUAL(second, 0u);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::would_block));
  BOOST_CHECK(l.first->output_pending());

  // What was taken leaves as soon as it can, without the owner asking again.
  lower.first->unstall();
  l.first->wait(transport::direction::write);
  const auto reader = stream::create(l.second);
  std::string got(first, '\0');
  for (std::size_t at = 0; at < first;) {
    const auto n = co_await reader->read_some(asio::buffer(got.data() + at, first - at), context());
    at += n.value();
  }
  BOOST_CHECK(got == much.substr(0, first));
  BOOST_CHECK(!l.first->output_pending());
}

COAX_CORO_TEST(the_end_is_said_behind_what_is_pending) {
  const auto lower = memory(ioc);
  const auto l = co_await tls_over(link(lower.first, lower.second));
  const std::string data(50'000, 'x');
  const asio::const_buffer bytes = asio::buffer(data);
  lower.first->stall();
  error_code ec;
  l.first->write_some(std::span(&bytes, 1), ec);

  l.first->shutdown_send();
  lower.first->unstall();
  const auto reader = stream::create(l.second);
  std::string got;
  char buffer[10'000];
  for (;;) {
    const auto n = co_await reader->read_some(asio::buffer(buffer), context());
    if (!n) ec = n.error();
    if (!n) break;
    got.append(buffer, *n);
  }

  BOOST_CHECK_EQUAL(ec, error_code(asio::error::eof));
  BOOST_CHECK(got == data);
  l.first->write_some(std::span(&bytes, 1), ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::shut_down));
}

// The other end asks for new keys again and again; each request is answered although nobody writes here.
COAX_CORO_TEST(key_updates_are_answered) {
  auto sockets = tcp_pair(ioc.get_executor());
  const auto tls = server_tls();
  asio::ssl::stream<asio::ip::tcp::socket> server(std::move(sockets.first), *tls);
  std::shared_ptr<transport> client;
  auto accept = [&server]() -> task<> {
    co_await server.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  };
  auto connect = [&](std::shared_ptr<transport> lower) -> task<> {
    const auto trust = client_tls();
    const auto r = co_await tls_connect(std::move(lower), *trust, "localhost", tls_verify::peer, context());
    client = r.value();
  };
  co_await all(accept(), connect(make_transport(std::move(sockets.second))));
  const auto s = stream::create(client);

  for (int i = 0; i < 50; ++i) {
    BOOST_REQUIRE_EQUAL(SSL_key_update(server.native_handle(), SSL_KEY_UPDATE_REQUESTED), 1);
    const std::string ping = "ping " + std::to_string(i);
    co_await asio::async_write(server, asio::buffer(ping), asio::use_awaitable);
    char got[16];
    const auto n = co_await s->read_some(asio::buffer(got), context());
    BOOST_REQUIRE_EQUAL(std::string_view(got, n.value()), ping);
    const asio::const_buffer pong = asio::buffer(ping);
    const error_code ec = co_await s->write(pong, context());
    BOOST_REQUIRE_EQUAL(ec, error_code());
    std::string echoed(ping.size(), '\0');
    co_await asio::async_read(server, asio::buffer(echoed), asio::use_awaitable);
    BOOST_REQUIRE_EQUAL(echoed, ping);
  }
}

// A server on bare OpenSSL, which does what no decent peer does.
class raw_server {
 public:
  explicit raw_server(std::shared_ptr<transport> lower)
      : lower_(std::move(lower)), ssl_(SSL_new(tls_->native_handle())) {
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_);
  }
  ~raw_server() { SSL_free(ssl_); }
  SSL* ssl() { return ssl_; }

  /// Moves what has come into OpenSSL, and what it has made down, as far as there is room.
  void pump() {
    error_code ec;
    char buffer[20'000];
    for (;;) {
      const auto n = lower_->read_some(asio::buffer(buffer), ec);
      if (ec) break;
      BIO_write(SSL_get_rbio(ssl_), buffer, static_cast<int>(n));
    }
    for (;;) {
      if (out_.empty()) {
        const int n = BIO_read(SSL_get_wbio(ssl_), buffer, sizeof(buffer));
        if (n <= 0) return;
        out_.assign(buffer, static_cast<std::size_t>(n));
      }
      const asio::const_buffer b = asio::buffer(out_);
      out_.erase(0, lower_->write_some(std::span(&b, 1), ec));
      if (ec) return;
    }
  }

 private:
  std::shared_ptr<transport> lower_;
  tls_ptr tls_ = server_tls();
  SSL* ssl_;
  std::string out_;
};

COAX_CORO_TEST(a_flood_of_key_updates_does_not_fill_the_memory) {
  const auto [a, b] = memory(ioc, testing::faults().capacity(10'000'000));
  raw_server server(b);
  std::shared_ptr<transport> client;
  auto connect = [&client](std::shared_ptr<transport> lower) -> task<> {
    const auto trust = client_tls();
    const auto r = co_await tls_connect(std::move(lower), *trust, "localhost", tls_verify::peer, context());
    client = r.value();
  };
  auto serve = [&server]() -> task<> {
    while (SSL_do_handshake(server.ssl()) != 1) {
      server.pump();
      co_await settle(1);
    }
    server.pump();
  };
  co_await all(connect(a), serve());

  // The answers, of some 27 bytes each, are not taken. Far more are asked for than may wait, so that "end" is not among
  // the bytes that OpenSSL had read already when it was held.
  a->stall();
  constexpr int updates = 20'000;
  for (int i = 0; i < updates; ++i) {
    SSL_key_update(server.ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(server.ssl());
  }
  SSL_write(server.ssl(), "end", 3);
  server.pump();
  char got[16];
  error_code ec;
  for (int i = 0; i < 10; ++i) client->read_some(asio::buffer(got), ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::would_block));
  BOOST_CHECK_LT(a->bytes_written(), 100'000u);

  // When they are, reading goes on by itself.
  a->unstall();
  const auto s = stream::create(client);
  const auto n = co_await s->read_some(asio::buffer(got), context());
  BOOST_CHECK_EQUAL(std::string_view(got, n.value()), "end");
}

task<> talk(std::shared_ptr<transport> lower, bool client) {
  const auto tls = client ? client_tls() : server_tls();
  auto t = client ? tls_connect(std::move(lower), *tls, "localhost", tls_verify::peer, context())
                  : tls_accept(std::move(lower), *tls, context());
  const auto r = co_await std::move(t);
  if (!r) throw system_error(r.error());
  const auto s = stream::create(*r);
  const std::string text = "hello";
  const asio::const_buffer bytes = asio::buffer(text);
  const error_code sent = co_await s->write(bytes, context());
  if (sent) throw system_error(sent);
  char got[5];
  const auto n = co_await s->read_some(asio::buffer(got), context());
  if (!n) throw system_error(n.error());
  co_await s->shutdown(context());
}

COAX_SCENARIO_TEST(a_conversation_may_be_cut_anywhere) {
  auto [a, b] = memory(ioc, testing::faults().max_read(300));
  co_await all(talk(a, true), talk(b, false));
}

// The fail-count loop: the n-th call of the transport below fails, for all n until none does.
BOOST_AUTO_TEST_CASE(every_failure_below_is_reported) {
  int failures = 0;
  for (std::uint64_t n = 0;; ++n) {
    bool failed = false;
    run([&](asio::io_context& ioc) -> task<> {
      auto [a, b] = memory(ioc);
      a->set_faults(testing::faults().fail_after(n));
      try {
        co_await all(talk(a, true), talk(b, false));
      } catch (const system_error& e) {
        failed = true;
        BOOST_CHECK_MESSAGE(e.code() == asio::error::connection_reset || e.code() == asio::error::broken_pipe,
                            e.what());
      }
    });
    if (!failed) break;
    ++failures;
    BOOST_REQUIRE_LT(n, 100u);
  }
  BOOST_CHECK_GT(failures, 5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
