// A peer of the benchmark: sends bytes back on Boost.Asio with coroutines, without any framing.
//
//     asio_echo --port 9001        prints "listening on PORT" and serves until it is ended
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

namespace {

constexpr std::size_t buffer_size = 64 * 1024;

asio::awaitable<void> echo(tcp::socket socket) {
  try {
    socket.set_option(tcp::no_delay(true));
    const auto buffer = std::make_unique<char[]>(buffer_size);
    for (;;) {
      const auto n = co_await socket.async_read_some(asio::buffer(buffer.get(), buffer_size), use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer.get(), n), use_awaitable);
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
    std::cerr << "usage: asio_echo --port PORT\n";
    return 2;
  }
  asio::io_context ioc(1);
  tcp::acceptor acceptor(ioc, {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(std::stoi(argv[2]))});
  std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
  co_spawn(ioc, serve(std::move(acceptor)), asio::detached);
  ioc.run();
} catch (const std::exception& e) {
  std::cerr << "asio_echo: " << e.what() << '\n';
  return 1;
}
