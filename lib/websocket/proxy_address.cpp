#include "websocket/proxy_address.hpp"

#include "websocket/url_authority.hpp"

#include <boost/url/parse.hpp>

#include <optional>

namespace coax::detail {
namespace {

protocol::failure bad_proxy(std::string why) { return {errc::bad_url, {}, std::move(why)}; }

std::optional<proxy_kind> kind_of(std::string_view scheme) {
  if (scheme == "http") return proxy_kind::http;
  if (scheme == "https") return proxy_kind::https;
  if (scheme == "socks5") return proxy_kind::socks5;
  if (scheme == "socks5h") return proxy_kind::socks5h;
  return std::nullopt;
}

std::string_view standard_port(proxy_kind kind) {
  switch (kind) {
    case proxy_kind::http: return "80";
    case proxy_kind::https: return "443";
    case proxy_kind::socks5:
    case proxy_kind::socks5h: break;
  }
  return "1080";
}

// RFC 7617 section 2 and RFC 1929 section 2 restrict what can be sent.
std::optional<protocol::failure> unsendable(const proxy_address& p) {
  if (!p.is_socks()) {
    if (p.user.find(':') == std::string::npos) return std::nullopt;
    return bad_proxy("has a user name with a colon, which cannot be sent as Basic authorization");
  }
  if (p.user.empty()) return bad_proxy("has a password without a user name, which SOCKS cannot send");
  if (p.user.size() <= 255 && p.password.size() <= 255) return std::nullopt;
  return bad_proxy("has a user name or a password of more than 255 bytes, which SOCKS cannot send");
}

}  // namespace

protocol::outcome<proxy_address> parse_proxy(std::string_view text) {
  std::string full(text);
  if (full.find("://") == full.npos) full.insert(0, "http://");
  const auto url = boost::urls::parse_uri(full);
  if (!url) return bad_proxy("is malformed");
  const auto kind = kind_of(scheme_of(*url));
  if (!kind) return bad_proxy("must have the scheme http, https, socks5 or socks5h");
  auto authority = read_authority(*url, standard_port(*kind));
  if (!authority) return authority.error();

  proxy_address p;
  p.kind = *kind;
  p.host = authority->host;
  p.port = authority->port;
  p.name = host_and_port(p.host, p.port);
  p.user = authority->user;
  p.password = authority->password;
  p.has_credentials = !p.user.empty() || !p.password.empty();
  if (p.has_credentials)
    if (auto refused = unsendable(p)) return *std::move(refused);
  return p;
}

}  // namespace coax::detail
