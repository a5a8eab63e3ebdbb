/// What coax takes from the operating system beyond Asio and the standard library. system_linux.cpp has it for Linux;
/// system_plain.cpp does without (the CMake option COAX_PLAIN_ASIO).
#pragma once

#include "core/clock.hpp"
#include <coax/context.hpp>
#include <coax/error.hpp>

#include <boost/asio/ip/tcp.hpp>

namespace coax::detail {

/// The monotonic clock as of the last tick where that is cheaper: comparable with `steady::now()`, never ahead of it.
steady::time_point last_tick() noexcept;

/// A variable of the environment, or null. A program with more rights than its caller does not listen to the caller's
/// variables, where the system can tell.
const char* environment_variable(const char* name) noexcept;

/// Whether connections are spread over the acceptors that share a port.
bool spreads_connections() noexcept;

/// Lets other acceptors bind the same port. Before `bind`; an error where `spreads_connections` is false.
error_code share_port(asio::ip::tcp::acceptor& a);

/// Lets a port be bound of which the last connections are still winding down. Before `bind`.
error_code reuse_address(asio::ip::tcp::acceptor& a);

}  // namespace coax::detail
