#include "io/system.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>

#include <cstdlib>

namespace coax::detail {

steady::time_point last_tick() noexcept { return steady::now(); }

const char* environment_variable(const char* name) noexcept { return std::getenv(name); }

bool spreads_connections() noexcept { return false; }

error_code share_port(asio::ip::tcp::acceptor&) { return asio::error::operation_not_supported; }

error_code reuse_address([[maybe_unused]] asio::ip::tcp::acceptor& a) {
  error_code ec;
#ifndef _WIN32
  // There the option would let another process take the port over, and nothing needs it.
  a.set_option(asio::socket_base::reuse_address(true), ec);
#endif
  return ec;
}

}  // namespace coax::detail
