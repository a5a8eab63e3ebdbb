/// What a connection has to send, in order: encoded bytes, then the writes that wait for room. No I/O.
#pragma once

#include "io/byte_queue.hpp"
#include "protocol/deflater.hpp"
#include "protocol/serializer.hpp"
#include "websocket/counter.hpp"
#include <coax/conn.hpp>

#include <boost/intrusive/list.hpp>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace coax::detail {

using boost::asio::const_buffer;

/// A copy for a caller on another executor, whose memory may go with its io_context while there is still something to
/// send.
inline shared_bytes copy_of(std::span<const const_buffer> pieces, std::size_t total) {
  const auto copy = std::make_shared<storage>(total);
  for (const auto& piece : pieces) copy->append(piece.data(), piece.size());
  return copy;
}
inline const_buffer whole(const storage& bytes) noexcept { return {bytes.data(), bytes.size()}; }

/// What a write sends.
struct outgoing {
  /// The concatenation of `pieces`, of `total` bytes, which belong to the caller until the write is finished.
  outgoing(protocol::opcode o, std::span<const const_buffer> p, std::size_t total,
           coax::compression c = coax::compression::automatic) noexcept
      : op(o), compress(c), pieces(p), size(total) {}
  /// A server's frame as it is; `deflated` tells of how many bytes it was compressed, if it was.
  explicit outgoing(shared_bytes f, std::size_t deflated = 0) noexcept
      : size(f->size()), frame(std::move(f)), deflated_from(deflated) {}
  /// The right to send a message in fragments, in its turn.
  explicit outgoing(protocol::opcode stream, coax::compression c = coax::compression::automatic) noexcept
      : op(stream), opens_stream(true), compress(c) {}

  protocol::opcode op = protocol::opcode::binary;
  bool opens_stream = false;
  coax::compression compress = coax::compression::automatic;
  std::span<const const_buffer> pieces;
  std::size_t size = 0;
  shared_bytes frame;
  std::size_t deflated_from = 0;
};

/// One write that could not be taken at once.
class write_op : public boost::intrusive::list_base_hook<> {
 public:
  explicit write_op(outgoing what) noexcept : what_(std::move(what)) {}

  enum class stage : unsigned char { waiting, started, finished };
  stage at() const noexcept { return stage_; }

 protected:
  ~write_op() = default;

 private:
  friend class outbox;

  outgoing what_;
  stage stage_ = stage::waiting;
  std::size_t taken_ = 0;         // bytes of the payload that were copied or sent
  std::size_t piece_offset_ = 0;  // of the first of the pieces
  protocol::payload_masker masker_;
};

/// The order on the wire is that of the calls. Small messages are encoded at once, up to a limit of queued bytes;
/// beyond it, and for large messages, a `write_op` waits. A server's large message is sent from the caller's memory, a
/// client's is masked through the buffer chunk by chunk. Frames that are shared are never copied when they are large.
/// Control frames go between the frames of messages, ahead of those that wait; the close frame goes last.
///
/// While a stream is open, all other messages wait for its end.
///
/// A message is compressed when it is encoded, because from then on it is certain to be sent: the compressor's window
/// must hold what the receiver's will hold, nothing else.
class outbox {
 public:
  /// Payloads up to this size are copied next to their header: cheaper than a longer gather.
  static constexpr std::size_t copy_limit = byte_queue::copy_limit;
  /// The frames of a stream have this size, but for those that `stream_flush` and `stream_finish` cut short.
  static constexpr std::size_t fragment_size = 32 * 1024;
  using gather_list = std::array<const_buffer, 16>;

  outbox(protocol::role sender, std::size_t limit) noexcept : sender_(sender), limit_(limit) {}
  /// `t`, which must stay, is told of each frame as it is encoded.
  void tap(const protocol::frame_tap* t) noexcept { tap_ = t; }
  /// Before anything is sent: messages of `threshold` bytes and more are to be compressed.
  void deflate(protocol::compressor_parameters p, bool takeover, std::size_t threshold) {
    deflate_ = std::make_unique<deflating>(p, takeover, threshold);
  }
  bool deflates() const noexcept { return deflate_ != nullptr; }
  /// With what a message of `size` bytes is compressed; nothing if it is not.
  const protocol::compressor_parameters* deflates(std::size_t size) const noexcept {
    return compresses(size, coax::compression::automatic) ? &deflate_->deflater.parameters() : nullptr;
  }
  std::uint64_t deflated_from() const noexcept { return deflate_ ? deflate_->from.get() : 0; }
  std::uint64_t deflated_to() const noexcept { return deflate_ ? deflate_->to.get() : 0; }
  /// Gives the compressor back when no message is under way; the next message begins with an empty window.
  void rest() noexcept {
    if (deflate_ && !stream_open_) deflate_->deflater.reset();
  }

  /// Whether a message of `size` bytes can be appended now, in its turn.
  bool accepts(std::size_t size) const noexcept {
    return !started_ && !stream_open_ && waiting_.empty() && size <= copy_limit &&
           (queued() + size <= limit_ || queued() == 0);
  }
  void append(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t size, coax::compression how) {
    if (compresses(size, how)) [[unlikely]]
      return append_compressed(op, pieces, size);
    if (size < 126 && pieces.size() == 1 && sender_ == protocol::role::server && !tap_)
      return protocol::append_short_frame(encoded_.back(), op, pieces.front());
    tell(protocol::append_frame(encoded_.back(), sender_, {op}, pieces));
  }
  bool accepts(const outgoing& what) const noexcept {
    return !started_ && !stream_open_ && waiting_.empty() && fits(what);
  }
  void append(const outgoing& what);

  void push(write_op& op) {
    waiting_.push_back(op);
    ++waiting_count_;
    refill();
  }
  /// Takes `op` out. If it had begun to leave, the rest is copied and leaves as well: returns true.
  bool remove(write_op& op);

  // A message in fragments, once an `outgoing` that opens a stream has been appended or is finished.
  bool stream_open() const noexcept { return stream_open_; }
  /// Whether more should be added to the stream: the queue is below its limit.
  bool stream_has_room() const noexcept { return queued() == 0 || queued() < limit_; }
  /// Whether a part of the message has been encoded.
  bool stream_begun() const noexcept { return stream_op_ == protocol::opcode::continuation; }
  void stream_append(const_buffer piece);
  /// What has been added leaves.
  void stream_flush();
  /// The message ends with what has been added.
  void stream_finish();
  /// The message stays without its end: nothing but the close frame may follow.
  void stream_abort() noexcept;

  /// Writes that have become complete since the last call, one by one; null when there are no more.
  write_op* pop_finished() noexcept { return pop(finished_); }
  /// Takes out a write that has not begun; null when there is none.
  write_op* pop_waiting() noexcept;
  /// Takes out the write that has begun, if any, for a transport that has failed: its rest is lost.
  write_op* drop_started() noexcept;
  /// Moves on after writes were taken out.
  void proceed() { refill(); }

  void ping(std::span<const std::byte> payload);
  /// Answers the latest ping; one that has not left yet is replaced.
  void pong(std::span<const std::byte> payload);
  /// The close frame, behind all writes.
  void close(coax::status code, std::string_view reason);
  /// The same, but pings and pongs may follow it: RFC 6455 5.5.2 wants pings answered until the peer has closed, too.
  void half_close(coax::status code, std::string_view reason) {
    control_after_close_ = true;
    close(code, reason);
  }
  bool close_requested() const noexcept { return close_.has_value() || close_encoded_; }
  /// Whether the close frame, and with it everything, has left.
  bool close_left() const noexcept { return close_encoded_ && queued() == 0 && !started_; }

  /// All that is there, if it is one run of bytes.
  bool in_one_run(const_buffer& run) const noexcept { return !started_ && encoded_.in_one_run(run); }
  /// Lists the bytes that come next; returns how many buffers, 0 when there is nothing.
  std::size_t gather(gather_list& to) const noexcept;
  /// The first `n` of them have left.
  void consume(std::size_t n);
  /// Drops all bytes. What has started or waits must have been taken out before.
  void clear() noexcept;

  bool empty() const noexcept { return queued() == 0 && !started_; }
  /// Bytes that are encoded and have not left.
  std::size_t queued() const noexcept { return encoded_.size(); }
  std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  using op_list = boost::intrusive::list<write_op, boost::intrusive::constant_time_size<false>>;

  struct deflating {
    deflating(protocol::compressor_parameters p, bool takeover, std::size_t t) noexcept
        : deflater(p, takeover), threshold(t) {}
    protocol::deflater deflater;
    std::size_t threshold;
    counter from, to;
  };

  bool compresses(std::size_t size, coax::compression how) const noexcept {
    if (!deflate_ || how == coax::compression::off) return false;
    return how == coax::compression::always || size >= deflate_->threshold;
  }
  bool compresses(const outgoing& what) const noexcept {
    return !what.frame && !what.opens_stream && compresses(what.size, what.compress);
  }
  void append_compressed(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t size);
  void compress(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t size);
  void open_stream(const outgoing& what);
  bool is_large(const outgoing& what) const noexcept;

  static write_op* pop(op_list& from) noexcept;
  bool fits(const outgoing& what) const noexcept;
  void tell(const protocol::frame_header& header) const {
    if (tap_) [[unlikely]]
      (*tap_)(header);
  }
  void tell_of(const storage& frame) const;
  void emit_fragment(const_buffer more, bool fin);
  void refill();
  void begin(write_op& op);
  void finish(write_op& op) noexcept;
  void copy_payload(write_op& op, std::size_t n);
  void encode_control();

  protocol::role sender_;
  bool close_encoded_ = false;
  bool control_after_close_ = false;
  bool pong_due_ = false;
  bool stream_open_ = false;
  bool stream_compressed_ = false;
  bool stream_rsv1_ = false;                               // of the stream's next frame
  protocol::opcode stream_op_ = protocol::opcode::binary;  // of the stream's next frame
  std::size_t limit_;
  const protocol::frame_tap* tap_ = nullptr;
  std::unique_ptr<deflating> deflate_;  // null unless messages may be compressed
  byte_queue encoded_;
  storage fragment_;  // the stream's next frame
  write_op* started_ = nullptr;
  std::size_t waiting_count_ = 0;
  op_list waiting_;
  op_list finished_;
  storage pings_;  // encoded, for the next border between messages
  storage pong_;
  struct close_request {
    coax::status code;
    std::string reason;
  };
  std::optional<close_request> close_;
};

}  // namespace coax::detail
