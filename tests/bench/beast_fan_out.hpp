/// One message to many over Beast's WebSocket, next to what fan_out.cpp measures of ours.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace bench {

/// Connections whose handshake is done, tuned: frames are not cut and are sent from a large buffer.
class beast_connections {
 public:
  beast_connections();
  beast_connections(beast_connections&&) noexcept;
  ~beast_connections();

  void add(boost::asio::ip::tcp::socket s);
  /// One after the other, as a server does that has no hub.
  boost::asio::awaitable<void> write_to_all(std::string_view text);

 private:
  struct streams;
  std::unique_ptr<streams> streams_;
};

}  // namespace bench
