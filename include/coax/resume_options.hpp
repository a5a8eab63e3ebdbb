/// @file
/// How a hub lets clients come back to where they were.
///
///     coax::hub hub(coax::hub_options().resume(coax::resume_options(keys).lifetime(1h)));
#pragma once

#include <coax/signing_keys.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace coax {

/// Keys, life and size of resume tokens (docs/resume.md). All nodes that clients may come back to have the same keys.
class resume_options {
 public:
  /// The longest resume string that a hub reads, and the most that `max_size` allows, in characters.
  static constexpr std::size_t longest = 16 * 1024;

  /// Tokens are signed with the newest of `keys`, and taken if any of them has signed.
  explicit resume_options(signing_keys keys) : keys_(std::move(keys)) {}

  /// How long a token is good for; default an hour, at most a hundred years. One that a peer still has is renewed in
  /// half the time.
  resume_options& lifetime(std::chrono::seconds t) {
    return lifetime_ = std::min<std::chrono::seconds>(t, std::chrono::hours(876'000)), *this;
  }
  /// How often a peer gets a new token while its topics go on, so that it names places which their histories still
  /// have; default 30 s. Besides it gets one whenever it has joined or left.
  resume_options& refresh(std::chrono::nanoseconds t) { return refresh_ = t, *this; }
  /// Characters of a token and all that the client adds to it, default 4096, at most `longest`: it may have to fit into
  /// a header field. What a peer has joined first goes in first, and a topic that finds no room is left out: whoever
  /// comes back is not told to be in it, and joins it as one who comes for the first time.
  resume_options& max_size(std::size_t characters) { return max_size_ = std::min(characters, longest), *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const signing_keys& keys() const noexcept { return keys_; }
  std::chrono::seconds lifetime() const noexcept { return lifetime_; }
  std::chrono::nanoseconds refresh() const noexcept { return refresh_; }
  std::size_t max_size() const noexcept { return max_size_; }
  /// @}

 private:
  signing_keys keys_;
  std::chrono::seconds lifetime_ = std::chrono::hours(1);
  std::chrono::nanoseconds refresh_ = std::chrono::seconds(30);
  std::size_t max_size_ = 4096;
};

}  // namespace coax
