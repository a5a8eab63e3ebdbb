#include "hub/delivery.hpp"

#include "protocol/base64.hpp"
#include "protocol/event_block.hpp"

namespace coax::detail {

// A page gets text, so what is binary comes as base64.
const shared_bytes& delivery::event_block() const {
  std::call_once(block_made_, [this] {
    const auto payload = frame_->payload();
    const std::string_view bytes(static_cast<const char*>(payload.data()), payload.size());
    const bool text = frame_->kind() == message_kind::text;
    const std::span raw(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    sse::event e(text ? std::string(bytes) : protocol::base64(raw));
    e.type(std::string(event_type()));
    if (entry_) e.id(entry_->behind(*epoch_).to_token());
    const auto block = std::make_shared<storage>();
    protocol::append_event(*block, e);
    block_ = block;
  });
  return block_;
}

}  // namespace coax::detail
