#include "io/system.hpp"

#include <boost/asio/socket_base.hpp>

#include <sys/socket.h>
#include <time.h>

#include <chrono>

namespace coax::detail {
namespace {

/// Linux spreads connections over the sockets that share a port; elsewhere the last one gets them all.
class reuse_port {
 public:
  template <class Protocol>
  int level(const Protocol&) const noexcept {
    return SOL_SOCKET;
  }
  template <class Protocol>
  int name(const Protocol&) const noexcept {
    return SO_REUSEPORT;
  }
  template <class Protocol>
  const void* data(const Protocol&) const noexcept {
    return &on_;
  }
  template <class Protocol>
  std::size_t size(const Protocol&) const noexcept {
    return sizeof on_;
  }

 private:
  int on_ = 1;
};

}  // namespace

steady::time_point last_tick() noexcept {
  timespec t;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return steady::time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

const char* environment_variable(const char* name) noexcept { return ::secure_getenv(name); }

bool spreads_connections() noexcept { return true; }

error_code share_port(asio::ip::tcp::acceptor& a) {
  error_code ec;
  a.set_option(reuse_port(), ec);
  return ec;
}

error_code reuse_address(asio::ip::tcp::acceptor& a) {
  error_code ec;
  a.set_option(asio::socket_base::reuse_address(true), ec);
  return ec;
}

}  // namespace coax::detail
