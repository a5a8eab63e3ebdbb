/// Filters over topic names, as MQTT's: levels end at `/`, `+` is any one level, `#` at the end all further ones.
#pragma once

#include <string_view>

namespace coax::detail {

/// Whether a level of it is `+` or `#`: then it is a filter over names.
bool has_wildcards(std::string_view name) noexcept;

/// Whether `+` and `#` each fill a level, and `#` only the last one.
bool is_filter(std::string_view filter) noexcept;

/// Whether `filter`, which is one, matches; `a/#` matches `a` as well.
bool matches(std::string_view filter, std::string_view topic) noexcept;

}  // namespace coax::detail
