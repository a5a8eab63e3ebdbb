/// A message in its wire form, made once and shared by all queues that it is in.
#pragma once

#include <coax/message.hpp>

#include <memory>
#include <span>

namespace coax::detail {

class encoded_message {
 public:
  /// The frame of a server (RFC 6455 section 5.2: not masked). Debug builds throw std::invalid_argument for text that
  /// is not UTF-8.
  encoded_message(message_kind kind, boost::asio::const_buffer payload);

  std::size_t size() const noexcept { return frame_.size(); }
  boost::asio::const_buffer data() const noexcept { return {frame_.data(), frame_.size()}; }

 private:
  storage frame_;
};

using shared_frame = std::shared_ptr<const encoded_message>;

inline shared_frame encode(message_kind kind, boost::asio::const_buffer payload) {
  return std::make_shared<const encoded_message>(kind, payload);
}

}  // namespace coax::detail
