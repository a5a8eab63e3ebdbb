// A user's first program: bytes through a pipe in memory, a context that has stopped, and a dial that cannot succeed,
// but needs all that coax links with.
#include <coax/dial.hpp>
#include <coax/testing.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <iostream>
#include <string_view>

coax::task<bool> refused() {
  try {
    co_await coax::dial("wss://127.0.0.1:1/", coax::dial_options().ca_file("/nowhere.pem"));
  } catch (const coax::system_error&) {
    co_return true;
  }
  co_return false;
}

int main() {
  namespace asio = boost::asio;
  using namespace std::string_view_literals;

  asio::io_context ioc(1);
  auto [a, b] = coax::testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  coax::error_code ec;
  const std::array sent{asio::buffer("hello"sv)};
  a->write_some(sent, ec);
  ioc.run();
  std::array<char, 16> received{};
  const auto size = b->read_some(asio::buffer(received), ec);

  std::stop_source stop;
  const coax::context ctx(stop.get_token());
  stop.request_stop();

  ioc.restart();
  auto dialled = asio::co_spawn(ioc, &refused, asio::use_future);
  ioc.run();

  const bool fine = dialled.get() && std::string_view(received.data(), size) == "hello" &&
                    ctx.stopped() == coax::errc::canceled && !coax::conn();
  std::cout << (fine ? "coax works as installed\n" : "coax does not work as installed\n");
  return fine ? 0 : 1;
}
