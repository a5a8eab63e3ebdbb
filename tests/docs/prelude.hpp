/// What the code blocks of the documentation take for granted.
#pragma once

#include <coax/coax.hpp>
#include <coax/json.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include <cstdint>
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
