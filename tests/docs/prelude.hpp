/// What the code blocks of the documentation take for granted.
#pragma once

#include <coax/coax.hpp>
#include <coax/json.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using namespace boost::asio::experimental::awaitable_operators;

/// The names that a body uses and does not declare.
#define BLOCK_PARAMETERS                                                                                      \
  [[maybe_unused]] coax::conn &c, [[maybe_unused]] coax::context ctx, [[maybe_unused]] std::stop_token token, \
      [[maybe_unused]] boost::asio::steady_timer &timer, [[maybe_unused]] coax::exchange &x,                  \
      [[maybe_unused]] coax::server &srv, [[maybe_unused]] coax::hub &hub

/// Where a program listens: where it says, or at the socket that the test names.
inline std::string test_address(std::string as_written) {
  const char* socket = std::getenv("COAX_SOCKET");
  return socket ? "unix:" + std::string(socket) : as_written;
}

/// What a program dials: the test's socket in the place of 127.0.0.1:8080.
inline std::string test_url(const std::string& path) {
  const char* socket = std::getenv("COAX_SOCKET");
  return socket ? "ws+unix://" + std::string(socket) + ":" + path : "ws://127.0.0.1:8080" + path;
}
