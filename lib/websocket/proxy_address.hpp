/// A proxy, as its URL describes it.
#pragma once

#include "protocol/failure.hpp"

#include <string>
#include <string_view>

namespace coax::detail {

/// `socks5h` leaves names to the proxy, `socks5` resolves them first; as with curl.
enum class proxy_kind : unsigned char { http, https, socks5, socks5h };

struct proxy_address {
  proxy_address() = default;

  bool is_socks() const noexcept { return kind == proxy_kind::socks5 || kind == proxy_kind::socks5h; }

  proxy_kind kind = proxy_kind::http;
  std::string host;  ///< A name or an address, without brackets.
  std::string port;
  std::string name;  ///< Host and port, for people.
  std::string user;
  std::string password;
  bool has_credentials = false;
};

/// Reads `http://user:password@host:port`, with https, socks5 or socks5h as well; without "://" it is http. A path is
/// ignored. The text of a failure follows the words "the URL of the proxy" and shows no password.
protocol::outcome<proxy_address> parse_proxy(std::string_view url);

}  // namespace coax::detail
