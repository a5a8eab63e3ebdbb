/// The names of topics: UTF-8, in levels that end at `/`.
#pragma once

#include <string_view>

namespace coax::detail {

/// Whether a level of it is `+` or `#`: then it is a filter over names.
bool has_wildcards(std::string_view name) noexcept;

/// Why it is neither a name nor a filter; empty if it is one.
std::string_view fault_of_name(std::string_view name, std::size_t max_bytes) noexcept;

}  // namespace coax::detail
