/// The client's side of SOCKS 5: CONNECT (RFC 1928) with or without user and password (RFC 1929).
#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace coax::protocol {

struct socks5_request {
  socks5_request() = default;

  std::string host;  ///< A name, which the proxy resolves, or an address without brackets; at most 255 bytes.
  std::uint16_t port = 0;
  std::string user;  ///< Empty: no authentication is offered. At most 255 bytes, and so is the password.
  std::string password;
};

/// Asks and answers in turn:
///
///     do { send(c.take_output()); if (c.wanted() != 0) c.put(read exactly c.wanted() bytes); } while (!c.done());
///
/// It never wants a byte of what comes behind the proxy's last answer: that belongs to the tunnel.
class socks5_client {
 public:
  /// The most bytes that it wants at once.
  static constexpr std::size_t max_wanted = 255 + 2;

  /// @throws std::invalid_argument something is too long.
  explicit socks5_client(socks5_request request);

  /// What is to be sent now; often nothing.
  std::string take_output() { return std::exchange(output_, {}); }
  /// How many bytes it needs next; 0 when the tunnel is there.
  std::size_t wanted() const noexcept { return wanted_; }
  bool done() const noexcept { return wanted_ == 0; }

  /// Takes exactly `wanted()` bytes. After a failure, whose text follows the name of the proxy, it is of no more use.
  outcome<void> put(std::span<const std::byte> piece);

  /// Whether the failure was that the proxy could not or would not connect to the host.
  bool host_failed() const noexcept { return host_failed_; }

 private:
  enum class step : unsigned char { method, authentication, reply, name_length, bound_address };

  outcome<void> take_method(unsigned version, unsigned method);
  outcome<void> take_reply(unsigned version, unsigned reply, unsigned address_type);
  void authenticate();
  void ask();
  void expect(step s, std::size_t bytes) noexcept {
    step_ = s;
    wanted_ = bytes;
  }

  socks5_request request_;
  std::string output_;
  step step_ = step::method;
  std::size_t wanted_ = 2;
  bool host_failed_ = false;
};

}  // namespace coax::protocol
