// A user's first program: bytes through a pipe in memory, and a context that has stopped.
#include <coax/conn.hpp>
#include <coax/testing.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <iostream>
#include <string_view>

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

  const bool fine =
      std::string_view(received.data(), size) == "hello" && ctx.stopped() == coax::errc::canceled && !coax::conn();
  std::cout << (fine ? "coax works as installed\n" : "coax does not work as installed\n");
  return fine ? 0 : 1;
}
