/// @file
/// A proxy on the way to a server that did not let us through: thrown by `dial`.
#pragma once

#include <coax/detail/export.hpp>
#include <coax/handshake_error.hpp>

#include <string>

namespace coax {

/// A `handshake_error` whose response is the proxy's and not the server's; `status()` is 407 if the proxy wants (other)
/// credentials, and 0 if it gave no HTTP response, as a SOCKS proxy. Its code is `errc::proxy_failed`.
class COAX_EXPORT proxy_error : public handshake_error {
 public:
  /// As `handshake_error`.
  explicit proxy_error(std::string_view what, unsigned status = 0, headers fields = {}, std::string body = {});
};

}  // namespace coax
