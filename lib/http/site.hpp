/// What all threads of a server share.
#pragma once

#include "http/head_scanner.hpp"
#include "http/router.hpp"
#include "http/stream_slot.hpp"
#include <coax/response.hpp>
#include <coax/server_options.hpp>
#include <coax/server_stats.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace coax::http {

class worker;

struct site {
  explicit site(server_options o) : options(std::move(o)) {}

  const server_options options;
  router routes;  ///< Complete before the first connection.
  std::vector<std::weak_ptr<worker>> workers;
  std::atomic<std::size_t> open{0};  ///< Connections, accepted and not yet gone.
  std::atomic<std::size_t> streams{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused_connections{0};
  std::atomic<std::uint64_t> refused_streams{0};
  std::atomic<std::uint64_t> refused_by_hook{0};
  std::atomic<std::uint64_t> refused_proxies{0};

  server_stats stats() const noexcept;

  /// Counts one more connection.
  void opened() noexcept {
    ++open;
    ++accepted;
  }
  /// Whether more are open than those that are served.
  bool crowded() const noexcept { return open.load() > options.admission().connections(); }
  /// Asks whether a request may be served, and counts if not. `crowded_out`: its connection came above the bound.
  admission admit(const exchange& x, bool crowded_out);
  /// A place for a WebSocket or a stream of events; counts if there is none.
  std::optional<stream_slot> take_stream_slot() noexcept;
  /// The answer to those who are refused.
  response busy() const;

  head_limits limits() const noexcept {
    return {options.max_head(), options.max_request_line(), options.max_header_fields()};
  }
  void log(log_level level, std::string_view text) const {
    if (options.log()) options.log()(level, text);
  }
};

}  // namespace coax::http
