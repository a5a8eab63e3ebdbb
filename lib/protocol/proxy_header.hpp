/// What a proxy says in front of a connection of whom it has opened it for: the PROXY protocol, versions 1 and 2
/// (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coax::protocol {

/// Both ends of the client's connection, as a transport names them.
struct proxied_endpoints {
  proxied_endpoints() = default;

  std::string remote;
  std::string local;
};

struct proxy_header {
  enum class verdict : unsigned char {
    more,      ///< At least `size` bytes are missing: reading as many takes nothing of what comes behind.
    complete,  ///< It is the first `size` bytes.
    absent,    ///< What has come is no such header.
    malformed
  };

  /// The longest that is taken, in bytes: the buffer of HAProxy, which has to fit into one.
  static constexpr std::size_t max_size = 16 * 1024;

  proxy_header() = default;

  verdict what = verdict::more;
  std::size_t size = 0;
  /// Nothing if the connection is the proxy's own, as for a health check, or of a kind that has no such addresses.
  std::optional<proxied_endpoints> endpoints;
};

/// Looks at what has come since the beginning of the connection. The addresses are checked, and so is the CRC32C of
/// version 2 where there is one; other TLVs are skipped.
proxy_header read_proxy_header(std::string_view bytes);

}  // namespace coax::protocol
