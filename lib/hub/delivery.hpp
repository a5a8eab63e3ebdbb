/// A message on its way to peers, shared by all queues that it is in.
#pragma once

#include "io/byte_queue.hpp"
#include "websocket/encoded_message.hpp"
#include <coax/log_entry.hpp>

#include <mutex>

namespace coax::detail {

/// Immutable, and encoded once for each kind of peer. What is published is an entry of its topic's log; what is sent to
/// one peer alone is in no log.
class delivery {
 public:
  /// `type`, which must stay, is for peers that are streams of events.
  explicit delivery(shared_message direct, std::string_view type = {}) noexcept
      : frame_(std::move(direct)), type_(type) {}
  delivery(entry_ptr entry, std::shared_ptr<const std::string> epoch)
      : frame_(entry->message().encoded()), entry_(std::move(entry)), epoch_(std::move(epoch)) {}

  const shared_message& frame() const noexcept { return frame_; }
  std::size_t size() const noexcept { return frame_->size(); }
  /// The server-sent event that it is, with its place in the log for an id.
  const shared_bytes& event_block() const;

  /// Null for what is in no log.
  const entry_ptr& entry() const noexcept { return entry_; }
  const std::string& epoch() const noexcept { return *epoch_; }
  std::string_view key() const noexcept { return entry_ ? std::string_view(entry_->key()) : std::string_view(); }
  /// The place before it. Only for what is in a log.
  position before() const { return entry_->before(*epoch_); }

 private:
  std::string_view event_type() const noexcept { return entry_ ? std::string_view(entry_->event_type()) : type_; }

  shared_message frame_;
  std::string_view type_;
  entry_ptr entry_;
  std::shared_ptr<const std::string> epoch_;
  mutable std::once_flag block_made_;
  mutable shared_bytes block_;
};

using shared_delivery = std::shared_ptr<const delivery>;

}  // namespace coax::detail
