/// The escapes of URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coax::http {

enum class plus : unsigned char { literal, space };

/// "%41" becomes "A"; nothing if an escape is malformed. In a query, '+' stands for a space.
std::optional<std::string> percent_decode(std::string_view text, plus p = plus::literal);

/// A segment of a path for a URL: all but the unreserved characters of RFC 3986 is escaped, so that the segment can
/// neither end nor become anything else.
std::string percent_encode(std::string_view segment);

}  // namespace coax::http
