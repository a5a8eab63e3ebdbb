/// What hubs tell each other through their broker.
#pragma once

#include <coax/selector.hpp>
#include <coax/status.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace coax::detail {

/// Peers to be closed by all hubs but the one that says so.
struct kick_order {
  std::uint64_t node;  // that says so
  selector who;        // by user, by label, or all
  status code;
  std::string reason;
};

std::string to_text(const kick_order& o);
/// None for anything that is no such order, or could not be followed.
std::optional<kick_order> parse_kick_order(std::string_view text);

}  // namespace coax::detail
