/// Which part of a representation a GET request gets, if any (RFC 9110 sections 13 and 14).
#pragma once

#include "protocol/header_field.hpp"

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace coax::http {

/// What can be sent.
struct representation {
  std::string etag;                     ///< Strong, with its quotes.
  std::optional<std::time_t> modified;  ///< To the second.
  std::uint64_t size = 0;
};

struct selection {
  unsigned status = 200;    ///< 200, 206, 304, 412 or 416.
  std::uint64_t first = 0;  ///< Of a 200 or 206.
  std::uint64_t length = 0;
};

/// Conditions and `Range` of a request for `r`. A range that is malformed, several ranges, and a range for another
/// version give the whole.
selection select(std::string_view method, protocol::header_fields fields, const representation& r);

}  // namespace coax::http
