/// Connected sockets, and whole reads and writes on any stream.
#pragma once

#include "support/run.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <string>
#include <utility>

namespace coax::test {

using unix_socket = asio::local::stream_protocol::socket;
using tcp_socket = asio::ip::tcp::socket;

inline std::pair<unix_socket, unix_socket> unix_pair(asio::io_context& ioc) {
  std::pair<unix_socket, unix_socket> p{ioc, ioc};
  asio::local::connect_pair(p.first, p.second);
  return p;
}

inline std::pair<tcp_socket, tcp_socket> tcp_pair(asio::io_context& ioc) {
  asio::ip::tcp::acceptor listener(ioc, {asio::ip::address_v4::loopback(), 0});
  std::pair<tcp_socket, tcp_socket> p{ioc, ioc};
  p.first.connect(listener.local_endpoint());
  listener.accept(p.second);
  return p;
}

template <class Stream>
task<error_code> send_all(Stream& s, std::string_view bytes) {
  const auto from = asio::buffer(bytes);
  const auto sent = co_await asio::async_write(s, from, asio::as_tuple(asio::use_awaitable));
  co_return std::get<0>(sent);
}

/// What comes until the end of the stream.
template <class Stream>
task<std::string> receive_all(Stream& s) {
  std::string all;
  auto to = asio::dynamic_buffer(all);
  const auto got = co_await asio::async_read(s, to, asio::as_tuple(asio::use_awaitable));
  BOOST_TEST((std::get<0>(got) == asio::error::eof), std::get<0>(got).message());
  co_return all;
}

template <class Stream>
task<std::string> receive(Stream& s, std::size_t n) {
  std::string bytes(n, ' ');
  const auto to = asio::buffer(bytes);
  co_await asio::async_read(s, to, asio::use_awaitable);
  co_return bytes;
}

}  // namespace coax::test
