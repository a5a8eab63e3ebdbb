/// Messages into the payload of permessage-deflate (RFC 7692 section 7.2.1).
#pragma once

#include "protocol/compressor.hpp"

#include <boost/asio/buffer.hpp>

namespace coax::protocol {

/// One direction of a connection, on the sending side. Holds a compressor from its first message on if it takes its
/// context over, and otherwise only within a message.
///
///     deflater.add(piece, out);     // for each piece
///     deflater.finish(out);         // at the end
class deflater {
 public:
  deflater(compressor_parameters p, bool takeover) noexcept : parameters_(p), takeover_(takeover) {}

  bool takeover() const noexcept { return takeover_; }
  const compressor_parameters& parameters() const noexcept { return parameters_; }

  /// Appends what can be told of the message so far to `out`, which may be nothing.
  void add(boost::asio::const_buffer piece, coax::detail::storage& out);
  /// Appends the rest of what can be told: the receiver gets all that has been added.
  void flush(coax::detail::storage& out);
  /// Appends the end of the message.
  void finish(coax::detail::storage& out);
  /// Appends a whole message.
  void message(std::span<const boost::asio::const_buffer> pieces, coax::detail::storage& out);

  /// Forgets what came before: the next block is understood by a receiver that knows nothing of it. After something
  /// was sent that did not go through here, or was compressed and not sent.
  void reset() noexcept;
  /// The message that has begun will not be sent; without one nothing changes.
  void give_up() noexcept {
    if (unflushed_ || !takeover_) reset();
  }

  /// Whether it holds a compressor.
  bool active() const noexcept { return compressor_ != nullptr; }

 private:
  compressor& context();

  compressor_parameters parameters_;
  bool takeover_;
  bool unflushed_ = false;  // something has been added since the last flush
  lease<compressor> compressor_;
};

}  // namespace coax::protocol
