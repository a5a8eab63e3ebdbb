#include "websocket/url_authority.hpp"

#include "core/parse_number.hpp"
#include "protocol/base64.hpp"
#include "protocol/header_field.hpp"

#include <algorithm>

namespace coax::detail {
namespace {

namespace urls = boost::urls;
using protocol::failure;

failure bad_authority(std::string_view why) { return {errc::bad_url, {}, std::string(why)}; }

// RFC 1123 names, and the underscore that some of them have. Internationalized names come as punycode.
bool is_host_name(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

std::string host_of(const urls::url_view& url) {
  switch (url.host_type()) {
    case urls::host_type::ipv4:
    case urls::host_type::name: return url.host();
    case urls::host_type::ipv6: return url.host_address();
    case urls::host_type::none:
    case urls::host_type::ipvfuture: break;
  }
  return {};
}

// 0 for what is no port. That of Boost.URL 1.81 takes 99999 for 34463.
std::uint16_t parse_port(std::string_view digits) { return parse_number<std::uint16_t>(digits).value_or(0); }

bool has_controls(std::string_view s) {
  return std::ranges::any_of(s, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

std::string scheme_of(const urls::url_view& url) { return protocol::lower_case(std::string_view(url.scheme())); }

protocol::outcome<url_authority> read_authority(const urls::url_view& url, std::string_view standard_port) {
  if (!url.has_authority()) return bad_authority("has no host");
  // RFC 3986 section 3.2 ends an authority at a slash; Boost.URL 1.81 also where the digits of the port end.
  if (!url.encoded_path().empty() && !url.encoded_path().starts_with('/'))
    return bad_authority("has a port that is no number");
  url_authority a;
  a.host = host_of(url);
  const bool ipv6 = url.host_type() == urls::host_type::ipv6;
  if (a.host.empty()) return bad_authority("has no host");
  if (!ipv6 && !is_host_name(a.host))
    return bad_authority("has a host that is no host name; non-ASCII names need punycode");
  a.host_field = ipv6 ? "[" + a.host + "]" : a.host;

  a.port = standard_port;
  if (url.has_port() && !url.port().empty()) {
    const auto number = parse_port(url.port());
    if (number == 0) return bad_authority("has a port that is not between 1 and 65535");
    a.port = std::to_string(number);
    if (a.port != standard_port) a.host_field += ":" + a.port;
  }

  a.has_userinfo = url.has_userinfo();
  a.user = url.user();
  a.password = url.password();
  if (has_controls(a.user) || has_controls(a.password))
    return bad_authority("has control characters in user or password");
  return a;
}

std::string host_and_port(const std::string& host, const std::string& port) {
  const bool ipv6 = host.find(':') != host.npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + port;
}

std::uint16_t port_number(const std::string& port) { return static_cast<std::uint16_t>(std::stoul(port)); }

std::string basic_credentials(std::string_view user, std::string_view password) {
  const std::string s = std::string(user).append(":").append(password);
  return protocol::base64({reinterpret_cast<const unsigned char*>(s.data()), s.size()});
}

}  // namespace coax::detail
