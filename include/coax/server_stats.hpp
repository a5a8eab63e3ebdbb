/// @file
/// What a server has done and holds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace coax {

/// See `server::stats`.
struct server_stats {
  std::size_t connections = 0;  ///< Open now, WebSockets and streams of events included.
  std::size_t streams = 0;      ///< Of these, WebSockets and streams of events.
  std::uint64_t accepted = 0;   ///< Connections, since the server began.
  std::uint64_t requests = 0;   ///< Well-formed requests, refused ones included.
  // Refused with 503, see `admission_options`:
  std::uint64_t refused_connections = 0;  ///< Requests of connections above the bound.
  std::uint64_t refused_streams = 0;      ///< WebSockets and streams of events above the bound.
  std::uint64_t refused_by_hook = 0;      ///< Requests that the hook did not want.
  std::uint64_t refused_proxies = 0;      ///< Connections cut for the PROXY protocol: missing, malformed, not trusted.
};

}  // namespace coax
