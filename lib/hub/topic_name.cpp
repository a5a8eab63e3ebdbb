#include "hub/topic_name.hpp"

#include "broker/topic_filter.hpp"
#include "protocol/utf8.hpp"

namespace coax::detail {

std::string_view fault_of_name(std::string_view name, std::size_t max_bytes) noexcept {
  if (name.empty()) return "an empty name of a topic";
  if (name.size() > max_bytes) return "the name of a topic is too long";
  if (!protocol::is_valid_utf8(name)) return "the name of a topic is not valid UTF-8";
  if (!is_filter(name)) return "a filter goes on behind its #";
  return {};
}

}  // namespace coax::detail
