/// What a request asks for: path and query of its target (RFC 9112 section 3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax::http {

struct target {
  /// Decoded, "." and ".." resolved: {"rooms", "a b"} for "/rooms/./a%20b". An encoded slash stays inside its segment.
  std::vector<std::string> segments;
  std::string path;            ///< The segments, joined: "/rooms/a b".
  std::string_view raw_path;   ///< As it was sent; in the request's head.
  std::string_view raw_query;  ///< What is behind the '?'.
  bool asterisk = false;       ///< "OPTIONS *".
};

/// Nothing if the target is malformed or climbs above the root.
std::optional<target> parse_target(std::string_view text);

/// The value of the first `name=value` of a query, decoded; nothing if there is none.
std::optional<std::string> query_value(std::string_view raw_query, std::string_view name);

}  // namespace coax::http
