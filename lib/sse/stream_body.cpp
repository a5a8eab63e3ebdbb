#include "sse/stream_body.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace coax::detail {

using boost::asio::const_buffer;

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";

void append_little_endian(storage& out, std::uint32_t n) {
  for (int i = 0; i != 4; ++i, n >>= 8) {
    const auto byte = static_cast<std::byte>(n & 0xff);
    out.append(&byte, 1);
  }
}

}  // namespace

stream_body::stream_body(http::framing how, std::optional<protocol::compressor_parameters> parameters)
    : how_(how), gzip_(parameters ? std::make_unique<gzip>(*parameters) : nullptr) {}

std::size_t stream_body::gather(gather_list& to) {
  if (batch_left_ == 0 && framing_left() == 0) open_batch();
  std::size_t n = 0;
  if (head_sent_ != head_size_)
    to[n++] = {head_.data() + head_sent_, static_cast<std::size_t>(head_size_ - head_sent_)};
  std::size_t listed = 0;
  n += source().gather(std::span(to).subspan(n, to.size() - n - 1), batch_left_, listed);
  if (listed == batch_left_ && tail_left_ != 0)
    to[n++] = {line_end.data() + line_end.size() - tail_left_, static_cast<std::size_t>(tail_left_)};
  return n;
}

void stream_body::open_batch() {
  if (gzip_) pack();
  batch_left_ = source().size();
  if (batch_left_ != 0) {
    if (how_ == http::framing::chunked) make_head(batch_left_);
  } else if (finishing_ && !end_made_) {
    end_made_ = true;
    if (how_ != http::framing::chunked) return;
    last_chunk.copy(head_.data(), last_chunk.size());
    head_size_ = last_chunk.size();
    head_sent_ = 0;
  }
}

void stream_body::make_head(std::size_t chunk) noexcept {
  auto* const end = std::to_chars(head_.data(), head_.data() + head_.size() - line_end.size(), chunk, 16).ptr;
  line_end.copy(end, line_end.size());
  head_size_ = static_cast<std::uint8_t>(end - head_.data() + 2);
  head_sent_ = 0;
  tail_left_ = line_end.size();
}

// RFC 1952: a head, one deflate stream, and its check.
void stream_body::pack() {
  auto& g = *gzip_;
  auto& out = g.packed.back();
  const bool ends = finishing_ && !g.ended;
  if (text_.empty() && !ends) return;
  if (!std::exchange(g.begun, true)) {
    constexpr unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    out.append(head, sizeof head);
  }
  gather_list pieces;
  std::size_t listed = 0;
  while (!text_.empty()) {
    const auto n = text_.gather(pieces, text_.size(), listed);
    for (const auto& piece : std::span(pieces).first(n)) {
      g.crc = crc32_z(g.crc, static_cast<const Bytef*>(piece.data()), piece.size());
      g.size += static_cast<std::uint32_t>(piece.size());
      g.deflater.add(piece, out);
    }
    text_.consume(listed);
  }
  g.deflater.flush(out);
  if (!ends) return;
  g.ended = true;
  constexpr unsigned char last_block[] = {3, 0};
  out.append(last_block, sizeof last_block);
  append_little_endian(out, static_cast<std::uint32_t>(g.crc));
  append_little_endian(out, g.size);
}

void stream_body::consume(std::size_t n) {
  const auto of = [&n](std::size_t left) {
    const auto part = std::min(n, left);
    n -= part;
    return part;
  };
  head_sent_ = static_cast<std::uint8_t>(head_sent_ + of(static_cast<std::size_t>(head_size_ - head_sent_)));
  const auto body = of(batch_left_);
  if (body != 0) source().consume(body);
  batch_left_ -= body;
  tail_left_ = static_cast<std::uint8_t>(tail_left_ - of(tail_left_));
}

void stream_body::clear() noexcept {
  text_.clear();
  if (gzip_) gzip_->packed.clear();
  rest();
  batch_left_ = head_size_ = head_sent_ = tail_left_ = 0;
  end_made_ = finishing_;
}

}  // namespace coax::detail
