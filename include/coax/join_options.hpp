/// @file
/// How a peer takes part in a topic.
///
///     auto joined = me.join("lobby", coax::join_options().recent(50).on_full(coax::overflow::rewind));
#pragma once

#include <coax/log_entry.hpp>
#include <coax/queue_limits.hpp>

#include <functional>
#include <optional>

namespace coax {

/// Policy, past and choice of messages for one membership.
class join_options {
 public:
  /// Called for each message on the peer's executor, in the middle of the hub's work: short, never blocking; it may
  /// call the hub. One that throws refuses the message, and is counted (`hub_stats::filter_errors`).
  using predicate = std::function<bool(const log_entry&)>;

  join_options() = default;

  /// The policy for messages of this topic; by default that of the peer's queue.
  join_options& on_full(overflow policy) { return on_full_ = policy, *this; }
  /// First what came after `p`, then what comes; without hole or duplicate, as far as the topic's history goes back:
  /// `membership::recovered` tells.
  join_options& since(position p) { return since_ = std::move(p), recent_ = 0, *this; }
  /// First the last `n` messages of the topic's history, then what comes.
  join_options& recent(std::size_t n) { return recent_ = n, since_.reset(), *this; }
  /// Only messages for which `p` returns true.
  join_options& filter(predicate p) { return filter_ = std::move(p), *this; }

  /// Whether the peer's user (`peer_options::user`, which must not be empty) is present in the topic as long as it is a
  /// member, and whether the peer is told of the others who come and go. It gets text messages
  /// `{"type":"joined","topic":"lobby","user":"ada","data":"..."}` and `"left"`, in the order of the topic's messages
  /// (with a local broker): when a user comes with the first of its peers, itself included, and goes with the last.
  join_options& presence(bool on) { return presence_ = on, *this; }

  /// Whether a resume token of the peer names the topic; default true. Not for topics without a history, which say at
  /// once what is now: whoever comes back joins them anew. Filters are in no token.
  join_options& resumable(bool on) { return resumable_ = on, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::optional<overflow> on_full() const noexcept { return on_full_; }
  const std::optional<position>& since() const noexcept { return since_; }
  std::size_t recent() const noexcept { return recent_; }
  bool presence() const noexcept { return presence_; }
  bool resumable() const noexcept { return resumable_; }
  const predicate& filter() const noexcept { return filter_; }
  /// @}

 private:
  std::optional<overflow> on_full_;
  std::optional<position> since_;
  std::size_t recent_ = 0;
  bool presence_ = false;
  bool resumable_ = true;
  predicate filter_;
};

}  // namespace coax
