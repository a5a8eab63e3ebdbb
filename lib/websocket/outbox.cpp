#include "websocket/outbox.hpp"

#include <algorithm>
#include <utility>

namespace coax::detail {
namespace {

// How far ahead of the transport a client masks a large message.
constexpr std::size_t mask_ahead = 64 * 1024;

}  // namespace

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
    copy_payload(op, op.total_ - op.taken_);
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
  protocol::append_frame(pings_, sender_, {protocol::opcode::ping}, payload);
  encode_control();
}

void outbox::pong(std::span<const std::byte> payload) {
  pong_.clear();
  pong_.append(payload.data(), payload.size());
  pong_due_ = true;
  // While the transport has room it is not held back; while it has none only the latest is kept (RFC 6455 5.5.3).
  if (queued() == 0 || queued() < limit_ / 2) encode_control();
}

void outbox::close(coax::status code, std::string_view reason) {
  if (close_requested()) return;
  close_ = close_request{code, std::string(reason)};
  refill();
}

std::size_t outbox::gather(gather_list& to) const noexcept {
  std::size_t n = 0;
  if (queued() != 0) to[n++] = {out_.data() + sent_, queued()};
  if (!started_ || sender_ == protocol::role::client) return n;
  std::size_t offset = started_->piece_offset_;
  for (const auto& piece : started_->pieces_) {
    if (n == to.size()) break;
    if (piece.size() > offset) to[n++] = piece + offset;
    offset = 0;
  }
  return n;
}

void outbox::consume(std::size_t n) {
  const std::size_t encoded = std::min(n, queued());
  sent_ += encoded;
  n -= encoded;
  if (started_ && n != 0) {
    auto& op = *started_;
    op.taken_ += n;
    op.piece_offset_ += n;
    while (!op.pieces_.empty() && op.piece_offset_ >= op.pieces_.front().size()) {
      op.piece_offset_ -= op.pieces_.front().size();
      op.pieces_ = op.pieces_.subspan(1);
    }
    if (op.taken_ == op.total_) finish(op);
  }
  drop_sent();
  refill();
}

void outbox::clear() noexcept {
  out_.release();
  sent_ = 0;
  pings_.release();
  pong_.release();
  pong_due_ = false;
}

// Moves on as far as there is room: control frames at the border between messages, then the writes that wait.
void outbox::refill() {
  while (!started_) {
    if (!close_encoded_) encode_control();
    if (waiting_.empty()) break;
    write_op& op = waiting_.front();
    if (op.total_ <= copy_limit && queued() != 0 && queued() + op.total_ > limit_) return;
    if (op.total_ > copy_limit && queued() >= limit_) return;
    waiting_.pop_front();
    --waiting_count_;
    begin(op);
  }
  if (started_ && sender_ == protocol::role::client) {
    auto& op = *started_;
    if (queued() < mask_ahead) copy_payload(op, std::min(op.total_ - op.taken_, mask_ahead - queued()));
    if (op.taken_ == op.total_) {
      finish(op);
      refill();
    }
    return;
  }
  if (close_ && !started_ && waiting_.empty()) {
    protocol::append_close(out_, sender_, {close_->code, close_->reason});
    close_.reset();
    close_encoded_ = true;
  }
}

void outbox::begin(write_op& op) {
  if (op.total_ <= copy_limit) {
    append(op.op_, op.pieces_);
    op.stage_ = write_op::stage::finished;
    finished_.push_back(op);
    return;
  }
  op.masker_ = protocol::append_header(out_, sender_, {op.op_}, op.total_);
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
  drop_sent();
  out_.reserve(out_.size() + n);
  while (n != 0) {
    const auto& piece = op.pieces_.front();
    const std::size_t part = std::min(n, piece.size() - op.piece_offset_);
    op.masker_.copy(out_.data() + out_.size(), static_cast<const std::byte*>(piece.data()) + op.piece_offset_, part);
    out_.resize(out_.size() + part);
    op.taken_ += part;
    op.piece_offset_ += part;
    n -= part;
    if (op.piece_offset_ == piece.size()) {
      op.pieces_ = op.pieces_.subspan(1);
      op.piece_offset_ = 0;
    }
  }
}

void outbox::encode_control() {
  if (started_ || close_encoded_) return;
  if (pong_due_) {
    protocol::append_frame(out_, sender_, {protocol::opcode::pong},
                           std::span<const std::byte>(pong_.data(), pong_.size()));
    pong_due_ = false;
    pong_.release();
  }
  if (!pings_.empty()) {
    out_.append(pings_.data(), pings_.size());
    pings_.release();
  }
}

// An idle connection holds no buffer, and a busy one does not let sent bytes pile up.
void outbox::drop_sent() noexcept {
  if (sent_ == out_.size()) {
    out_.release();
    sent_ = 0;
  } else if (sent_ >= 256 * 1024 && sent_ >= out_.size() / 2) {
    const std::size_t rest = queued();
    std::memmove(out_.data(), out_.data() + sent_, rest);
    out_.resize(rest);
    sent_ = 0;
  }
}

}  // namespace coax::detail
