/// Where a URL leads.
#pragma once

#include <string>
#include <string_view>

namespace coax::detail {

struct dial_target {
  dial_target() = default;

  bool secure = false;
  std::string host;  ///< A name or an address, without brackets; empty for a Unix socket.
  std::string port;
  std::string socket_path;  ///< Of a Unix socket.
  std::string host_field;   ///< For Host: with brackets, and with a port that is not the default one.
  std::string request;      ///< Path and query, percent-encoded as they came.
  std::string credentials;  ///< For Basic authorization: base64 of user and password, or empty.

  /// The host and the port, or the path, for people.
  std::string name() const { return socket_path.empty() ? host_field : socket_path; }
};

/// @throws system_error errc::bad_url with a text that says what is wrong and shows no password.
dial_target parse_dial_target(std::string_view url);

}  // namespace coax::detail
