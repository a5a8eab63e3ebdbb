/// Pairs of connected transports of every kind, for tests that must hold on all of them.
#pragma once

#include <coax/transport.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <iosfwd>
#include <utility>
#include <vector>

namespace coax::test {

using link = std::pair<std::shared_ptr<transport>, std::shared_ptr<transport>>;

struct link_kind {
  const char* name;
  task<link> (*make)(asio::io_context& ioc);
  bool tls = false;
  bool slow = false;  // byte by byte
};

std::ostream& operator<<(std::ostream& os, const link_kind& k);

const std::vector<link_kind>& link_kinds();

/// Two connected TCP sockets.
std::pair<asio::ip::tcp::socket, asio::ip::tcp::socket> tcp_pair(const asio::any_io_executor& ex);

/// A client and a server over `lower`, after the handshake.
task<link> tls_over(link lower);

}  // namespace coax::test
