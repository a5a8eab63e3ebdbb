#include "hub/shared_frame.hpp"

#include "protocol/serializer.hpp"
#include "protocol/utf8.hpp"

#include <stdexcept>

namespace coax::detail {
namespace {

void check_text([[maybe_unused]] message_kind kind, [[maybe_unused]] boost::asio::const_buffer payload) {
#ifndef NDEBUG
  const std::string_view text(static_cast<const char*>(payload.data()), payload.size());
  if (kind == message_kind::text && !protocol::is_valid_utf8(text))
    throw std::invalid_argument("coax: a text message for a hub is not valid UTF-8");
#endif
}

}  // namespace

encoded_message::encoded_message(message_kind kind, boost::asio::const_buffer payload) {
  check_text(kind, payload);
  const auto op = kind == message_kind::text ? protocol::opcode::text : protocol::opcode::binary;
  protocol::append_frame(frame_, protocol::role::server, {op}, std::span(&payload, 1));
}

}  // namespace coax::detail
