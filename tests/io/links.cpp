#include "io/links.hpp"

#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include <coax/stream_transport.hpp>
#include <coax/testing.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <ostream>

namespace coax::test {
namespace {

using asio::ip::tcp;
using unix_socket = asio::local::stream_protocol::socket;
using namespace asio::experimental::awaitable_operators;

task<link> tcp_link(asio::io_context& ioc) {
  auto s = tcp_pair(ioc.get_executor());
  co_return link(make_transport(std::move(s.first)), make_transport(std::move(s.second)));
}

std::pair<unix_socket, unix_socket> unix_pair(asio::io_context& ioc) {
  std::pair<unix_socket, unix_socket> s(ioc, ioc);
  asio::local::connect_pair(s.first, s.second);
  return s;
}

task<link> unix_link(asio::io_context& ioc) {
  auto s = unix_pair(ioc);
  co_return link(make_transport(std::move(s.first)), make_transport(std::move(s.second)));
}

link in_memory(asio::io_context& ioc, const testing::faults& f) {
  return testing::memory_pair(ioc.get_executor(), ioc.get_executor(), f);
}

task<link> memory(asio::io_context& ioc) { co_return in_memory(ioc, testing::faults()); }
task<link> memory_bytewise(asio::io_context& ioc) {
  co_return in_memory(ioc, testing::faults().max_read(1).max_write(1));
}
task<link> memory_random(asio::io_context& ioc) {
  co_return in_memory(ioc, testing::faults().random_sizes(42).capacity(5000));
}

task<link> tls_over_tcp(asio::io_context& ioc) {
  auto lower = co_await tcp_link(ioc);
  co_return co_await tls_over(std::move(lower));
}

task<link> tls_over_memory(asio::io_context& ioc) { co_return co_await tls_over(in_memory(ioc, testing::faults())); }

task<link> tls_over_bytes(asio::io_context& ioc) {
  co_return co_await tls_over(in_memory(ioc, testing::faults().max_read(1).max_write(1)));
}

task<link> tls_in_tls(asio::io_context& ioc) {
  auto outer = co_await tls_over(in_memory(ioc, testing::faults().random_sizes(7).capacity(9000)));
  co_return co_await tls_over(std::move(outer));
}

task<link> beast_stream(asio::io_context& ioc) {
  auto s = tcp_pair(ioc.get_executor());
  co_return link(make_transport(boost::beast::tcp_stream(std::move(s.first))),
                 make_transport(boost::beast::tcp_stream(std::move(s.second))));
}

// A Unix socket on another executor type, so that it takes the way of any stream.
task<link> generic_unix(asio::io_context& ioc) {
  using socket = asio::local::stream_protocol::socket::rebind_executor<asio::io_context::executor_type>::other;
  socket a(ioc), b(ioc);
  asio::local::connect_pair(a, b);
  co_return link(make_transport(std::move(a)), make_transport(std::move(b)));
}

task<link> asio_tls(asio::io_context& ioc) {
  auto s = tcp_pair(ioc.get_executor());
  const auto client = client_tls();
  const auto server = server_tls();
  asio::ssl::stream<tcp::socket> a(std::move(s.first), *client);
  asio::ssl::stream<tcp::socket> b(std::move(s.second), *server);
  co_await (a.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable) &&
            b.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable));
  co_return link(make_transport(std::move(a)), make_transport(std::move(b)));
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const link_kind& k) { return os << k.name; }

const std::vector<link_kind>& link_kinds() {
  static const std::vector<link_kind> kinds{
      {"tcp", &tcp_link},
      {"unix", &unix_link},
      {"memory", &memory},
      {"memory byte by byte", &memory_bytewise, false, true},
      {"memory of random sizes", &memory_random},
      {"TLS over TCP", &tls_over_tcp, true},
      {"TLS over memory", &tls_over_memory, true},
      {"TLS over memory byte by byte", &tls_over_bytes, true, true},
      {"TLS in TLS over memory of random sizes", &tls_in_tls, true},
      {"beast::tcp_stream", &beast_stream},
      {"unix through any stream", &generic_unix},
      {"asio::ssl::stream", &asio_tls, true},
  };
  return kinds;
}

std::pair<tcp::socket, tcp::socket> tcp_pair(const asio::any_io_executor& ex) {
  tcp::acceptor acceptor(ex, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket a(ex);
  a.connect(acceptor.local_endpoint());
  return {std::move(a), acceptor.accept()};
}

task<link> tls_over(link lower) {
  const auto client = client_tls();
  const auto server = server_tls();
  auto ends = co_await (
      detail::tls_connect(std::move(lower.first), *client, "localhost", detail::tls_verify::peer, context()) &&
      detail::tls_accept(std::move(lower.second), *server, context()));
  auto& [a, b] = ends;
  co_return link(a.value(), b.value());
}

}  // namespace coax::test
