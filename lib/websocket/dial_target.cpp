#include "websocket/dial_target.hpp"

#include <coax/error.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <openssl/evp.h>

#include <algorithm>

namespace coax::detail {
namespace {

namespace urls = boost::urls;

[[noreturn]] void refuse(std::string_view why) { throw system_error(errc::bad_url, "dial: " + std::string(why)); }

bool equals_any(std::string_view s, std::string_view a, std::string_view b) { return s == a || s == b; }

// RFC 1123 names, and the underscore that some of them have. Internationalized names come as punycode.
bool is_host_name(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

std::string base64(std::string_view s) {
  std::string out((s.size() + 2) / 3 * 4 + 1, '\0');  // with room for the NUL of OpenSSL
  const auto n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                 reinterpret_cast<const unsigned char*>(s.data()), static_cast<int>(s.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

// RFC 7617 section 2.
std::string credentials(const urls::url_view& u) {
  const std::string user = u.user();
  const std::string password = u.password();
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (user.find(':') != user.npos) refuse("a user name with a colon cannot be sent as Basic authorization");
  if (std::ranges::any_of(user + password, is_control)) refuse("the user name or the password has control characters");
  return base64(user + ":" + password);
}

void set_authority(dial_target& t, const urls::url_view& u) {
  switch (u.host_type()) {
    case urls::host_type::ipv4:
    case urls::host_type::name: t.host = u.host(); break;
    case urls::host_type::ipv6: t.host = u.host_address(); break;
    case urls::host_type::none:
    case urls::host_type::ipvfuture: break;
  }
  const bool ipv6 = u.host_type() == urls::host_type::ipv6;
  if (t.host.empty()) refuse("the URL has no host");
  if (!ipv6 && !is_host_name(t.host)) refuse("the host of the URL is not a host name; non-ASCII names need punycode");
  t.host_field = ipv6 ? "[" + t.host + "]" : t.host;

  const std::string_view standard = t.secure ? "443" : "80";
  t.port = standard;
  if (!u.has_port() || u.port().empty()) return;
  if (u.port_number() == 0) refuse("the port of the URL is not between 1 and 65535");
  t.port = std::to_string(u.port_number());
  if (t.port != standard) t.host_field += ":" + t.port;
}

void set_socket_path(dial_target& t, const urls::url_view& u) {
  if (!u.encoded_authority().empty()) refuse("a ws+unix URL has three slashes: ws+unix:///path/to.sock:/target");
  const std::string_view path = u.encoded_path();
  const auto colon = std::min(path.find(':'), path.size());
  t.socket_path = urls::pct_string_view(path.substr(0, colon)).decode();
  if (t.socket_path.size() < 2) refuse("the ws+unix URL names no socket");
  if (t.socket_path.find('\0') != t.socket_path.npos) refuse("the path of the socket has a NUL");
  t.request = path.substr(std::min(colon + 1, path.size()));
  t.host_field = "localhost";
}

}  // namespace

dial_target parse_dial_target(std::string_view url) {
  const auto parsed = urls::parse_uri(url);
  if (!parsed) refuse("the URL is malformed");
  const urls::url_view& u = *parsed;
  std::string scheme(u.scheme());
  std::ranges::transform(scheme, scheme.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  // RFC 6455 section 3.
  if (u.has_fragment()) refuse("a WebSocket URL has no fragment");

  dial_target t;
  if (scheme == "ws+unix") {
    set_socket_path(t, u);
  } else if (equals_any(scheme, "ws", "http") || equals_any(scheme, "wss", "https")) {
    t.secure = equals_any(scheme, "wss", "https");
    if (!u.has_authority()) refuse("the URL has no host");
    // RFC 3986 section 3.2 ends an authority at a slash; Boost.URL 1.81 also where the digits of the port end.
    if (!u.encoded_path().empty() && !u.encoded_path().starts_with('/')) refuse("the port of the URL is not a number");
    set_authority(t, u);
    t.request = std::string_view(u.encoded_path());
    if (u.has_userinfo()) t.credentials = credentials(u);
  } else {
    refuse("the scheme of the URL must be ws, wss, http, https or ws+unix");
  }
  if (!t.request.starts_with('/')) t.request.insert(0, 1, '/');
  if (u.has_query()) t.request.append("?").append(std::string_view(u.encoded_query()));
  return t;
}

}  // namespace coax::detail
