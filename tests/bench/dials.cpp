// What it costs a client to connect: TCP, WebSocket handshake, and an abrupt end, one after another. The figure is the
// client's own CPU time; the server (raw_echo) runs elsewhere.
//
//     dials PORT        a line of JSON for each row
#include "bench/load/posix.hpp"
#include <coax/dial.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr int dials = 2000;

asio::awaitable<void> dial_by_coax(std::string port) {
  const auto url = "ws://127.0.0.1:" + port + "/";
  for (int i = 0; i < dials; ++i) {
    auto c = co_await coax::dial(url);
    c.close_now();
  }
}

asio::awaitable<void> dial_by_beast(std::string port) {
  const auto ex = co_await asio::this_coro::executor;
  for (int i = 0; i < dials; ++i) {
    tcp::resolver resolver(ex);
    const auto found = co_await resolver.async_resolve("127.0.0.1", port, use_awaitable);
    beast::websocket::stream<tcp::socket> ws(ex);
    co_await asio::async_connect(ws.next_layer(), found, use_awaitable);
    ws.next_layer().set_option(tcp::no_delay(true));
    co_await ws.async_handshake("127.0.0.1:" + port, "/", use_awaitable);
    ws.next_layer().close();
  }
}

template <class Dial>
void measure(const char* name, Dial dial, const std::string& port) {
  asio::io_context ioc(1);
  std::exception_ptr error;
  const double before = bench::cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  asio::co_spawn(ioc, dial(port), [&error](std::exception_ptr e) { error = e; });
  ioc.run();
  if (error) std::rethrow_exception(error);
  const double spent = bench::cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
  std::printf("{\"name\": \"%s\", \"cost\": %.0f}\n", name, spent / dials);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fputs("usage: dials PORT\n", stderr);
    return 2;
  }
  measure("coax", dial_by_coax, argv[1]);
  measure("beast", dial_by_beast, argv[1]);
} catch (const std::exception& e) {
  std::fprintf(stderr, "dials: %s\n", e.what());
  return 1;
}
