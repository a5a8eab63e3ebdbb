/// @file
/// What is published to a topic, and the entry of the topic's log that it becomes.
///
///     session->publish("prices", coax::publication(coax::prepared_message(json)).key("AAPL").event_type("tick"));
#pragma once

#include <coax/position.hpp>
#include <coax/prepared_message.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coax {

/// How much of a topic's past is kept, for those who come back or come late. Both bounds hold.
class history_limits {
 public:
  /// Nothing is kept.
  history_limits() = default;

  /// Entries, the last ones; default 0.
  history_limits& size(std::size_t entries) noexcept { return size_ = entries, *this; }
  /// How old an entry may get; default an hour, at most a hundred years.
  history_limits& ttl(std::chrono::nanoseconds age) noexcept {
    return ttl_ = std::min<std::chrono::nanoseconds>(age, std::chrono::hours(876'000)), *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::size_t size() const noexcept { return size_; }
  std::chrono::nanoseconds ttl() const noexcept { return ttl_; }
  /// @}

  /// Whether both bounds are the same.
  bool operator==(const history_limits&) const = default;

 private:
  std::size_t size_ = 0;
  std::chrono::nanoseconds ttl_ = std::chrono::hours(1);
};

/// Whose message it is, across all nodes: the node (a random number) and the peer there. Zeros are nobody's.
struct origin {
  std::uint64_t node = 0;  ///< Of the hub's session; 0 for nobody's.
  std::uint64_t peer = 0;  ///< As `peer::id`; 0 for nobody's.

  /// Whether it is the same peer of the same node.
  bool operator==(const origin&) const = default;
};

/// A message on its way into a topic's log.
class publication {
 public:
  /// A message without key, type and origin, and no word on the history.
  explicit publication(prepared_message m) : message_(std::move(m)) {}

  /// Entries of the same key are states of one thing, of which only the last one matters to a receiver that is behind
  /// (`overflow::conflate`); empty for none.
  publication& key(std::string k) { return key_ = std::move(k), *this; }
  /// The type of the server-sent event that it becomes; empty for "message".
  publication& event_type(std::string type) { return event_type_ = std::move(type), *this; }
  /// Who publishes; whoever that is can be excepted from getting it.
  publication& from(coax::origin o) noexcept { return origin_ = o, *this; }
  /// What the topic keeps from now on; by default what the last publication that said so has said, or the broker's own.
  publication& history(const history_limits& limits) { return history_ = limits, *this; }
  /// A name of this publication that makes it safe to publish it again when nobody knows whether it has arrived: a
  /// topic takes one publication of a name, for as long as the broker remembers; empty for none.
  publication& idempotency_key(std::string k) { return idempotency_key_ = std::move(k), *this; }

  /// @name As made
  /// @{

  /// What it was made with.
  const prepared_message& message() const noexcept { return message_; }
  const std::string& key() const noexcept { return key_; }
  const std::string& event_type() const noexcept { return event_type_; }
  coax::origin origin() const noexcept { return origin_; }
  const std::optional<history_limits>& history() const noexcept { return history_; }
  const std::string& idempotency_key() const noexcept { return idempotency_key_; }
  /// @}

 private:
  prepared_message message_;
  std::string key_;
  std::string event_type_;
  coax::origin origin_;
  std::optional<history_limits> history_;
  std::string idempotency_key_;
};

/// A publication in its place in a topic's log. Immutable, shared by all that hold it.
class log_entry {
 public:
  /// @param offset    from 1, one more than that of the entry before.
  /// @param tag       a random number, not 0.
  /// @param previous  the tag of the entry before; 0 for the first.
  log_entry(publication what, std::uint64_t offset, std::uint64_t tag, std::uint64_t previous)
      : what_(std::move(what)), offset_(offset), tag_(tag), previous_(previous) {}

  /// @name As made
  /// @{

  /// What it was made with.
  const prepared_message& message() const noexcept { return what_.message(); }
  const std::string& key() const noexcept { return what_.key(); }
  const std::string& event_type() const noexcept { return what_.event_type(); }
  coax::origin origin() const noexcept { return what_.origin(); }

  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t tag() const noexcept { return tag_; }
  std::uint64_t previous() const noexcept { return previous_; }
  /// @}

  /// The places before and behind it, in the history of that name.
  position before(std::string_view epoch) const { return position(std::string(epoch), offset_ - 1, previous_); }
  /// Where a subscriber stands that has seen this entry: what it resumes from.
  position behind(std::string_view epoch) const { return position(std::string(epoch), offset_, tag_); }

 private:
  publication what_;
  std::uint64_t offset_;
  std::uint64_t tag_;
  std::uint64_t previous_;
};

/// An entry as it is handed around: shared, immutable.
using entry_ptr = std::shared_ptr<const log_entry>;

}  // namespace coax
