/// IP addresses as text, and the networks that they are in.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

/// An address without brackets; nothing if it is none.
std::optional<boost::asio::ip::address> parse_address(std::string_view text);

/// The address in "1.2.3.4", "1.2.3.4:80", "::1", "[::1]" or "[::1]:80", as peers and header fields name it: without
/// port and zone, and IPv4 as such where it comes in its IPv6 form (RFC 4291 section 2.5.5.2).
std::optional<boost::asio::ip::address> address_of(std::string_view text);

/// An address, or all that begin with the same bits.
class network {
 public:
  /// "10.0.0.0/8", "fd00::/8", "10.1.2.3", "::1".
  static std::optional<network> parse(std::string_view text);

  /// A network of IPv6 that has the IPv6 forms of IPv4 addresses in it, as ::/0, does not mean IPv4.
  bool contains(const boost::asio::ip::address& a) const noexcept;

 private:
  using address_bytes = std::array<unsigned char, 16>;  // IPv4 as ::ffff:a.b.c.d

  network(address_bytes address, unsigned prefix) : address_(address), prefix_(prefix) {}

  address_bytes address_;
  unsigned prefix_;
};

/// Those whose word is taken.
class network_list {
 public:
  /// Networks as `network::parse` takes them, and "unix" for whoever comes through a unix socket.
  /// @throws std::invalid_argument  one that is neither.
  explicit network_list(const std::vector<std::string>& texts);

  bool contains(const boost::asio::ip::address& a) const noexcept;
  /// An endpoint as a transport names it; what is no address and port is a unix socket.
  bool contains_endpoint(std::string_view endpoint) const;

 private:
  std::vector<network> networks_;
  bool unix_ = false;
};

}  // namespace coax::protocol
