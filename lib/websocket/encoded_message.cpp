#include "websocket/encoded_message.hpp"

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

}  // namespace detail

prepared_message::prepared_message(message_kind kind, boost::asio::const_buffer payload)
    : encoded_(detail::encode(kind, payload)) {}

prepared_message::prepared_message(std::string_view text)
    : prepared_message(message_kind::text, boost::asio::buffer(text)) {}

message_kind prepared_message::kind() const noexcept { return encoded_->kind(); }
boost::asio::const_buffer prepared_message::data() const noexcept { return encoded_->payload(); }

}  // namespace coax
