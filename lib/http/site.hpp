/// What all threads of a server share.
#pragma once

#include "http/head_scanner.hpp"
#include "http/router.hpp"
#include <coax/server_options.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace coax::http {

class worker;

struct site {
  explicit site(server_options o) : options(std::move(o)) {}

  const server_options options;
  router routes;  ///< Complete before the first connection.
  std::vector<std::weak_ptr<worker>> workers;
  std::atomic<std::size_t> open{0};  ///< Connections, accepted and not yet gone.

  head_limits limits() const noexcept {
    return {options.max_head(), options.max_request_line(), options.max_header_fields()};
  }
  void log(log_level level, std::string_view text) const {
    if (options.log()) options.log()(level, text);
  }
};

}  // namespace coax::http
