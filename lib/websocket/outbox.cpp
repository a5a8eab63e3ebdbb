#include "websocket/outbox.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace coax::detail {
namespace {

// How far ahead of the transport a client masks a large message.
constexpr std::size_t mask_ahead = 64 * 1024;

// Of a server's frame.
std::size_t payload_size(const storage& frame) noexcept {
  return frame.size() - 2 - protocol::detail::extended_length_size(std::to_integer<unsigned>(frame.data()[1]));
}

}  // namespace

// Sent from the caller's memory.
bool outbox::is_large(const outgoing& what) const noexcept {
  return !what.frame && what.size > copy_limit && !compresses(what);
}

// A message alone may be larger than the limit: otherwise it could never be sent.
bool outbox::fits(const outgoing& what) const noexcept {
  if (is_large(what)) return false;
  return queued() == 0 || queued() + what.size <= limit_;
}

void outbox::append_compressed(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t size) {
  try {
    compress(op, pieces, size);
  } catch (...) {
    // For want of memory it is not sent: then the window must not have seen it.
    deflate_->deflater.reset();
    throw;
  }
}

void outbox::compress(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t size) {
  storage payload;
  auto& d = *deflate_;
  d.deflater.message(pieces, payload);
  // What does not shrink goes as it is, if the windows do not have to agree.
  if (payload.size() >= size && size != 0 && !d.deflater.takeover()) {
    tell(protocol::append_frame(encoded_.back(), sender_, {op}, pieces));
    return;
  }
  const auto header = protocol::append_frame(encoded_.back(), sender_, {.op = op, .fin = true, .rsv1 = true},
                                             std::span<const std::byte>(payload.data(), payload.size()));
  d.from.add(size);
  d.to.add(payload.size());
  tell(header);
}

void outbox::open_stream(const outgoing& what) {
  stream_open_ = true;
  stream_op_ = what.op;
  // How large it will be is not known.
  stream_compressed_ = stream_rsv1_ = deflate_ && what.compress != coax::compression::off;
}

void outbox::append(const outgoing& what) {
  if (what.frame && tap_) tell_of(*what.frame);
  if (what.deflated_from != 0) {
    // The receiver's window is not what the compressor thinks.
    deflate_->deflater.reset();
    deflate_->from.add(what.deflated_from);
    deflate_->to.add(payload_size(*what.frame));
  }
  if (what.opens_stream) {
    open_stream(what);
  } else if (!what.frame) {
    append(what.op, what.pieces, what.size, what.compress);
  } else {
    encoded_.append(what.frame);
  }
}

void outbox::tell_of(const storage& frame) const {
  protocol::frame_header header;
  protocol::frame_rules rules;
  rules.role = protocol::role::client;  // who receives what a server has framed
  rules.deflate = true;
  protocol::decode_header({frame.data(), frame.size()}, rules, header);
  tell(header);
}

void outbox::stream_append(const_buffer piece) {
  if (stream_compressed_) {
    deflate_->from.add(piece.size());
    deflate_->deflater.add(piece, fragment_);
    if (fragment_.size() >= fragment_size) emit_fragment({}, false);
    return;
  }
  // The last bytes stay here, so that the end of the message needs no frame of its own.
  while (fragment_.size() + piece.size() > fragment_size) {
    const std::size_t n = fragment_size - fragment_.size();
    emit_fragment(const_buffer(piece.data(), n), false);
    piece += n;
  }
  fragment_.append(piece.data(), piece.size());
}

void outbox::stream_flush() {
  if (stream_compressed_) deflate_->deflater.flush(fragment_);
  if (!fragment_.empty()) emit_fragment({}, false);
}

void outbox::stream_finish() {
  if (stream_compressed_) deflate_->deflater.finish(fragment_);
  emit_fragment({}, true);
  stream_open_ = false;
  refill();
}

void outbox::stream_abort() noexcept {
  if (stream_open_ && stream_compressed_) deflate_->deflater.give_up();
  stream_open_ = false;
  fragment_.release();
}

void outbox::emit_fragment(const_buffer more, bool fin) {
  const const_buffer pieces[] = {{fragment_.data(), fragment_.size()}, more};
  const auto header =
      protocol::append_frame(encoded_.back(), sender_, {.op = stream_op_, .fin = fin, .rsv1 = stream_rsv1_}, pieces);
  if (stream_compressed_) deflate_->to.add(fragment_.size());
  stream_rsv1_ = false;
  stream_op_ = protocol::opcode::continuation;
  // While bytes flow the memory is kept for the next fragment.
  if (fin) {
    fragment_.release();
  } else {
    fragment_.clear();
  }
  tell(header);
}

write_op* outbox::pop(op_list& from) noexcept {
  if (from.empty()) return nullptr;
  write_op& op = from.front();
  from.pop_front();
  return &op;
}

write_op* outbox::pop_waiting() noexcept {
  write_op* op = pop(waiting_);
  if (op) --waiting_count_;
  return op;
}

write_op* outbox::drop_started() noexcept {
  write_op* op = std::exchange(started_, nullptr);
  if (op) op->stage_ = write_op::stage::waiting;
  return op;
}

bool outbox::remove(write_op& op) {
  if (op.stage_ == write_op::stage::started) {
    copy_payload(op, op.what_.size - op.taken_);
    started_ = nullptr;
    op.stage_ = write_op::stage::finished;
    refill();
    return true;
  }
  if (!op.is_linked()) return false;
  if (op.stage_ == write_op::stage::finished) {
    finished_.erase(finished_.iterator_to(op));
    return true;
  }
  waiting_.erase(waiting_.iterator_to(op));
  --waiting_count_;
  return false;
}

void outbox::ping(std::span<const std::byte> payload) {
  tell(protocol::append_frame(pings_, sender_, {protocol::opcode::ping}, payload));
  encode_control();
}

void outbox::pong(std::span<const std::byte> payload) {
  pong_.clear();
  pong_.append(payload.data(), payload.size());
  pong_due_ = true;
  // While the transport has room it is not held back; while it has none only the latest is kept (RFC 6455 5.5.3), or
  // a peer that pings and takes nothing would fill the queue.
  constexpr std::size_t enough = 4 * 1024;
  if (queued() < enough) encode_control();
}

void outbox::close(coax::status code, std::string_view reason) {
  if (close_requested()) return;
  close_ = close_request{code, std::string(reason)};
  refill();
}

std::size_t outbox::gather(gather_list& to) const noexcept {
  std::size_t listed = 0;
  std::size_t n = encoded_.gather(to, queued(), listed);
  if (listed != queued() || !started_ || sender_ == protocol::role::client) return n;
  std::size_t offset = started_->piece_offset_;
  for (const auto& piece : started_->what_.pieces) {
    if (n == to.size()) break;
    if (piece.size() > offset) to[n++] = piece + offset;
    offset = 0;
  }
  return n;
}

void outbox::consume(std::size_t n) {
  const std::size_t encoded = std::min(n, queued());
  encoded_.consume(encoded);
  n -= encoded;
  if (started_ && n != 0) {
    auto& op = *started_;
    op.taken_ += n;
    op.piece_offset_ += n;
    auto& pieces = op.what_.pieces;
    while (!pieces.empty() && op.piece_offset_ >= pieces.front().size()) {
      op.piece_offset_ -= pieces.front().size();
      pieces = pieces.subspan(1);
    }
    if (op.taken_ == op.what_.size) finish(op);
  }
  refill();
}

void outbox::clear() noexcept {
  encoded_.clear();
  stream_abort();
  pings_.release();
  pong_.release();
  pong_due_ = false;
}

// Moves on as far as there is room: control frames at the border between messages, then the writes that wait.
void outbox::refill() {
  while (!started_) {
    encode_control();
    if (waiting_.empty() || stream_open_) break;
    write_op& op = waiting_.front();
    const auto& what = op.what_;
    if (is_large(what) ? queued() != 0 && queued() >= limit_ : !fits(what)) return;
    waiting_.pop_front();
    --waiting_count_;
    begin(op);
  }
  if (started_ && sender_ == protocol::role::client) {
    auto& op = *started_;
    if (queued() < mask_ahead) copy_payload(op, std::min(op.what_.size - op.taken_, mask_ahead - queued()));
    if (op.taken_ == op.what_.size) {
      finish(op);
      refill();
    }
    return;
  }
  if (close_ && !started_ && !stream_open_ && waiting_.empty()) {
    const auto header = protocol::append_close(encoded_.back(), sender_, {close_->code, close_->reason});
    close_.reset();
    close_encoded_ = true;
    tell(header);
  }
}

void outbox::begin(write_op& op) {
  if (!is_large(op.what_)) {
    append(op.what_);
    op.stage_ = write_op::stage::finished;
    finished_.push_back(op);
    return;
  }
  const auto header = protocol::append_header(encoded_.back(), sender_, {op.what_.op}, op.what_.size);
  tell(header);
  op.masker_ = protocol::payload_masker(header);
  op.stage_ = write_op::stage::started;
  started_ = &op;
}

void outbox::finish(write_op& op) noexcept {
  started_ = nullptr;
  op.stage_ = write_op::stage::finished;
  finished_.push_back(op);
}

// Copies the next `n` bytes of the payload, masked if need be.
void outbox::copy_payload(write_op& op, std::size_t n) {
  auto& out = encoded_.back();
  out.reserve(out.size() + n);
  while (n != 0) {
    const auto& piece = op.what_.pieces.front();
    const std::size_t part = std::min(n, piece.size() - op.piece_offset_);
    op.masker_.copy(out.data() + out.size(), static_cast<const std::byte*>(piece.data()) + op.piece_offset_, part);
    out.resize(out.size() + part);
    op.taken_ += part;
    op.piece_offset_ += part;
    n -= part;
    if (op.piece_offset_ == piece.size()) {
      op.what_.pieces = op.what_.pieces.subspan(1);
      op.piece_offset_ = 0;
    }
  }
}

void outbox::encode_control() {
  if (started_ || (close_encoded_ && !control_after_close_)) return;
  if (pong_due_) {
    const auto header = protocol::append_frame(encoded_.back(), sender_, {protocol::opcode::pong},
                                               std::span<const std::byte>(pong_.data(), pong_.size()));
    pong_due_ = false;
    pong_.release();
    tell(header);
  }
  if (!pings_.empty()) {
    encoded_.back().append(pings_.data(), pings_.size());
    pings_.release();
  }
}

}  // namespace coax::detail
