/// A message on its way to peers, shared by all queues that it is in.
#pragma once

#include "websocket/encoded_message.hpp"
#include <coax/log_entry.hpp>

namespace coax::detail {

/// Immutable. What is published is an entry of its topic's log; what is sent to one peer alone is in no log.
class delivery {
 public:
  explicit delivery(shared_message direct) noexcept : frame_(std::move(direct)) {}
  delivery(entry_ptr entry, std::shared_ptr<const std::string> epoch)
      : frame_(entry->message().encoded()), entry_(std::move(entry)), epoch_(std::move(epoch)) {}

  const shared_message& frame() const noexcept { return frame_; }
  std::size_t size() const noexcept { return frame_->size(); }

  /// Null for what is in no log.
  const entry_ptr& entry() const noexcept { return entry_; }
  const std::string& epoch() const noexcept { return *epoch_; }
  std::string_view key() const noexcept { return entry_ ? std::string_view(entry_->key()) : std::string_view(); }
  /// The place before it. Only for what is in a log.
  position before() const { return entry_->before(*epoch_); }

 private:
  shared_message frame_;
  entry_ptr entry_;
  std::shared_ptr<const std::string> epoch_;
};

using shared_delivery = std::shared_ptr<const delivery>;

}  // namespace coax::detail
