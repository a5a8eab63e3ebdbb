/// What a dial asks for.
#pragma once

#include "websocket/dial_route.hpp"
#include <coax/dial.hpp>

namespace coax::detail {

/// The request of one dial. No I/O.
class dial_request : public dial_route {
 public:
  /// `options` must outlive it. @throws system_error errc::bad_url.
  dial_request(std::string_view url, const dial_options& options)
      : dial_route(parse_dial_target(url), options), options_(options) {}

  /// The head of the request that is due now (RFC 6455 section 4.1). Asks the cookie jar.
  /// @throws std::invalid_argument the jar gave what a field must not have.
  std::string head(std::string_view key) const;

 private:
  const dial_options& options_;
};

}  // namespace coax::detail
