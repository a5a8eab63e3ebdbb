/// The receiving half of a WebSocket: bytes in, messages and control frames out.
#pragma once

#include "protocol/close_frame.hpp"
#include "protocol/frame.hpp"
#include "protocol/inflater.hpp"
#include "protocol/utf8.hpp"
#include <coax/message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace coax::protocol {

/// Turns received bytes into events by the rules of RFC 6455 section 5, and answers each breach of them with one
/// failure. Holds what is incomplete, so that a connection can always drain its receive buffer:
///
///     while (!in.empty()) {
///       const auto event = assembler.feed(in, consumed);
///       in = in.subspan(consumed);
///       if (event == assembler::event::message) handle(assembler.take_message());
///       ...
///     }
///
/// Memory for a message is taken for what has arrived and at most 1 MiB (later: as much again) ahead of it, whatever
/// the header announces.
class assembler {
 public:
  struct options {
    options() = default;

    protocol::role role = role::server;  ///< The receiving end.
    std::size_t read_limit = 32 * 1024;  ///< Bytes of one message, 0 for none.
    bool validate_utf8 = true;           ///< Text must be UTF-8.
    bool deflate = false;                ///< permessage-deflate was negotiated: RSV1 marks a compressed message.
    unsigned window_bits = 15;           ///< How far back compressed messages may refer.
    bool takeover = true;                ///< They may refer to those before them.
  };

  enum class event {
    need_more,  ///< All bytes were consumed.
    part,       ///< When parts are delivered: some of a message has come, and more of it will: `take_message`.
    message,    ///< A data message is complete, or the last part of one, which may be empty: `take_message`.
    ping,       ///< `control_payload`
    pong,       ///< `control_payload`
    close,      ///< `close_status`, `close_reason`, `control_payload`
    failed,     ///< `error`; from now on each call returns this.
  };

  struct statistics {
    std::uint64_t frames = 0;         ///< Headers accepted, of control frames as well.
    std::uint64_t messages = 0;       ///< Complete data messages.
    std::uint64_t bytes = 0;          ///< Payload of data frames, before inflating.
    std::uint64_t inflated_from = 0;  ///< Of these, payload of compressed messages,
    std::uint64_t inflated_to = 0;    ///< and what it was inflated to.
  };

  /// How data messages come out: whole, or in parts of `part_size` bytes at most, and whenever the input is used up.
  enum class delivery : std::uint8_t { whole, parts };

  /// Bytes of a message that make a part, be there more to come or not.
  static constexpr std::size_t part_size = 64 * 1024;

  /// Outstanding bytes of a payload from which on `direct_buffer` offers room.
  static constexpr std::size_t direct_threshold = 16 * 1024;

  explicit assembler(const options& how);

  /// Consumes bytes from the front of `in` up to the first event; may overwrite what it consumes. Without bytes it
  /// tells of a part that is there.
  event feed(std::span<std::byte> in, std::size_t& consumed);

  /// The short way to what nearly every message is: uncompressed, in one frame, all of it there. If `in` begins with
  /// one it is in `out`, in whose memory if that has room. If not, an error above all, `out` is empty and `feed` goes
  /// the general way from here.
  bool take_message(std::span<const std::byte> in, std::size_t& consumed, message& out) {
    const bool taken = take_whole(in, consumed, out.storage_);
    if (!taken) out.storage_.clear();
    out.kind_ = kind_;
    return taken;
  }

  /// Whether `feed` has something to tell without further bytes: the input of a compressed message is used up, and not
  /// all of its output has been handed out in parts.
  bool has_more() const noexcept { return stage_ == stage::data && (output_pending_ || taken_ == length_); }

  /// Sets how messages are delivered; also in mid-message, where the first part holds all that has come so far.
  void deliver(delivery how) noexcept { delivery_ = how; }
  /// Drops the rest of the current message, if one has begun.
  void discard() noexcept;
  /// A part that was taken and not used: the message goes on as if it had not been. Right after `event::part` only.
  void put_back(message part) noexcept { message_ = std::move(part).release(); }

  /// The complete message, once after `event::message`; dropped by the next data frame. Or a part of one, once after
  /// `event::part`.
  message take_message() noexcept { return message(kind_, std::move(message_)); }
  /// Whether it came compressed.
  bool compressed() const noexcept { return compressed_; }

  /// The payload of the control frame of the last event; valid until the next call of `feed`.
  std::span<const std::byte> control_payload() const noexcept { return std::span(control_).first(control_size_); }
  coax::status close_status() const noexcept { return close_.code; }
  std::string_view close_reason() const noexcept { return close_.reason; }

  /// Why the peer was failed.
  const failure& error() const noexcept { return failure_; }

  /// Room in the message's own storage for the rest of a large data payload, so that it can be received without a
  /// copy. Empty unless within a data payload of which `direct_threshold` bytes are outstanding.
  std::span<std::byte> direct_buffer();

  /// The first `n` bytes of `direct_buffer()` have been received.
  event commit_direct(std::size_t n);

  /// Whether the next event needs no more than the unread bytes `rest`: they end the current frame or hold a whole one.
  bool frame_ahead(std::span<const std::byte> rest) const noexcept;

  /// Whether nothing is incomplete: no header, no control frame, no message.
  bool idle() const noexcept { return stage_ == stage::header && header_.empty() && !in_message_; }

  /// `t`, which must stay, is told of each frame, when its header has been accepted.
  void tap(const frame_tap* t) noexcept { tap_ = t; }

  /// Between messages: gives back what the inflater does not need while nothing comes.
  void rest() noexcept {
    if (inflater_ && idle()) inflater_->rest();
  }

  /// Sets the limit from the next frame on.
  void read_limit(std::size_t bytes) noexcept { options_.read_limit = bytes; }

  const statistics& stats() const noexcept { return statistics_; }

 private:
  enum class stage : std::uint8_t { header, data, control, failed };

  bool take_whole(std::span<const std::byte> in, std::size_t& consumed, coax::detail::storage& to);
  bool read_header(std::span<const std::byte> in, std::size_t& consumed);
  void begin_control(const frame_header& frame) noexcept;
  bool begin_data(const frame_header& frame);
  bool within_limit(std::uint64_t length);
  bool in_parts() const noexcept { return delivery_ == delivery::parts; }
  event take_data(std::span<std::byte> in, std::size_t& consumed);
  event take_compressed(std::span<std::byte> in, std::size_t& consumed);
  std::span<std::byte> inflating_room();
  bool add_inflated(std::size_t n);
  event take_control(std::span<const std::byte> in, std::size_t& consumed);
  event finish_control();
  event finish_data();
  bool add_chunk(std::byte* to, const std::byte* from, std::size_t n);
  event advance(const std::byte* from, std::size_t n);
  void make_room(std::size_t n);
  event fail(failure why) noexcept;

  options options_;
  const frame_tap* tap_ = nullptr;
  stage stage_ = stage::header;
  bool in_message_ = false;  // a message has begun, its last frame has not ended
  bool fin_ = false;         // of the current data frame
  bool fragmented_ = false;  // the message has, or will have, several frames
  bool compressed_ = false;
  bool check_text_ = false;
  bool discarding_ = false;  // the current message
  message_kind kind_ = message_kind::text;
  opcode control_op_ = opcode::ping;
  std::uint8_t control_size_ = 0;
  bool output_pending_ = false;  // the inflater may have more without further input
  utf8_validator utf8_;
  std::unique_ptr<inflater> inflater_;  // null unless compressed messages may come
  masking_key key_{};
  header_parser header_;
  std::uint64_t length_ = 0;  // of the current payload
  std::uint64_t taken_ = 0;   // of it
  std::uint64_t size_ = 0;    // of the message so far, with what has been taken out in parts
  delivery delivery_ = delivery::whole;
  coax::detail::storage message_;
  std::array<std::byte, max_control_payload> control_{};
  close_frame close_;
  statistics statistics_;
  failure failure_;
};

}  // namespace coax::protocol
