/// The part of a URL that names a peer.
#pragma once

#include "protocol/failure.hpp"

#include <boost/url/url_view.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace coax::detail {

struct url_authority {
  url_authority() = default;

  std::string host;  ///< A name or an address, without brackets.
  std::string port;
  std::string host_field;  ///< As host, but with brackets, and with a port that is not the standard one.
  std::string user;        ///< Decoded, without control characters; and so is the password.
  std::string password;
  bool has_userinfo = false;
};

/// The scheme in lower case.
std::string scheme_of(const boost::urls::url_view& url);

/// The authority of a URL that has one. The text of a failure follows the words "the URL" and shows no password.
protocol::outcome<url_authority> read_authority(const boost::urls::url_view& url, std::string_view standard_port);

/// The host, in brackets if it is an IPv6 address, and the port.
std::string host_and_port(const std::string& host, const std::string& port);

/// Of a port that `read_authority` has let pass.
std::uint16_t port_number(const std::string& port);

/// What follows "Basic " in a field of that authorization (RFC 7617 section 2). The user must have no colon.
std::string basic_credentials(std::string_view user, std::string_view password);

}  // namespace coax::detail
