/// @file
/// A WebSocket as a stream of bytes, for everything that runs over Asio streams.
///
///     coax::byte_stream s(co_await coax::dial("wss://gate.example.com/db"));
///     s.expires_after(30s);
///     const auto n = co_await asio::async_read_until(s, buffer, '\n', asio::use_awaitable);
#pragma once

#include <coax/conn.hpp>
#include <coax/detail/export.hpp>
#include <coax/detail/stream_operation.hpp>

#include <array>
#include <chrono>

namespace boost::beast {
enum class role_type;
}

namespace coax {

namespace detail {

class byte_stream_core;

/// The first pieces of a buffer sequence, with the executor's side of an operation.
struct stream_pieces {
  static constexpr std::size_t most = 8;

  template <class Buffer, class Sequence>
  static stream_pieces of(const Sequence& buffers) {
    stream_pieces p;
    auto i = asio::buffer_sequence_begin(buffers);
    for (const auto end = asio::buffer_sequence_end(buffers); i != end && p.count != most; ++i) {
      const Buffer b(*i);
      if (b.size() != 0) p.list[p.count++] = {const_cast<void*>(static_cast<const void*>(b.data())), b.size()};
    }
    return p;
  }

  std::array<asio::mutable_buffer, most> list{};
  std::size_t count = 0;
};

COAX_EXPORT void start_read(const std::shared_ptr<byte_stream_core>& core, const stream_pieces& to,
                            stream_operation_ptr op);
COAX_EXPORT void start_write(const std::shared_ptr<byte_stream_core>& core, const stream_pieces& from,
                             stream_operation_ptr op);
COAX_EXPORT void start_shutdown(const std::shared_ptr<byte_stream_core>& core, stream_operation_ptr op);

}  // namespace detail

/// Options of `byte_stream`.
class COAX_EXPORT byte_stream_options {
 public:
  byte_stream_options() = default;

  /// What is sent, and what the peer must send: binary by default. Text must be UTF-8: characters that are written in
  /// pieces are sent whole, and other bytes fail with `errc::invalid_utf8`.
  byte_stream_options& kind(message_kind k) { return kind_ = k, *this; }
  /// The largest message that is sent, default 32 KiB: what a peer takes that has set no limit of its own.
  /// @throws std::invalid_argument  less than 4 bytes, the longest character.
  byte_stream_options& max_message(std::size_t bytes);

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  message_kind kind() const noexcept { return kind_; }
  std::size_t max_message() const noexcept { return max_message_; }
  /// @}

 private:
  std::size_t max_message_ = 32 * 1024;
  message_kind kind_ = message_kind::binary;
};

/// A connection as an AsyncReadStream and AsyncWriteStream of Asio, for any completion token: `asio::async_read_until`,
/// `asio::ssl::stream<coax::byte_stream>`, Beast's HTTP and WebSocket, `coax::pipe` work over it unchanged.
///
/// A read gets what has come, of any number of messages or of part of one, and never 0 bytes. A write sends one
/// message, at most `max_message` bytes. The read limit of the connection is taken off, for nothing is collected here.
///
/// The end: when the peer closes with 1000 or 1001, reads end with `asio::error::eof`, now and ever after. Any other
/// end is an error: that of the transport, or `errc::closed` (`connection().closed()` has the status). A message of
/// the wrong kind closes with 1003 and fails with `errc::invalid_data`.
///
/// Half-close: `close_write` sends a close frame with status 1000 and the reason "half-close", and reads go on. A peer
/// that is a `byte_stream` as well gets `eof`, and answers the close only when it has written all it wants to. For any
/// other peer it is an ordinary close: what it has sent until then can still be read (docs/byte-streams.md).
///
/// One read and one write may be in progress at a time. The stream belongs to the executor of the connection, and the
/// members may be called from anywhere; handlers are called on their associated executors, by default the stream's.
/// Cancelling an operation (`total`, `partial` and `terminal` alike), or its time running out, loses no byte: a write
/// that could not be taken back is completed as done. A destroyed stream is `close_now`, unless it has been closed.
///
/// A moved-from stream may only be destroyed or assigned to.
class COAX_EXPORT byte_stream {
 public:
  /// That of the connection.
  using executor_type = asio::any_io_executor;
  /// What Asio and Beast look for at the bottom of a stack of streams.
  using lowest_layer_type = byte_stream;
  /// The clock of `expires_at`.
  using clock = context::clock;

  /// Takes the connection over: nobody else may read from it. @throws std::invalid_argument  a handle without one.
  explicit byte_stream(conn c, byte_stream_options options = {});
  /// The same, with a word on the kind of messages alone.
  byte_stream(conn c, message_kind kind) : byte_stream(std::move(c), byte_stream_options().kind(kind)) {}
  /// Takes the stream of another one over.
  byte_stream(byte_stream&&) noexcept;
  /// The same; a stream that this one had ends as it does when it is destroyed.
  byte_stream& operator=(byte_stream&&) noexcept;
  ~byte_stream();

  /// The executor of the connection, on which handlers without one of their own are called.
  executor_type get_executor() const noexcept { return executor_; }
  /// The stream itself: there is nothing below it that Asio or Beast could use.
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  /// The same for a stream that is const.
  const lowest_layer_type& lowest_layer() const noexcept { return *this; }

  /// Reads at least one byte, if there is room for one. Handler: `void(error_code, std::size_t)`.
  ///
  /// Fails with `asio::error::operation_aborted` when cancelled, `errc::deadline_exceeded` (`std::errc::timed_out`),
  /// `errc::concurrent_read`, or as the class says.
  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& to, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, byte_stream* self, const detail::stream_pieces& pieces) {
          detail::start_read(self->core_, pieces,
                             detail::erase_handler<std::size_t>(std::move(handler), self->executor_));
        },
        token, this, detail::stream_pieces::of<asio::mutable_buffer>(to));
  }

  /// Writes up to `max_message` bytes as one message; nothing for an empty buffer. Handler:
  /// `void(error_code, std::size_t)`. Completes, and fails, as `conn::write` and the class say.
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& from, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, byte_stream* self, const detail::stream_pieces& pieces) {
          detail::start_write(self->core_, pieces,
                              detail::erase_handler<std::size_t>(std::move(handler), self->executor_));
        },
        token, this, detail::stream_pieces::of<asio::const_buffer>(from));
  }

  /// Closes with 1000 and waits until the connection has ended, as `conn::close`. Handler: `void(error_code)`; no
  /// error if both close frames were exchanged. Cancelling ends only the wait.
  template <class Token>
  auto async_shutdown(Token&& token) {
    return asio::async_initiate<Token, void(error_code)>(
        [](auto handler, byte_stream* self) {
          detail::start_shutdown(self->core_, detail::erase_handler(std::move(handler), self->executor_));
        },
        token, this);
  }

  /// Says the end of what is written, behind all that has been. Reads go on.
  void close_write();
  /// Begins to close in the background, as `conn::start_close`; operations end with `asio::error::operation_aborted`.
  void close(status code = status::normal, std::string_view reason = {});
  /// Ends the connection at once, and operations with `asio::error::operation_aborted`.
  void close_now();

  /// Fails operations that are in progress in `d` from now, and those that begin later than that, with
  /// `errc::deadline_exceeded`, until another time is set. The stream itself survives, and goes on without a lost byte.
  void expires_after(std::chrono::nanoseconds d);
  /// The same with a point in time.
  void expires_at(clock::time_point at);
  /// Takes the time limit off; the default.
  void expires_never();

  /// For what is no reading or writing: `closed`, `ping`, `stats`, `subprotocol`.
  const conn& connection() const noexcept;
  /// The same, for what is no const member: `ping`.
  conn& connection() noexcept;
  /// As `conn::local_endpoint`.
  std::string local_endpoint() const { return connection().local_endpoint(); }
  /// As `conn::remote_endpoint`.
  std::string remote_endpoint() const { return connection().remote_endpoint(); }

 private:
  std::shared_ptr<detail::byte_stream_core> core_;
  executor_type executor_;
};

/// Beast's customisation points, so that `beast::websocket::stream<byte_stream>` can end its lower layer.
COAX_EXPORT void beast_close_socket(byte_stream& s);
/// For `beast::websocket::stream::close` and its like without a coroutine: begins to close, as `byte_stream::close`.
COAX_EXPORT void teardown(boost::beast::role_type role, byte_stream& s, error_code& ec);
/// The same with a completion handler, and the end is waited for: `byte_stream::async_shutdown`.
template <class Handler>
void async_teardown(boost::beast::role_type, byte_stream& s, Handler&& handler) {
  s.async_shutdown(std::forward<Handler>(handler));
}

}  // namespace coax
