#include "protocol/deflater.hpp"

#include <cstddef>
#include <span>

namespace coax::protocol {

compressor& deflater::context() {
  if (!compressor_) compressor_ = borrow_compressor(parameters_);
  return *compressor_;
}

void deflater::add(boost::asio::const_buffer piece, coax::detail::storage& out) {
  if (piece.size() == 0) return;
  unflushed_ = true;
  context().add({static_cast<const std::byte*>(piece.data()), piece.size()}, out, compressor::flush::no);
}

void deflater::flush(coax::detail::storage& out) {
  if (!unflushed_) return;
  unflushed_ = false;
  context().add({}, out, compressor::flush::sync);
}

void deflater::finish(coax::detail::storage& out) {
  if (unflushed_) {
    flush(out);
    out.resize(out.size() - 4);
  } else {
    // An empty block that is not compressed, without the 00 00 ff ff that the receiver adds (RFC 7692 7.2.3.6).
    constexpr std::byte empty_block{0};
    out.append(&empty_block, 1);
  }
  if (!takeover_) compressor_.reset();
}

void deflater::message(std::span<const boost::asio::const_buffer> pieces, coax::detail::storage& out) {
  for (std::size_t i = 0; i != pieces.size(); ++i) {
    const auto& piece = pieces[i];
    if (piece.size() == 0) continue;
    // The last piece and its flush in one go.
    const bool last = i + 1 == pieces.size();
    unflushed_ = true;
    context().add({static_cast<const std::byte*>(piece.data()), piece.size()}, out,
                  last ? compressor::flush::sync : compressor::flush::no);
    if (!last) continue;
    unflushed_ = false;
    out.resize(out.size() - 4);
    if (!takeover_) compressor_.reset();
    return;
  }
  finish(out);
}

void deflater::reset() noexcept {
  compressor_.reset();
  unflushed_ = false;
}

}  // namespace coax::protocol
