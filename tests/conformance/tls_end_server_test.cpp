// A client that ends without a close frame over TLS: with close_notify an end of the stream, without it a truncation.

#include "conformance/echo_site.hpp"
#include "io/stream.hpp"
#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include <coax/stream_transport.hpp>

#include <boost/asio/ssl/error.hpp>

BOOST_AUTO_TEST_SUITE(clients_that_end_over_tls)

using namespace coax;
using namespace coax::test;
using stream_ptr = std::shared_ptr<coax::detail::stream>;

namespace {

enum class goodbye : unsigned char { close_notify, none };

task<> send(stream_ptr s, std::string text) {
  const asio::const_buffer bytes = asio::buffer(text);
  co_await s->write(bytes, context());
}

task<> wait_for_end(stream_ptr s) {
  char buffer[4096];
  bool open = true;
  while (open) {
    const auto n = co_await s->read_some(asio::buffer(buffer), context());
    open = n.has_value();
  }
}

// Behind the handshakes; sends the half of a message first, so that the end comes in its middle.
task<> end(stream_ptr s, goodbye g) {
  co_await send(s, std::string("\x01\x81\0\0\0\0a", 7));
  if (g == goodbye::close_notify)
    s->lower().shutdown_send();
  else
    s->lower().close();
}

task<stream_ptr> connect(asio::io_context& ioc, std::uint16_t port) {
  tcp::socket socket(ioc);
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  auto lower = make_transport(std::move(socket));
  const auto tls = client_tls();
  auto t = co_await coax::detail::tls_connect(std::move(lower), *tls, "localhost", coax::detail::tls_verify::peer,
                                              context());
  co_return coax::detail::stream::create(std::move(t.value()));
}

task<> ends_a_server(asio::io_context& ioc, goodbye g, error_code expected) {
  echo_site site(ioc, {}, server_options().tls(server_tls()));
  const auto s = co_await connect(ioc, site.port());
  co_await send(s, get("/ws", websocket_fields));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char c[1];
    const auto n = co_await s->read_some(asio::buffer(c), context());
    BOOST_REQUIRE(n);
    head += c[0];
  }
  co_await end(s, g);

  co_await site.until_ended(1);
  const auto& e = site.endings[0];
  BOOST_CHECK(e.status == status::abnormal);
  BOOST_CHECK(!e.clean);
  BOOST_CHECK_EQUAL(e.cause, expected);
  BOOST_CHECK_EQUAL(e.info.error, expected);
  BOOST_CHECK(e.info.initiator == close_initiator::transport);
  if (g == goodbye::close_notify) co_await wait_for_end(s);
  s->lower().close();
  co_await site.stop();
}

}  // namespace

COAX_CORO_TEST(a_client_that_ends_without_close_notify_is_a_truncation) {
  co_await ends_a_server(ioc, goodbye::none, asio::ssl::error::stream_truncated);
}

COAX_CORO_TEST(a_client_that_ends_with_close_notify_is_an_end) {
  co_await ends_a_server(ioc, goodbye::close_notify, asio::error::eof);
}

BOOST_AUTO_TEST_SUITE_END()
