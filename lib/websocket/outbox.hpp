/// What a connection has to send, in order: encoded bytes, then the writes that wait for room. No I/O.
#pragma once

#include "protocol/serializer.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <optional>
#include <span>
#include <string>

namespace coax::detail {

using boost::asio::const_buffer;

/// One write that could not be taken at once. Its pieces belong to the caller until it is finished or removed.
class write_op : public boost::intrusive::list_base_hook<> {
 public:
  write_op(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t total) noexcept
      : op_(op), pieces_(pieces), total_(total) {}

  enum class stage : unsigned char { waiting, started, finished };
  stage at() const noexcept { return stage_; }

 protected:
  ~write_op() = default;

 private:
  friend class outbox;

  protocol::opcode op_;
  stage stage_ = stage::waiting;
  std::span<const const_buffer> pieces_;
  std::size_t total_;
  std::size_t taken_ = 0;         // bytes of the payload that were copied or sent
  std::size_t piece_offset_ = 0;  // of the first piece in pieces_
  protocol::payload_masker masker_;
};

/// The order on the wire is that of the calls. Small messages are encoded at once, up to a limit of queued bytes;
/// beyond it, and for large messages, a `write_op` waits. A server's large message is sent from the caller's memory, a
/// client's is masked through the buffer chunk by chunk. Control frames go between messages, ahead of those that wait;
/// the close frame goes last.
class outbox {
 public:
  /// Payloads up to this size are copied next to their header: cheaper than a longer gather.
  static constexpr std::size_t copy_limit = 16 * 1024;
  using gather_list = std::array<const_buffer, 16>;

  outbox(protocol::role sender, std::size_t limit) noexcept : sender_(sender), limit_(limit) {}

  /// Whether a message of `size` bytes can be appended now, in its turn.
  bool accepts(std::size_t size) const noexcept {
    return !started_ && waiting_.empty() && size <= copy_limit && (queued() + size <= limit_ || queued() == 0);
  }
  void append(protocol::opcode op, std::span<const const_buffer> pieces) {
    protocol::append_frame(out_, sender_, {op}, pieces);
  }
  /// Bytes that are a whole frame already.
  void append_encoded(std::span<const std::byte> frame) { out_.append(frame.data(), frame.size()); }

  void push(write_op& op) {
    waiting_.push_back(op);
    ++waiting_count_;
    refill();
  }
  /// Takes `op` out. If it had begun to leave, the rest is copied and leaves as well: returns true.
  bool remove(write_op& op);
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
  bool close_requested() const noexcept { return close_.has_value() || close_encoded_; }
  /// Whether the close frame, and with it everything, has left.
  bool close_left() const noexcept { return close_encoded_ && queued() == 0 && !started_; }

  /// Lists the bytes that come next; returns how many buffers, 0 when there is nothing.
  std::size_t gather(gather_list& to) const noexcept;
  /// The first `n` of them have left.
  void consume(std::size_t n);
  /// Drops all bytes. What has started or waits must have been taken out before.
  void clear() noexcept;

  bool empty() const noexcept { return queued() == 0 && !started_; }
  /// Bytes that are encoded and have not left.
  std::size_t queued() const noexcept { return out_.size() - sent_; }
  std::size_t waiting() const noexcept { return waiting_count_; }

 private:
  using op_list = boost::intrusive::list<write_op, boost::intrusive::constant_time_size<false>>;

  static write_op* pop(op_list& from) noexcept;
  void refill();
  void begin(write_op& op);
  void finish(write_op& op) noexcept;
  void copy_payload(write_op& op, std::size_t n);
  void encode_control();
  void drop_sent() noexcept;

  protocol::role sender_;
  bool close_encoded_ = false;
  bool pong_due_ = false;
  std::size_t limit_;
  storage out_;
  std::size_t sent_ = 0;  // of out_
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
