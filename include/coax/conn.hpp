/// @file
/// A WebSocket connection.
///
///     coax::task<> echo(coax::conn c, coax::context ctx) {
///       while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data(), ctx);
///       co_await c.close();
///     }
#pragma once

#include <coax/context.hpp>
#include <coax/deflate.hpp>
#include <coax/detail/export.hpp>
#include <coax/message.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace coax {

namespace detail {
class byte_stream_core;
class connection;
struct peer_socket;
}  // namespace detail

/// Whether a message is compressed, on a connection that has agreed on it; otherwise it never is.
enum class compression : unsigned char {
  automatic,  ///< When it is not below the threshold, or written in parts.
  off,        ///< Never: for what is compressed already, and for secrets beside what others have a say in.
  always      ///< However small it is.
};

/// What ended a connection.
enum class close_initiator : unsigned char {
  none,       ///< It has not ended.
  local,      ///< `close`, `start_close`, `close_now` or the end of the handle.
  remote,     ///< The peer's close frame.
  transport,  ///< The byte stream ended or failed without a close frame.
  protocol,   ///< The peer broke the protocol or a limit, and was told so by a close frame.
  timeout     ///< Keepalive, write stall or close took too long.
};

/// How a connection ended; see `conn::closed`.
struct close_info {
  close_initiator initiator = close_initiator::none;  ///< Who, or what.
  coax::status status = coax::status::no_status;      ///< Of the frame that decided; `abnormal` when there was none.
  std::string reason;                                 ///< In the frame that decided; often empty.
  bool clean = false;                                 ///< Both close frames were exchanged.
  error_code error;                                   ///< The error of the transport, or the breach of the protocol.
};

/// Counters of a connection since it opened.
struct conn_stats {
  std::uint64_t bytes_received = 0;     ///< On the transport's side of framing, above TLS.
  std::uint64_t bytes_sent = 0;         ///< The same, the other way.
  std::uint64_t messages_received = 0;  ///< Data messages, counted when their end is there.
  std::uint64_t messages_sent = 0;      ///< Taken for sending, corked or sent.
  std::uint64_t inflated_from = 0;      ///< Bytes of compressed messages received,
  std::uint64_t inflated_to = 0;        ///< and what they were inflated to.
  std::uint64_t deflated_from = 0;      ///< Bytes of messages that were compressed for sending,
  std::uint64_t deflated_to = 0;        ///< and what they were compressed to.
  std::uint64_t pings_received = 0;     ///< Also those that nobody has answered.
  std::uint64_t pongs_received = 0;     ///< Also those that nobody has waited for.
  std::size_t bytes_queued = 0;         ///< Encoded and not yet taken by the transport.
  std::size_t writers_waiting = 0;      ///< Writes that wait for room in the send queue.
};

/// A frame that was received, or that has been encoded for sending; see `conn_options::on_frame`.
struct frame_info {
  /// Which way a frame goes.
  enum class direction : unsigned char {
    received,  ///< From the peer.
    sent       ///< To the peer.
  };
  direction way;         ///< Received or sent.
  std::uint8_t opcode;   ///< RFC 6455 section 11.8: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
  bool fin;              ///< The last frame of its message; always true for control frames.
  bool rsv1;             ///< Compressed (RFC 7692).
  bool masked;           ///< By the client, as RFC 6455 section 5.3 wants it.
  std::uint64_t length;  ///< Of the payload, in bytes.
};

/// Functions that a connection calls, on its executor, from within its own work: they must not throw, and should
/// return soon. They may write to the connection. They may close it, or let go of it, which takes effect in a
/// turn of its own. A read that they begin fails with `errc::concurrent_read`.
struct conn_hooks {
  conn_hooks() = default;

  std::function<bool(std::span<const std::byte>)> on_ping;  ///< See `conn_options::on_ping`.
  std::function<void(std::span<const std::byte>)> on_pong;  ///< See `conn_options::on_pong`.
  std::function<void(const frame_info&)> on_frame;          ///< See `conn_options::on_frame`.
  /// Whether there is any.
  explicit operator bool() const noexcept { return on_ping || on_pong || on_frame; }
};

/// Options that `accept` and `dial` have in common; `Self` is the options class itself, for chaining.
template <class Self>
class conn_options {
 public:
  /// Largest message in bytes after inflating, default 32 KiB; 0 = no limit. Over it: close 1009.
  Self& read_limit(std::size_t bytes) { return read_limit_ = bytes, self(); }
  /// Whether text must be UTF-8 (default yes; otherwise close 1007).
  Self& validate_utf8(bool on) { return validate_utf8_ = on, self(); }
  /// Ping after `idle` without a byte from the peer, fail with `errc::peer_timeout` after `timeout` more; both carry a
  /// jitter of 10 %. Zero `idle` turns it off. Servers: 30 s and 10 s by default; clients: off.
  Self& keepalive(std::chrono::nanoseconds idle, std::chrono::nanoseconds timeout = std::chrono::seconds(10)) {
    keepalive_set_ = true;
    return keepalive_idle_ = idle, keepalive_timeout_ = timeout, self();
  }
  /// How long the peer may take no byte while we have some to send, default 30 s.
  Self& write_stall_timeout(std::chrono::nanoseconds d) { return write_stall_ = d, self(); }
  /// How long `close` waits, for the send queue and then for the peer's reply; default 5 s each.
  Self& close_timeout(std::chrono::nanoseconds d) { return close_timeout_ = d, self(); }
  /// Bytes that may be queued before `write` waits, default 1 MiB.
  Self& send_queue_limit(std::size_t bytes) { return send_queue_limit_ = bytes, self(); }

  /// Closes with 1001 a connection that has carried no data message, either way, for about `d` (up to a quarter more);
  /// pings do not count. Zero, the default: never.
  Self& idle_timeout(std::chrono::nanoseconds d) { return idle_timeout_ = d, self(); }
  /// Closes with 1012 (come again) a connection of this age, with a jitter of 10 %. Zero, the default: never.
  Self& max_lifetime(std::chrono::nanoseconds d) { return max_lifetime_ = d, self(); }

  /// Compression (RFC 7692), default off. See <coax/deflate.hpp>.
  Self& deflate(const deflate_options& o) { return deflate_ = o, self(); }

  /// Called with the payload of each ping; returns whether the connection is to answer it. See `conn_hooks`.
  Self& on_ping(std::function<bool(std::span<const std::byte>)> f) { return hooks_.on_ping = std::move(f), self(); }
  /// Called with the payload of each pong.
  Self& on_pong(std::function<void(std::span<const std::byte>)> f) { return hooks_.on_pong = std::move(f), self(); }
  /// Called for each frame, both ways: for traces.
  Self& on_frame(std::function<void(const frame_info&)> f) { return hooks_.on_frame = std::move(f), self(); }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::size_t read_limit() const noexcept { return read_limit_; }
  bool validate_utf8() const noexcept { return validate_utf8_; }
  bool keepalive_set() const noexcept { return keepalive_set_; }
  std::chrono::nanoseconds keepalive_idle() const noexcept { return keepalive_idle_; }
  std::chrono::nanoseconds keepalive_timeout() const noexcept { return keepalive_timeout_; }
  std::chrono::nanoseconds write_stall_timeout() const noexcept { return write_stall_; }
  std::chrono::nanoseconds close_timeout() const noexcept { return close_timeout_; }
  std::size_t send_queue_limit() const noexcept { return send_queue_limit_; }
  std::chrono::nanoseconds idle_timeout() const noexcept { return idle_timeout_; }
  std::chrono::nanoseconds max_lifetime() const noexcept { return max_lifetime_; }
  const deflate_options& deflate() const noexcept { return deflate_; }
  const conn_hooks& hooks() const noexcept { return hooks_; }
  /// @}

 private:
  friend Self;
  conn_options() = default;
  Self& self() { return static_cast<Self&>(*this); }

  std::size_t read_limit_ = 32 * 1024;
  std::size_t send_queue_limit_ = 1024 * 1024;
  std::chrono::nanoseconds keepalive_idle_ = std::chrono::seconds(30);
  std::chrono::nanoseconds keepalive_timeout_ = std::chrono::seconds(10);
  std::chrono::nanoseconds write_stall_ = std::chrono::seconds(30);
  std::chrono::nanoseconds close_timeout_ = std::chrono::seconds(5);
  std::chrono::nanoseconds idle_timeout_{};
  std::chrono::nanoseconds max_lifetime_{};
  conn_hooks hooks_;
  deflate_options deflate_;
  bool validate_utf8_ = true;
  bool keepalive_set_ = false;
};

class message_reader;
class message_writer;
class output_hold;
class prepared_message;

/// One end of a WebSocket (RFC 6455): a movable handle, made by `accept` or `dial`.
///
/// Any number of coroutines on any threads may write, ping and close; one may read at a time. Messages never
/// interleave and leave in the order of the calls. Each operation runs on the connection's executor and resumes on
/// the caller's; called on the connection's own executor it costs no switch.
///
/// Stopping the context of an operation ends that operation, never the connection: a stopped read loses no byte and
/// the next one goes on in mid-frame; a stopped write sent nothing (`errc::canceled`, `errc::deadline_exceeded`) or
/// leaves whole (`errc::canceled_sent`, `errc::deadline_exceeded_sent`). Asio's per-operation cancellation does the
/// same. Only `close`, `start_close`, `close_now`, the peer, a protocol error, and the time-outs for a dead peer end
/// a connection. After that every operation fails with the same error.
///
/// The connection must be read for control frames to be answered, unless `close_read` was called. Destroying the
/// handle of an open connection is `close_now`; if a close is under way, it goes on in the background.
///
/// A moved-from handle may only be destroyed or assigned to.
class COAX_EXPORT conn {
 public:
  /// A handle without a connection.
  conn() noexcept;
  /// For the library.
  explicit conn(std::shared_ptr<detail::connection> c) noexcept;
  /// Takes the connection of another handle over.
  conn(conn&&) noexcept;
  /// The same; a connection that this handle had ends as it does when the handle is destroyed.
  conn& operator=(conn&&) noexcept;
  ~conn();

  /// Whether this handle has a connection, open or not.
  explicit operator bool() const noexcept { return connection_ != nullptr; }

  /// Reads the next message whole.
  ///
  /// Control frames are handled inside. Text is valid UTF-8. The message owns its bytes.
  ///
  /// @throws close_error   the peer closed (status and reason inside), or the transport ended (`status::abnormal`).
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded`; `errc::message_too_big`, `errc::invalid_utf8`,
  ///                       `errc::protocol_error` after closing with the fitting status; `errc::peer_timeout`;
  ///                       `errc::concurrent_read` if another read is in progress, which is left undisturbed.
  task<message> read(context ctx = {});

  /// As `read`, but nothing after a clean close with 1000 or 1001: `while (auto m = co_await c.next())`.
  task<std::optional<message>> next(context ctx = {});

  /// As `read`, with the error as a value; `closed()` tells the status of a close.
  task<result<message>> try_read(context ctx = {});

  /// Takes a message that has already arrived, without waiting and without a coroutine; nothing if there is none or a
  /// read is in progress. As `read` it drops the rest of a message that was being read in parts. From the connection's
  /// executor only.
  std::optional<message> try_next();
  /// The same into a message whose memory is used again, for a loop without any allocation: whether there was one; if
  /// not, `into` is empty.
  bool try_next(message& into);

  /// Begins to read a message in parts, as they arrive; completes when the first of it is there. What is left unread of
  /// a message is dropped by the next `read` or `reader`. See `message_reader` (<coax/message_stream.hpp>).
  /// @throws as `read`; a stopped one loses nothing.
  task<message_reader> reader(context ctx = {});

  /// Sends `bytes` as one message in one frame.
  ///
  /// Completes when the message is in the send queue or in the socket; above `send_queue_limit` bytes queued it waits
  /// (backpressure), and a message over 16 KiB is sent from the caller's memory before it completes. `bytes` must
  /// stay valid until then (called from another executor, a copy is sent). Several writes of one turn of the executor
  /// leave in one system call, at the latest when the turn ends. Who writes without ever having to wait lets others
  /// have their turn now and then.
  ///
  /// @throws close_error   the connection has ended, or is closing.
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded` (nothing sent); `errc::canceled_sent`,
  ///                       `errc::deadline_exceeded_sent` (will be sent whole); see `was_sent`.
  task<> write(message_kind kind, asio::const_buffer bytes, context ctx = {});
  /// Sends the concatenation of `pieces` as one message in one frame.
  task<> write(message_kind kind, std::span<const asio::const_buffer> pieces, context ctx = {});
  /// The same, with a word on compression for this message alone.
  task<> write(message_kind kind, asio::const_buffer bytes, compression how, context ctx = {});
  /// The same for pieces.
  task<> write(message_kind kind, std::span<const asio::const_buffer> pieces, compression how, context ctx = {});
  /// Sends text, which must be UTF-8; debug builds check (`std::invalid_argument`).
  task<> write_text(std::string_view text, context ctx = {});
  /// Sends binary data, which may be any bytes. As `write`.
  task<> write_binary(std::span<const std::byte> bytes, context ctx = {});
  /// As `write`, with the error as a value.
  task<result<void>> try_write(message_kind kind, asio::const_buffer bytes, context ctx = {});
  /// Sends a message without waiting and without a coroutine, if that is possible. False if not, and then nothing is
  /// sent: the send queue has no room, the message is over 16 KiB, or the connection is closing or has ended; `write`
  /// waits, or tells. From the connection's executor only.
  bool try_send(message_kind kind, asio::const_buffer bytes);
  /// Sends a message that was framed before; see `prepared_message` (<coax/prepared_message.hpp>).
  task<> write(const prepared_message& m, context ctx = {});

  /// Begins to write a message in parts; completes when it is its turn. Until the writer has finished, all other
  /// messages wait, control frames do not. See `message_writer` (<coax/message_stream.hpp>).
  /// @throws as `write`; a stopped one has begun nothing.
  task<message_writer> writer(message_kind kind, context ctx = {});
  /// The same, with a word on compression for this message alone.
  task<message_writer> writer(message_kind kind, compression how, context ctx = {});

  /// Bytes that are encoded and not yet taken by the transport. From any thread.
  std::size_t buffered_amount() const noexcept;
  /// Until the transport has taken all that was written. @throws as `write`.
  task<> drained(context ctx = {});
  /// Holds back what is written until the guard goes, 64 KiB are queued, or a ping or pong has to leave: for a batch
  /// that takes several turns of the executor (what one turn writes leaves together anyway).
  [[nodiscard]] output_hold hold();

  /// Sends a ping and waits for its pong; returns the round trip time. Many may be outstanding. If nobody reads, it
  /// reads by itself until the next message, which it leaves for the next `read`. RFC 6455 section 5.5.2.
  /// @throws as `read`.
  task<std::chrono::nanoseconds> ping(context ctx = {});

  /// Closes: sends the close frame behind what is queued, waits for the peer's reply (reading and discarding if
  /// nobody reads), and takes the transport down. Bounded by `close_timeout` twice. Does not throw for how the peer
  /// behaves: `closed()` tells whether it was clean. A second call waits for the first. Stopping `ctx` ends only the
  /// wait; the close goes on in the background.
  ///
  /// @throws std::invalid_argument  a status that may not be sent, or a reason over 123 bytes or not UTF-8: nothing
  ///                                was sent and the connection is untouched.
  /// @throws system_error           `errc::canceled`, `errc::deadline_exceeded`.
  task<> close(coax::status code = coax::status::normal, std::string_view reason = {}, context ctx = {});

  /// Begins `close` and returns; for destructors, catch blocks, and coroutines that have been cancelled, in which
  /// every further `co_await` throws. From any thread. @throws std::invalid_argument as `close`.
  void start_close(coax::status code = coax::status::normal, std::string_view reason = {});

  /// Ends the connection at once, without a close frame. Pending operations fail with `errc::closed`. From any thread.
  void close_now();

  /// From now on answers control frames by itself and refuses data messages with 1008, for an end that only sends.
  /// The token is stopped when the connection ends or `ctx` stops. Idempotent. From any thread.
  std::stop_token close_read(context ctx = {});

  /// Stopped when the connection has ended, for whatever reason. Its callbacks run on the connection's executor.
  std::stop_token done() const;

  /// How the connection ended; `close_initiator::none` as long as it has not. From any thread.
  close_info closed() const;

  /// Changes the limit of `conn_options::read_limit` from the next frame on, within a compressed one at once. From any
  /// thread.
  void read_limit(std::size_t bytes);

  /// The subprotocol that was agreed on, or empty.
  std::string_view subprotocol() const noexcept;
  /// "127.0.0.1:8080", "[::1]:8080", or the path of a unix socket.
  std::string local_endpoint() const;
  /// Of the peer, in the same form; after `dial` through a proxy, that of the proxy.
  std::string remote_endpoint() const;
  /// Whether permessage-deflate was agreed on.
  bool deflates() const noexcept;
  /// Whether the connection runs over TLS.
  bool secure() const noexcept;
  /// A snapshot; exact when taken on the connection's executor.
  conn_stats stats() const;
  /// The executor that the connection lives on.
  asio::any_io_executor get_executor() const;

 private:
  friend class detail::byte_stream_core;
  friend struct detail::peer_socket;

  std::shared_ptr<detail::connection> connection_;
};

/// Holds back the output of a connection; see `conn::hold`.
class COAX_EXPORT output_hold {
 public:
  /// For the library; see `conn::hold`.
  explicit output_hold(std::shared_ptr<detail::connection> c);
  /// Takes the part of another guard over, which then holds nothing.
  output_hold(output_hold&&) noexcept = default;
  output_hold& operator=(output_hold&&) = delete;
  ~output_hold();

 private:
  std::shared_ptr<detail::connection> connection_;
};

}  // namespace coax
