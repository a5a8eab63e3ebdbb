/// What the keys and channels of the Redis broker are called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coax::detail {

/// All names of a topic share the hash tag {:topic}, or what of it is in front of a brace in the topic: one slot of a
/// Cluster. The colon makes that the tag is never empty.
class redis_names {
 public:
  /// @throws std::invalid_argument  a prefix with braces.
  explicit redis_names(std::string prefix);

  std::string state(std::string_view topic) const { return of("at:", topic); }
  std::string log(std::string_view topic) const { return of("log:", topic); }
  std::string members(std::string_view topic) const { return of("who:", topic); }
  std::string users(std::string_view topic) const { return of("users:", topic); }
  std::string channel(std::string_view topic) const { return of("topic:", topic); }
  /// The memory of a node for what it has published last.
  std::string sent(std::string_view topic, std::string_view node) const;
  /// The memory of an idempotency key.
  std::string once(std::string_view topic, std::string_view key) const;

  /// The topic whose channel it is.
  std::optional<std::string_view> topic_of(std::string_view channel) const noexcept;
  /// A glob that matches at least the channels of the topics that a filter matches.
  std::string pattern(std::string_view filter) const;

  std::string alive() const { return prefix_ + "{nodes}:alive"; }
  std::string lost() const { return prefix_ + "{nodes}:lost"; }
  std::string nodes() const { return prefix_ + "{nodes}:info"; }
  /// The topics that have members by a lease.
  std::string lease(std::string_view id) const { return of("in:", id); }

  const std::string& prefix() const noexcept { return prefix_; }

 private:
  std::string of(std::string_view kind, std::string_view topic) const;

  std::string prefix_;
  std::string channel_;  // up to the topic
};

}  // namespace coax::detail
