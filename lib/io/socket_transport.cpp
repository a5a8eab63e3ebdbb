#include "io/socket_transport.hpp"

#include <coax/stream_transport.hpp>

#include <boost/asio/generic/stream_protocol.hpp>

#include <cstring>
#include <memory>
#include <span>
#include <string>

namespace coax::detail {
namespace {

// One class for every family: after the constructor nothing differs but the text of an address.
class socket_transport final : public transport {
 public:
  explicit socket_transport(asio::generic::stream_protocol::socket&& socket)
      : transport(socket.get_executor()), socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  std::size_t read_some(asio::mutable_buffer to, error_code& ec) override { return socket_.read_some(to, ec); }

  std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) override {
    ec.clear();
    if (from.empty()) return 0;
    // send() is cheaper than sendmsg(), and most batches are one buffer.
    if (from.size() == 1) return socket_.write_some(from.front(), ec);
    return socket_.write_some(from, ec);
  }

  // The handler holds the transport weakly: when its owner lets go of it, the socket closes. It has no cancellation
  // slot, and nothing but closing the socket ends it early.
  void wait(direction d) override {
    auto& waiting = waiting_[static_cast<int>(d)];
    if (waiting || !socket_.is_open()) return;
    waiting = true;
    const auto what = d == direction::read ? asio::socket_base::wait_read : asio::socket_base::wait_write;
    socket_.async_wait(what, [weak = weak_from_this(), d](const error_code&) {
      const auto self = weak.lock();
      if (!self) return;
      auto& me = static_cast<socket_transport&>(*self);
      me.waiting_[static_cast<int>(d)] = false;
      // An error of the wait itself shows at the read or write that follows.
      if (me.socket_.is_open()) me.notify(d);
    });
  }

  void shutdown_send() noexcept override {
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  }

  void close() noexcept override {
    error_code ignored;
    socket_.close(ignored);
  }

  std::string local_endpoint() const override {
    error_code ec;
    const auto e = socket_.local_endpoint(ec);
    return ec ? std::string() : describe(e);
  }

  std::string remote_endpoint() const override {
    error_code ec;
    const auto e = socket_.remote_endpoint(ec);
    return ec ? std::string() : describe(e);
  }

 private:
  static std::string describe(const asio::generic::stream_protocol::endpoint& e) {
    const int family = e.protocol().family();
    if (family == asio::ip::tcp::v4().family() || family == asio::ip::tcp::v6().family()) {
      asio::ip::tcp::endpoint ip;
      if (e.size() > ip.capacity()) return {};
      std::memcpy(ip.data(), e.data(), e.size());
      ip.resize(e.size());
      return to_string(ip);
    }
#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
    if (family == asio::local::stream_protocol().family()) {
      asio::local::stream_protocol::endpoint path;
      if (e.size() > path.capacity()) return {};
      std::memcpy(path.data(), e.data(), e.size());
      path.resize(e.size());
      return path.path();
    }
#endif
    return {};
  }

  asio::generic::stream_protocol::socket socket_;
  bool waiting_[2] = {};
};

}  // namespace

std::shared_ptr<transport> make_tcp_transport(asio::ip::tcp::socket&& socket) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  return std::make_shared<socket_transport>(std::move(socket));
}

#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
std::shared_ptr<transport> make_unix_transport(asio::local::stream_protocol::socket&& socket) {
  return std::make_shared<socket_transport>(std::move(socket));
}
#endif

std::string to_string(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  const auto port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace coax::detail
