#include "hub/topic_name.hpp"

#include "protocol/utf8.hpp"

namespace coax::detail {
namespace {

// Calls `f` with each level and whether it is the last, until it returns true.
template <class F>
bool any_level(std::string_view name, F f) {
  for (;;) {
    const auto end = name.find('/');
    if (f(name.substr(0, end), end == std::string_view::npos)) return true;
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

bool has_wildcards(std::string_view name) noexcept {
  return any_level(name, [](std::string_view level, bool) { return level == "+" || level == "#"; });
}

std::string_view fault_of_name(std::string_view name, std::size_t max_bytes) noexcept {
  if (name.empty()) return "an empty name of a topic";
  if (name.size() > max_bytes) return "the name of a topic is too long";
  if (!protocol::is_valid_utf8(name)) return "the name of a topic is not valid UTF-8";
  if (any_level(name, [](std::string_view level, bool last) { return level == "#" && !last; }))
    return "a filter goes on behind its #";
  return {};
}

}  // namespace coax::detail
