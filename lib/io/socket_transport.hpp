/// TCP and Unix stream sockets as transports.
#pragma once

#include <coax/transport.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace coax::detail {

/// Takes over a connected socket: non-blocking, and for TCP without Nagle's delay (what a connection sends together
/// leaves in one call anyway). A socket that cannot be used says so at the first read or write.
std::shared_ptr<transport> make_tcp_transport(asio::ip::tcp::socket&& socket);
#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
std::shared_ptr<transport> make_unix_transport(asio::local::stream_protocol::socket&& socket);
#endif

/// "127.0.0.1:8080" or "[::1]:8080".
std::string to_string(const asio::ip::tcp::endpoint& endpoint);

}  // namespace coax::detail
