#include "websocket/dial_target.hpp"

#include "protocol/header_field.hpp"
#include "websocket/url_authority.hpp"

#include <boost/url/parse.hpp>

#include <algorithm>
#include <vector>

namespace coax::detail {
namespace {

namespace urls = boost::urls;
using protocol::failure;

failure wrong(std::string why) { return {errc::bad_url, {}, std::move(why)}; }

std::string request_of(const urls::url_view& u) {
  std::string r(std::string_view(u.encoded_path()));
  if (!r.starts_with('/')) r.insert(0, 1, '/');
  if (u.has_query()) r.append("?").append(std::string_view(u.encoded_query()));
  return r;
}

protocol::outcome<dial_target> unix_target(const urls::url_view& u) {
  if (!u.encoded_authority().empty())
    return wrong("must have three slashes: " + scheme_of(u) + ":///path/to.sock:/target");
  const std::string_view path = u.encoded_path();
  const auto colon = std::min(path.find(':'), path.size());
  dial_target t;
  t.socket_path = urls::pct_string_view(path.substr(0, colon)).decode();
  if (t.socket_path.size() < 2) return wrong("names no socket");
  if (t.socket_path.find('\0') != t.socket_path.npos) return wrong("has a NUL in the path of the socket");
  t.request = path.substr(std::min(colon + 1, path.size()));
  if (!t.request.starts_with('/')) t.request.insert(0, 1, '/');
  if (u.has_query()) t.request.append("?").append(std::string_view(u.encoded_query()));
  t.host_field = "localhost";
  return t;
}

protocol::outcome<dial_target> network_target(const urls::url_view& u, bool secure) {
  const auto authority = read_authority(u, secure ? "443" : "80");
  if (!authority) return authority.error();
  dial_target t;
  t.secure = secure;
  t.host = authority->host;
  t.port = authority->port;
  t.host_field = authority->host_field;
  t.request = request_of(u);
  if (authority->has_userinfo) {
    if (authority->user.find(':') != std::string::npos)
      return wrong("has a user name with a colon, which cannot be sent as Basic authorization");
    t.credentials = basic_credentials(authority->user, authority->password);
  }
  return t;
}

// RFC 3986 section 5.2.4, on a path that begins with a slash.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto segment = path.substr(0, end);
    path.remove_prefix(end);
    const bool dots = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!dots)
      kept.push_back(segment);
    else if (path.empty())
      kept.emplace_back();
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  return out.empty() ? "/" : out;
}

// RFC 3986 section 5.2.2, for a reference without scheme and authority. By hand: `url::resolve` of Boost 1.81 lets
// "/../" stand and drops a port that is out of range.
std::string resolve(std::string_view base, const urls::url_view& reference) {
  const std::string_view path = reference.encoded_path();
  const auto base_path = base.substr(0, base.find('?'));
  std::string r;
  if (path.empty())
    r = reference.has_query() ? base_path : base;
  else if (path.starts_with('/'))
    r = remove_dot_segments(path);
  else
    r = remove_dot_segments(std::string(base_path.substr(0, base_path.rfind('/') + 1)).append(path));
  if (reference.has_query()) r.append("?").append(std::string_view(reference.encoded_query()));
  return r;
}

enum class unix_sockets : bool { refused, allowed };

std::string must_have(url_schemes schemes, unix_sockets local) {
  const bool websocket = schemes == url_schemes::websocket;
  const std::string names = websocket ? "ws, wss, http" : "http";
  if (local == unix_sockets::refused) return "must have the scheme " + names + " or https";
  return "must have the scheme " + names + ", https or " + (websocket ? "ws+unix" : "http+unix");
}

protocol::outcome<dial_target> target_by_scheme(const urls::url_view& u, url_schemes schemes, unix_sockets local) {
  const bool websocket = schemes == url_schemes::websocket;
  const auto scheme = scheme_of(u);
  if (local == unix_sockets::allowed && scheme == (websocket ? "ws+unix" : "http+unix")) return unix_target(u);
  if (scheme == "https" || (websocket && scheme == "wss")) return network_target(u, true);
  if (scheme == "http" || (websocket && scheme == "ws")) return network_target(u, false);
  return wrong(must_have(schemes, local));
}

protocol::outcome<dial_target> target_of(const urls::url_view& u, url_schemes schemes, unix_sockets local) {
  // RFC 6455 section 3.
  if (u.has_fragment() && schemes == url_schemes::websocket)
    return wrong("has a fragment, which a WebSocket URL must not have");
  auto t = target_by_scheme(u, schemes, local);
  if (t) t->schemes = schemes;
  return t;
}

}  // namespace

protocol::outcome<dial_target> parse_target(std::string_view url, url_schemes schemes) {
  const auto parsed = urls::parse_uri(url);
  if (!parsed) return wrong("is malformed");
  return target_of(*parsed, schemes, unix_sockets::allowed);
}

dial_target parse_dial_target(std::string_view url) {
  auto t = parse_target(url, url_schemes::websocket);
  if (!t) throw system_error(errc::bad_url, "dial: the URL " + t.error().text);
  return std::move(*t);
}

protocol::outcome<dial_target> redirect_target(const dial_target& from, std::string_view location) {
  // A fragment is for whoever shows a document.
  location = location.substr(0, location.find('#'));
  const auto reference = urls::parse_uri_reference(location);
  if (!reference) return wrong("is malformed");
  if (!reference->has_scheme() && !reference->has_authority()) {
    dial_target same = from;
    same.request = resolve(from.request, *reference);
    return same;
  }
  std::string absolute(location);
  if (!reference->has_scheme()) absolute.insert(0, from.secure ? "https:" : "http:");
  const auto url = urls::parse_uri(absolute);
  if (!url) return wrong("is malformed");
  auto t = target_of(*url, from.schemes, unix_sockets::refused);
  if (t && from.secure && !t->secure) return wrong("leads from TLS to plain text at " + t->host_field);
  return t;
}

bool same_origin(const dial_target& from, const dial_target& to) {
  if (!from.socket_path.empty() || !to.socket_path.empty()) return from.socket_path == to.socket_path;
  if (!protocol::iequals(from.host, to.host)) return false;
  if (from.secure == to.secure) return from.port == to.port;
  return to.secure && from.port == "80" && to.port == "443";
}

}  // namespace coax::detail
