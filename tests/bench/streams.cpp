// What byte_stream and pipe move over loopback TCP, next to bare sockets: one thread for each end, CPU time of the
// process.
//
//     streams [MIB [--json]]

#include "support/connections.hpp"
#include <coax/byte_stream.hpp>
#include <coax/pipe.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <ctime>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

bool json = false;  // a line of it for each row, for tests/bench/run

struct ends {
  ends(asio::io_context& a, asio::io_context& b) : from(a), to(b) {
    tcp::acceptor listener(a, {asio::ip::address_v4::loopback(), 0});
    to.connect(listener.local_endpoint());
    listener.accept(from);
  }
  tcp::socket from, to;
};

coax::byte_stream over(tcp::socket s, coax::protocol::role role) {
  return coax::byte_stream(coax::test::over(coax::make_transport(std::move(s)), role));
}

template <class Stream>
coax::task<> send(Stream s, std::uint64_t bytes) {
  const std::string block(256 * 1024, 'x');
  for (; bytes != 0; bytes -= block.size()) co_await asio::async_write(s, asio::buffer(block), asio::use_awaitable);
  if constexpr (requires { s.close_write(); }) {
    co_await s.async_shutdown(asio::use_awaitable);
  }
}

template <class Stream>
coax::task<> receive(Stream s, std::uint64_t bytes) {
  std::string block(256 * 1024, ' ');
  while (bytes != 0) bytes -= co_await s.async_read_some(asio::buffer(block), asio::use_awaitable);
  if constexpr (requires { s.close_write(); }) {
    char none = 0;
    boost::system::error_code end;
    try {
      co_await s.async_read_some(asio::buffer(&none, 1), asio::use_awaitable);
    } catch (const boost::system::system_error& e) {
      end = e.code();
    }
    if (end != asio::error::eof) throw boost::system::system_error(end, "the stream did not end as it should");
  }
}

template <class A, class B>
coax::task<> splice(A a, B b) {
  co_await coax::pipe(a, b);
}

// Runs each of the contexts on a thread until nothing is left to do, and tells how fast it was.
template <class... Contexts>
void measure(const std::string& name, std::uint64_t bytes, Contexts&... contexts) {
  const auto begin = std::chrono::steady_clock::now();
  const auto cpu = std::clock();
  {
    std::vector<std::jthread> threads;
    (threads.emplace_back([&contexts] { contexts.run(); }), ...);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double used = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  const double mib = static_cast<double>(bytes) / (1 << 20);
  if (json) {
    std::cout << "{\"name\": \"" << name << "\", \"cost\": " << used / mib * 1e6 << "}" << std::endl;
    return;
  }
  std::cout << std::left << std::setw(44) << name << std::right << std::fixed << std::setprecision(0) << std::setw(7)
            << mib / took.count() << " MiB/s" << std::setprecision(2) << std::setw(8) << used / mib * 1024
            << " s of CPU per GiB" << std::endl;
}

void rethrow(std::exception_ptr e) {
  if (e) std::rethrow_exception(e);
}

void sockets(std::uint64_t bytes) {
  asio::io_context a(1), b(1);
  ends e(a, b);
  asio::co_spawn(a, send(std::move(e.from), bytes), rethrow);
  asio::co_spawn(b, receive(std::move(e.to), bytes), rethrow);
  measure("sockets", bytes, a, b);
}

void byte_streams(std::uint64_t bytes, coax::protocol::role sender) {
  using enum coax::protocol::role;
  asio::io_context a(1), b(1);
  ends e(a, b);
  asio::co_spawn(a, send(over(std::move(e.from), sender), bytes), rethrow);
  asio::co_spawn(b, receive(over(std::move(e.to), sender == server ? client : server), bytes), rethrow);
  measure(sender == server ? "byte_stream, server to client" : "byte_stream, client to server (masked)", bytes, a, b);
}

void piped_sockets(std::uint64_t bytes) {
  asio::io_context a(1), b(1), c(1);
  ends left(a, b), right(b, c);
  asio::co_spawn(a, send(std::move(left.from), bytes), rethrow);
  asio::co_spawn(b, splice(std::move(left.to), std::move(right.from)), rethrow);
  asio::co_spawn(c, receive(std::move(right.to), bytes), rethrow);
  measure("socket, pipe, socket", bytes, a, b, c);
}

void tunnel(std::uint64_t bytes) {
  using enum coax::protocol::role;
  asio::io_context a(1), b(1), c(1), d(1);
  ends left(a, b), middle(b, c), right(c, d);
  asio::co_spawn(a, send(std::move(left.from), bytes), rethrow);
  asio::co_spawn(b, splice(std::move(left.to), over(std::move(middle.from), client)), rethrow);
  asio::co_spawn(c, splice(over(std::move(middle.to), server), std::move(right.from)), rethrow);
  asio::co_spawn(d, receive(std::move(right.to), bytes), rethrow);
  measure("socket, pipe, WebSocket, pipe, socket", bytes, a, b, c, d);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t bytes = (argc > 1 ? std::stoull(argv[1]) : 2048) << 20;
  json = argc > 2 && std::string_view(argv[2]) == "--json";
  sockets(bytes);
  byte_streams(bytes, coax::protocol::role::server);
  byte_streams(bytes, coax::protocol::role::client);
  piped_sockets(bytes);
  tunnel(bytes);
}
