/// Logs and entries for tests.
#pragma once

#include <coax/broker.hpp>

#include <string>
#include <vector>

namespace coax::test {

inline publication say(std::string_view text) { return publication(prepared_message(text)); }

inline std::string text_of(const log_entry& e) {
  const auto bytes = e.message().data();
  return {static_cast<const char*>(bytes.data()), bytes.size()};
}

/// An entry of a history whose tags are its offsets plus `history`.
inline entry_ptr entry(std::uint64_t offset, std::uint64_t history = 100) {
  const auto previous = offset == 1 ? 0 : history + offset - 1;
  return std::make_shared<const log_entry>(say(std::to_string(offset)), offset, history + offset, previous);
}

inline std::vector<std::uint64_t> offsets_of(const std::vector<entry_ptr>& entries) {
  std::vector<std::uint64_t> offsets;
  for (const auto& e : entries) offsets.push_back(e->offset());
  return offsets;
}

}  // namespace coax::test
