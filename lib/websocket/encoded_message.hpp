/// A message in its wire form, made once and shared by all queues that it is in.
#pragma once

#include "protocol/compressor.hpp"
#include <coax/message.hpp>

#include <atomic>
#include <memory>
#include <mutex>

namespace coax::detail {

/// Immutable once made; shared by threads.
class encoded_message {
 public:
  /// The frame of a server (RFC 6455 section 5.2: not masked). Debug builds throw std::invalid_argument for text that
  /// is not UTF-8.
  encoded_message(message_kind kind, boost::asio::const_buffer payload);

  message_kind kind() const noexcept { return kind_; }
  boost::asio::const_buffer payload() const noexcept { return payload_; }
  /// In bytes, framed.
  std::size_t size() const noexcept { return frame_.size(); }
  const storage& frame() const noexcept { return frame_; }
  /// The frame of the message compressed, made when it is first asked for. It refers to nothing before it, so that
  /// every receiver with such a window understands it. `frame()` if it would not be smaller.
  const storage& deflated_frame(protocol::compressor_parameters p) const;

 private:
  struct variant {
    protocol::compressor_parameters parameters;
    storage frame;
    std::unique_ptr<const variant> next;
  };
  const variant* find(const variant* from, protocol::compressor_parameters p) const noexcept;

  message_kind kind_;
  storage frame_;
  boost::asio::const_buffer payload_;  // in frame_
  mutable std::mutex adding_;
  mutable std::unique_ptr<const variant> variants_;          // grows at its front
  mutable std::atomic<const variant*> published_ = nullptr;  // that front, for readers without the mutex
};

using shared_message = std::shared_ptr<const encoded_message>;

inline shared_message encode(message_kind kind, boost::asio::const_buffer payload) {
  return std::make_shared<const encoded_message>(kind, payload);
}

}  // namespace coax::detail
