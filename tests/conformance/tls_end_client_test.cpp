// A server that ends without a close frame over TLS: with close_notify an end of the stream, without it a truncation.

#include "dial/scripted_server.hpp"
#include "io/stream.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>

#include <boost/asio/ssl/error.hpp>

BOOST_AUTO_TEST_SUITE(servers_that_end_over_tls)

using namespace coax;
using namespace coax::test;
using stream_ptr = std::shared_ptr<coax::detail::stream>;

namespace {

enum class goodbye : unsigned char { close_notify, none };

task<> ends_a_client(asio::io_context& ioc, goodbye g, error_code expected) {
  scripted_server server(ioc, [g](stream_ptr s, std::string request) -> task<> {
    co_await send(s, upgrade(request) + std::string("\x01\x01"
                                                    "a"));
    if (g == goodbye::close_notify) {
      s->lower().shutdown_send();
      co_await wait_for_end(s);
    }
    s->lower().close();
  });
  server.tls();
  auto c = co_await dial(server.url("wss", "localhost"), dial_options().tls(client_tls()));
  const auto m = co_await c.try_read();
  BOOST_CHECK_EQUAL(m.error(), make_error_code(errc::closed));
  const auto info = c.closed();
  BOOST_CHECK(info.status == status::abnormal);
  BOOST_CHECK(info.initiator == close_initiator::transport);
  BOOST_CHECK(!info.clean);
  BOOST_CHECK_EQUAL(info.error, expected);
}

}  // namespace

COAX_CORO_TEST(a_server_that_ends_without_close_notify_is_a_truncation) {
  co_await ends_a_client(ioc, goodbye::none, asio::ssl::error::stream_truncated);
}

COAX_CORO_TEST(a_server_that_ends_with_close_notify_is_an_end) {
  co_await ends_a_client(ioc, goodbye::close_notify, asio::error::eof);
}

BOOST_AUTO_TEST_SUITE_END()
