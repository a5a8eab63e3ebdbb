#include "protocol/socks5.hpp"

#include <boost/asio/ip/address.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

constexpr unsigned version = 5;
constexpr unsigned no_authentication = 0;
constexpr unsigned user_and_password = 2;
constexpr unsigned nothing_acceptable = 0xff;
constexpr unsigned ipv4 = 1;
constexpr unsigned name = 3;
constexpr unsigned ipv6 = 4;

failure wrong(std::string text) { return {errc::proxy_failed, {}, std::move(text)}; }

char byte_of(std::size_t n) { return static_cast<char>(static_cast<unsigned char>(n)); }

template <class Bytes>
void append(std::string& out, const Bytes& bytes) {
  for (const auto b : bytes) out += static_cast<char>(b);
}

// RFC 1928 section 6.
std::string reply_text(unsigned reply) {
  switch (reply) {
    case 1: return "has failed (SOCKS reply 1, general failure)";
    case 2: return "does not allow the connection (SOCKS reply 2)";
    case 3: return "cannot reach the network of the host (SOCKS reply 3)";
    case 4: return "cannot reach the host (SOCKS reply 4)";
    case 5: return "was refused by the host (SOCKS reply 5)";
    case 6: return "cannot reach the host in the time to live (SOCKS reply 6)";
    case 7: return "knows no CONNECT (SOCKS reply 7)";
    case 8: return "does not take this kind of address (SOCKS reply 8)";
    default: return "has failed (SOCKS reply " + std::to_string(reply) + ")";
  }
}

}  // namespace

socks5_client::socks5_client(socks5_request request) : request_(std::move(request)) {
  if (request_.host.empty() || request_.host.size() > 255 || request_.user.size() > 255 ||
      request_.password.size() > 255)
    throw std::invalid_argument("SOCKS: the host, the user or the password is empty or longer than 255 bytes");
  const bool named = !request_.user.empty();
  output_ = {byte_of(version), byte_of(named ? 2 : 1), byte_of(no_authentication)};
  if (named) output_ += byte_of(user_and_password);
}

outcome<void> socks5_client::put(std::span<const std::byte> piece) {
  const auto at = [piece](std::size_t i) { return std::to_integer<unsigned>(piece[i]); };
  switch (step_) {
    case step::method: return take_method(at(0), at(1));
    case step::authentication:
      // RFC 1929 section 2. Its version is 1; some servers say 5, and nobody cares.
      if (at(1) != 0) return wrong("does not accept user and password");
      ask();
      return {};
    case step::reply: return take_reply(at(0), at(1), at(3));
    case step::name_length: expect(step::bound_address, at(0) + 2); return {};
    case step::bound_address: wanted_ = 0; return {};
  }
  return {};
}

outcome<void> socks5_client::take_method(unsigned v, unsigned method) {
  if (v != version) return wrong("does not speak SOCKS 5");
  if (method == no_authentication) {
    ask();
    return {};
  }
  if (method == user_and_password && !request_.user.empty()) {
    authenticate();
    return {};
  }
  if (method != nothing_acceptable) return wrong("chose a way of authentication that was not offered");
  return wrong(request_.user.empty() ? "wants authentication; put user and password into its URL"
                                     : "takes neither user and password nor no authentication");
}

void socks5_client::authenticate() {
  output_ = {byte_of(1), byte_of(request_.user.size())};
  output_ += request_.user;
  output_ += byte_of(request_.password.size());
  output_ += request_.password;
  expect(step::authentication, 2);
}

void socks5_client::ask() {
  output_ = {byte_of(version), byte_of(1), byte_of(0)};
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(request_.host, not_an_address);
  if (not_an_address) {
    output_ += byte_of(name);
    output_ += byte_of(request_.host.size());
    output_ += request_.host;
  } else if (address.is_v4()) {
    output_ += byte_of(ipv4);
    append(output_, address.to_v4().to_bytes());
  } else {
    output_ += byte_of(ipv6);
    append(output_, address.to_v6().to_bytes());
  }
  output_ += byte_of(request_.port >> 8);
  output_ += byte_of(request_.port & 0xff);
  expect(step::reply, 4);
}

outcome<void> socks5_client::take_reply(unsigned v, unsigned reply, unsigned address_type) {
  if (v != version) return wrong("does not speak SOCKS 5");
  if (reply != 0) {
    host_failed_ = true;
    return wrong(reply_text(reply));
  }
  // Where the proxy's own end is; nobody needs it, but its bytes must go.
  switch (address_type) {
    case ipv4: expect(step::bound_address, 4 + 2); return {};
    case ipv6: expect(step::bound_address, 16 + 2); return {};
    case name: expect(step::name_length, 1); return {};
    default: return wrong("answered with an address of unknown kind");
  }
}

}  // namespace coax::protocol
