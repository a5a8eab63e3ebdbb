/// The names of topics: UTF-8, in levels that end at `/`.
#pragma once

#include <string_view>

namespace coax::detail {

/// Why it is neither a name nor a filter; empty if it is one.
std::string_view fault_of_name(std::string_view name, std::size_t max_bytes) noexcept;

}  // namespace coax::detail
