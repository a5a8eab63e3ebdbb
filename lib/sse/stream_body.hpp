/// The body of an answer without a known end, on its way out: compressed and in chunks if that is agreed on. No I/O.
#pragma once

#include "http/response_head.hpp"
#include "io/byte_queue.hpp"
#include "protocol/deflater.hpp"

#include <array>
#include <optional>

namespace coax::detail {

/// What is queued when a batch begins to leave makes one chunk (RFC 9112 section 7.1), and one block of gzip that ends
/// with a flush: whoever has received the chunk has all of its events. What comes meanwhile is the next batch.
class stream_body {
 public:
  using gather_list = std::array<boost::asio::const_buffer, 16>;

  /// `how` is `chunked` or `until_end`.
  stream_body(http::framing how, std::optional<protocol::compressor_parameters> gzip);

  /// Text that is appended here comes next.
  storage& back() noexcept { return text_.back(); }
  void append(const shared_bytes& block) { text_.append(block); }
  /// The end comes behind all that is queued.
  void finish() noexcept { finishing_ = true; }

  /// Bytes that have not left; before compression, as long as they have not been.
  std::size_t queued() const noexcept { return text_.size() + (gzip_ ? gzip_->packed.size() : 0) + framing_left(); }
  /// Whether everything has left, and the end if it was asked for.
  bool empty() const noexcept { return queued() == 0 && finishing_ == end_made_; }

  /// Lists the bytes that come next; returns how many buffers, 0 when there is nothing.
  std::size_t gather(gather_list& to);
  /// The first `n` of them have left.
  void consume(std::size_t n);
  void clear() noexcept;
  /// Gives the compressor back; the next batch begins with an empty window.
  void rest() noexcept {
    if (gzip_) gzip_->deflater.reset();
  }

 private:
  struct gzip {
    explicit gzip(protocol::compressor_parameters p) noexcept : deflater(p, true) {}
    protocol::deflater deflater;
    byte_queue packed;
    unsigned long crc = 0;
    std::uint32_t size = 0;
    bool begun = false;
    bool ended = false;
  };

  byte_queue& source() noexcept { return gzip_ ? gzip_->packed : text_; }
  std::size_t framing_left() const noexcept { return head_size_ - head_sent_ + tail_left_; }
  void open_batch();
  void pack();
  void make_head(std::size_t chunk) noexcept;

  const http::framing how_;
  bool finishing_ = false;
  bool end_made_ = false;
  std::uint8_t head_size_ = 0;
  std::uint8_t head_sent_ = 0;
  std::uint8_t tail_left_ = 0;
  std::array<char, 18> head_{};  // of the chunk that is leaving
  std::size_t batch_left_ = 0;   // of its bytes
  byte_queue text_;
  std::unique_ptr<gzip> gzip_;
};

}  // namespace coax::detail
