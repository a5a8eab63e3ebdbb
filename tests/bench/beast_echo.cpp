// The peer of the benchmark: a WebSocket echo on Boost.Beast with coroutines, its defaults, and no time-outs.
//
//     beast_echo --port 9001        prints "listening on PORT" and serves until it is ended
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

asio::awaitable<void> echo(tcp::socket socket) {
  try {
    beast::websocket::stream<tcp::socket> ws(std::move(socket));
    co_await ws.async_accept(use_awaitable);
    beast::flat_buffer buffer;
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

asio::awaitable<void> serve(tcp::acceptor acceptor) {
  for (;;) {
    auto socket = co_await acceptor.async_accept(use_awaitable);
    co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3 || std::string_view(argv[1]) != "--port") {
    std::cerr << "Usage: beast_echo --port PORT\n";
    return 2;
  }
  asio::io_context ioc(1);
  tcp::acceptor acceptor(ioc, {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(std::stoi(argv[2]))});
  std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
  co_spawn(ioc, serve(std::move(acceptor)), asio::detached);
  ioc.run();
} catch (const std::exception& e) {
  std::cerr << "beast_echo: " << e.what() << '\n';
  return 1;
}
