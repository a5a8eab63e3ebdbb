/// Where a URL leads.
#pragma once

#include "protocol/failure.hpp"

#include <string>
#include <string_view>

namespace coax::detail {

/// What may lead to a target.
enum class url_schemes : unsigned char {
  websocket,  ///< ws, wss, http, https, ws+unix; a fragment is refused.
  http        ///< http, https, http+unix; a fragment is dropped.
};

struct dial_target {
  dial_target() = default;

  url_schemes schemes = url_schemes::websocket;

  bool secure = false;
  bool speaks_http = true;  ///< Then ALPN offers it.
  std::string host;         ///< A name or an address, without brackets; empty for a Unix socket.
  std::string port;
  std::string socket_path;  ///< Of a Unix socket.
  std::string host_field;   ///< For Host: with brackets, and with a port that is not the default one.
  std::string request;      ///< Path and query, percent-encoded as they came.
  std::string credentials;  ///< For Basic authorization: base64 of user and password, or empty.

  /// The host and the port, or the path, for people.
  std::string name() const { return socket_path.empty() ? host_field : socket_path; }
  /// The URL in terms of HTTP, without user and password.
  std::string http_url() const { return (secure ? "https://" : "http://") + host_field + request; }
};

/// The text of a failure follows the words "the URL" and shows no password.
protocol::outcome<dial_target> parse_target(std::string_view url, url_schemes schemes);

/// @throws system_error errc::bad_url with a text that says what is wrong and shows no password.
dial_target parse_dial_target(std::string_view url);

/// Where the Location of an answer from `from` leads (RFC 9110 section 10.2.2), without its fragment. A relative one
/// stays with the host or the Unix socket, and with the credentials; one with a host has its own credentials or none.
/// Refused: what could not be dialled, Unix sockets, and plain text when `from` was secure. The text of a failure shows
/// nothing of the Location but its host.
protocol::outcome<dial_target> redirect_target(const dial_target& from, std::string_view location);

/// Whether what is meant for `from` may be shown to `to` as well: the same scheme, host and port, or TLS instead of
/// plain text at the standard ports of the same host.
bool same_origin(const dial_target& from, const dial_target& to);

}  // namespace coax::detail
