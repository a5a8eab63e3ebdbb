/// What event streams mean, for our parser, for our client, and, as JSON, for the parsers of others.
#pragma once

#include <coax/sse_event.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace coax::protocol {

struct event_vector {
  std::string rule;
  std::string stream;
  std::string expected;  ///< Lines of `describe`, then that of `describe_end`.
  bool ends_whole;       ///< Whether the stream ends between events.
};

/// "tick [some data] id 7"
inline std::string describe(const sse::event& e) {
  return e.type() + " [" + std::string(e.data()) + "] id " + std::string(e.id()) + "\n";
}
inline std::string describe_end(const std::string& last_id, std::optional<std::chrono::milliseconds> retry) {
  return "last id " + last_id + (retry ? ", retry " + std::to_string(retry->count()) : "");
}

/// At least one for each rule.
const std::vector<event_vector>& event_vectors();

}  // namespace coax::protocol
