/// A hash for maps whose string keys are looked up by views.
#pragma once

#include <functional>
#include <string_view>

namespace coax::detail {

struct string_hash : std::hash<std::string_view> {
  using is_transparent = void;
};

}  // namespace coax::detail
