/// Which node of a Cluster has which slots.
#pragma once

#include "redis/connect.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace coax::redis {

struct slot_range {
  slot_range() = default;

  std::uint16_t first = 0;
  std::uint16_t last = 0;
  endpoint master;
};

constexpr std::size_t slot_count = 16384;

/// The answer to CLUSTER SLOTS by `asked`, whose own host stands for those that the answer leaves open; nothing if it
/// is not such an answer.
std::optional<std::vector<slot_range>> parse_slots(const protocol::resp_value& answer, const endpoint& asked);

/// "host:port" as in MOVED, said by `asked`; nothing if it is neither.
std::optional<endpoint> parse_node(std::string_view text, const endpoint& asked);

/// Asks the nodes in turn until one answers with slots. @throws system_error none does.
task<std::vector<slot_range>> fetch_slots(std::shared_ptr<const connect_plan> plan, std::vector<endpoint> nodes,
                                          context ctx);

}  // namespace coax::redis
