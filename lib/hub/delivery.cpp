#include "hub/delivery.hpp"

#include "hub/notice.hpp"
#include "hub/resume_token.hpp"
#include "protocol/base64.hpp"
#include "protocol/event_block.hpp"

#include <memory>

namespace coax::detail {

// A page gets text, so what is binary comes as base64.
shared_bytes delivery::make_block(bool open) const {
  const auto payload = frame_->payload();
  const std::string_view bytes(static_cast<const char*>(payload.data()), payload.size());
  const bool text = frame_->kind() == message_kind::text;
  const std::span raw(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  sse::event e(text ? std::string(bytes) : protocol::base64(raw));
  e.type(std::string(event_type()));
  if (entry_ && !open) e.id(entry_->behind(epoch()).to_token());
  const auto block = std::make_shared<storage>();
  protocol::append_event(*block, e);
  if (open) block->resize(block->size() - 1);
  return block;
}

const shared_bytes& delivery::event_block() const {
  std::call_once(block_made_, [this] { block_ = make_block(false); });
  return block_;
}

const shared_bytes& delivery::open_event_block() const {
  std::call_once(open_block_made_, [this] { open_block_ = make_block(true); });
  return open_block_;
}

const std::string& delivery::mark() const {
  std::call_once(mark_made_, [this] { mark_ = mark_of(topic(), entry_->offset(), entry_->tag()); });
  return mark_;
}

const shared_message& delivery::resumable_frame() const {
  std::call_once(resumable_made_, [this] {
    std::string head = "{";
    if (entry_) {
      append_json_string(head += "\"topic\":", topic());
      head.append(",\"at\":\"").append(mark()).append("\"");
    }
    head += "}\n";
    const auto payload = frame_->payload();
    storage whole(head.size() + payload.size());
    whole.append(head.data(), head.size());
    whole.append(payload.data(), payload.size());
    resumable_frame_ = encode(frame_->kind(), {whole.data(), whole.size()});
  });
  return resumable_frame_;
}

}  // namespace coax::detail
