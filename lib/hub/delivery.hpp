/// A message on its way to peers, shared by all queues that it is in.
#pragma once

#include "io/byte_queue.hpp"
#include "websocket/encoded_message.hpp"
#include <coax/log_entry.hpp>

#include <mutex>

namespace coax::detail {

/// One history of a topic.
struct history_name {
  std::string topic;
  std::string epoch;
};
using shared_history = std::shared_ptr<const history_name>;

inline shared_history name_history(std::string_view topic, std::string_view epoch) {
  return std::make_shared<const history_name>(history_name{std::string(topic), std::string(epoch)});
}

/// Immutable, and encoded once for each kind of peer. What is published is an entry of its topic's log; what is sent to
/// one peer alone is in no log.
class delivery {
 public:
  /// `type`, which must stay, is for peers that are streams of events.
  explicit delivery(shared_message direct, std::string_view type = {}) noexcept
      : frame_(std::move(direct)), type_(type) {}
  delivery(entry_ptr entry, shared_history of)
      : frame_(entry->message().encoded()), entry_(std::move(entry)), history_(std::move(of)) {}

  const shared_message& frame() const noexcept { return frame_; }
  std::size_t size() const noexcept { return frame_->size(); }
  /// The server-sent event that it is, with its place in the log for an id.
  const shared_bytes& event_block() const;

  // For peers that resume (docs/resume.md).

  /// The message behind a line that says where it is in which log.
  const shared_message& resumable_frame() const;
  /// The event without the line of its id and the empty one that ends it.
  const shared_bytes& open_event_block() const;
  /// What says that a peer has got it (`mark_of`). Only for what is in a log.
  const std::string& mark() const;

  /// Null for what is in no log.
  const entry_ptr& entry() const noexcept { return entry_; }
  const shared_history& history() const noexcept { return history_; }
  const std::string& topic() const noexcept { return history_->topic; }
  const std::string& epoch() const noexcept { return history_->epoch; }
  std::string_view key() const noexcept { return entry_ ? std::string_view(entry_->key()) : std::string_view(); }
  /// The place before it. Only for what is in a log.
  position before() const { return entry_->before(epoch()); }

 private:
  std::string_view event_type() const noexcept { return entry_ ? std::string_view(entry_->event_type()) : type_; }
  shared_bytes make_block(bool open) const;

  shared_message frame_;
  std::string_view type_;
  entry_ptr entry_;
  shared_history history_;
  mutable std::once_flag block_made_, open_block_made_, resumable_made_, mark_made_;
  mutable shared_bytes block_, open_block_;
  mutable shared_message resumable_frame_;
  mutable std::string mark_;
};

using shared_delivery = std::shared_ptr<const delivery>;

}  // namespace coax::detail
