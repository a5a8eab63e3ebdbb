/// A WebSocket echo on Boost.Beast with coroutines, over a plain socket or TLS.
///
/// With its defaults, and no time-outs; "--tuned 1" as somebody does who has read its documentation: frames are not cut
/// (auto_fragment off), and the buffers are large.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <exception>
#include <iostream>
#include <map>
#include <string>

namespace bench {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::use_awaitable;
using asio::ip::tcp;

using options = std::map<std::string, std::string>;

template <class Stream>
void configure(beast::websocket::stream<Stream>& ws, const options& o) {
  ws.read_message_max(64 << 20);
  if (o.at("--tuned") == "1") {
    ws.auto_fragment(false);
    ws.write_buffer_bytes(64 * 1024);
  }
  if (o.at("--deflate") == "off") return;
  // The level and the memory that coax has by default.
  beast::websocket::permessage_deflate d;
  d.server_enable = true;
  d.compLevel = 2;
  d.memLevel = 8;
  d.server_no_context_takeover = d.client_no_context_takeover = o.at("--deflate") == "no-takeover";
  ws.set_option(d);
}

template <class Stream>
asio::awaitable<void> echo(beast::websocket::stream<Stream> ws, const options& o) {
  try {
    if constexpr (requires { Stream::server; }) co_await ws.next_layer().async_handshake(Stream::server, use_awaitable);
    configure(ws, o);
    co_await ws.async_accept(use_awaitable);
    beast::flat_buffer buffer;
    if (o.at("--tuned") == "1") buffer.reserve(64 * 1024);
    for (;;) {
      co_await ws.async_read(buffer, use_awaitable);
      ws.text(ws.got_text());
      co_await ws.async_write(buffer.data(), use_awaitable);
      buffer.consume(buffer.size());
    }
  } catch (const boost::system::system_error&) {
    // The client has closed or is gone.
  }
}

/// Serves until the process is ended; `make_stream` makes the layer below of an accepted socket.
template <class MakeStream>
asio::awaitable<void> serve(tcp::acceptor acceptor, const options& o, MakeStream make_stream) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    beast::websocket::stream<decltype(make_stream(std::move(socket)))> ws(make_stream(std::move(socket)));
    co_spawn(acceptor.get_executor(), echo(std::move(ws), o), asio::detached);
  }
}

/// What both programs do; `more` are the options that only one has.
template <class MakeStream>
int run(int argc, char** argv, const char* usage, const options& more, MakeStream stream_maker) try {
  options o{{"--port", ""}, {"--tuned", "0"}, {"--deflate", "off"}};
  o.insert(more.begin(), more.end());
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!o.contains(argv[i])) throw std::invalid_argument("unknown option: " + std::string(argv[i]));
    o[argv[i]] = argv[i + 1];
  }
  if (o["--port"].empty()) throw std::invalid_argument(usage);
  asio::io_context ioc(1);
  const auto port = static_cast<asio::ip::port_type>(std::stoi(o["--port"]));
  tcp::acceptor acceptor(ioc, {asio::ip::address_v4::loopback(), port});
  acceptor.listen(4096);
  std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
  co_spawn(ioc, serve(std::move(acceptor), o, stream_maker(o)), asio::detached);
  ioc.run();
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}

}  // namespace bench
