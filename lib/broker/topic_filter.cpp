#include "broker/topic_filter.hpp"

namespace coax::detail {
namespace {

// Takes the first level and its separator off; whether there was a separator.
bool take_level(std::string_view& rest, std::string_view& level) noexcept {
  const auto end = rest.find('/');
  level = rest.substr(0, end);
  if (end == rest.npos) return false;
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

bool has_wildcards(std::string_view name) noexcept {
  for (bool more = true; more;) {
    std::string_view level;
    more = take_level(name, level);
    if (level == "+" || level == "#") return true;
  }
  return false;
}

bool is_filter(std::string_view filter) noexcept {
  for (bool more = true; more;) {
    std::string_view level;
    more = take_level(filter, level);
    if (level == "#" && more) return false;
  }
  return true;
}

bool matches(std::string_view filter, std::string_view topic) noexcept {
  for (;;) {
    std::string_view wanted, level;
    const bool filter_goes_on = take_level(filter, wanted);
    if (wanted == "#") return true;
    const bool topic_goes_on = take_level(topic, level);
    if (wanted != "+" && wanted != level) return false;
    if (!topic_goes_on) return !filter_goes_on || filter == "#";
    if (!filter_goes_on) return false;
  }
}

}  // namespace coax::detail
