/// Pairs of byte streams over a pair in memory.
#pragma once

#include "adapters/sockets.hpp"
#include "websocket/peers.hpp"
#include <coax/byte_stream.hpp>

#include <boost/asio/use_awaitable.hpp>

namespace coax::test {

struct stream_pair {
  explicit stream_pair(asio::io_context& ioc, byte_stream_options o = {}, const testing::faults& f = {})
      : stream_pair(peers(ioc, {}, f), o) {}
  stream_pair(peers p, const byte_stream_options& o)
      : server_end(p.server_end),
        client_end(p.client_end),
        server(std::move(p.server), o),
        client(std::move(p.client), o) {}

  std::shared_ptr<testing::memory_end> server_end, client_end;
  byte_stream server, client;
};

/// One read: the error and what came.
struct piece {
  error_code ec;
  std::string bytes;
};

inline task<piece> read_piece(byte_stream& s, std::size_t most = 1000) {
  piece p;
  p.bytes.resize(most);
  const auto to = asio::buffer(p.bytes);
  const auto got = co_await s.async_read_some(to, asio::as_tuple(asio::use_awaitable));
  p.ec = std::get<0>(got);
  p.bytes.resize(std::get<1>(got));
  co_return p;
}

inline task<error_code> shut_down(byte_stream& s) {
  const auto got = co_await s.async_shutdown(asio::as_tuple(asio::use_awaitable));
  co_return std::get<0>(got);
}

}  // namespace coax::test
