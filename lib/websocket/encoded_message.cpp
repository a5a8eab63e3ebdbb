#include "websocket/encoded_message.hpp"

#include "protocol/deflater.hpp"
#include "protocol/serializer.hpp"
#include "protocol/utf8.hpp"
#include <coax/prepared_message.hpp>

#include <stdexcept>

namespace coax {
namespace detail {
namespace {

void check_text([[maybe_unused]] message_kind kind, [[maybe_unused]] boost::asio::const_buffer payload) {
#ifndef NDEBUG
  const std::string_view text(static_cast<const char*>(payload.data()), payload.size());
  if (kind == message_kind::text && !protocol::is_valid_utf8(text))
    throw std::invalid_argument("coax: a text message that is to be shared is not valid UTF-8");
#endif
}

}  // namespace

encoded_message::encoded_message(message_kind kind, boost::asio::const_buffer payload) : kind_(kind) {
  check_text(kind, payload);
  protocol::append_frame(frame_, protocol::role::server, {protocol::opcode_of(kind)}, std::span(&payload, 1));
  payload_ = boost::asio::const_buffer(frame_.data(), frame_.size()) + (frame_.size() - payload.size());
}

const encoded_message::variant* encoded_message::find(const variant* from,
                                                      protocol::compressor_parameters p) const noexcept {
  while (from && from->parameters != p) from = from->next.get();
  return from;
}

const storage& encoded_message::deflated_frame(protocol::compressor_parameters p) const {
  const auto* found = find(published_.load(std::memory_order_acquire), p);
  if (!found) {
    const std::lock_guard lock(adding_);
    found = find(variants_.get(), p);
    if (!found) {
      auto fresh = std::make_unique<variant>();
      fresh->parameters = p;
      storage payload;
      protocol::deflater(p, false).message(std::span(&payload_, 1), payload);
      if (payload.size() < payload_.size()) {
        protocol::append_frame(fresh->frame, protocol::role::server,
                               {.op = protocol::opcode_of(kind_), .fin = true, .rsv1 = true},
                               std::span<const std::byte>(payload.data(), payload.size()));
      }
      fresh->next = std::move(variants_);
      variants_ = std::move(fresh);
      published_.store(found = variants_.get(), std::memory_order_release);
    }
  }
  return found->frame.empty() ? frame_ : found->frame;
}

}  // namespace detail

prepared_message::prepared_message(message_kind kind, boost::asio::const_buffer payload)
    : encoded_(detail::encode(kind, payload)) {}

prepared_message::prepared_message(std::string_view text)
    : prepared_message(message_kind::text, boost::asio::buffer(text)) {}

message_kind prepared_message::kind() const noexcept { return encoded_->kind(); }
boost::asio::const_buffer prepared_message::data() const noexcept { return encoded_->payload(); }

}  // namespace coax
