/// @file
/// Messages in parts, for those that are too large to hold, or that are not there at once.
///
///     auto r = co_await c.reader();
///     while (std::size_t n = co_await r.read_some(coax::asio::buffer(chunk))) hash.update(chunk, n);
///
///     auto w = co_await c.writer(coax::message_kind::binary);
///     while (auto block = file.next()) co_await w.write(*block);
///     co_await w.finish();
#pragma once

#include <coax/conn.hpp>
#include <coax/detail/export.hpp>

#include <optional>

namespace coax {

/// Reads one message in parts; made by `conn::reader`.
///
/// It is the connection's one reader while an operation is in progress. What is left of the message is dropped when
/// the next `read` or `reader` begins; from then on this one throws `std::logic_error`. Bytes of a text message have
/// been checked, as far as they came, but a part may end within a character. `read_limit` holds for the whole message.
/// The reader must stay where it is while an operation is in progress.
class COAX_EXPORT message_reader {
 public:
  /// Takes the message of another reader over, which then is nothing; not while an operation is in progress.
  message_reader(message_reader&&) noexcept = default;
  /// The same; what this one has not read of its message is dropped by the next read.
  message_reader& operator=(message_reader&&) noexcept = default;

  /// Whether the message is text or binary.
  message_kind kind() const noexcept { return kind_; }
  /// Whether the message has been read to its end.
  bool done() const noexcept { return done_; }

  /// Reads what has come, at least one byte, at most `to` holds; 0 when the message is over (or `to` is empty).
  /// Stopping `ctx` loses no byte. `to` is used only within the call.
  /// @throws as `conn::read`.
  task<std::size_t> read_some(asio::mutable_buffer to, context ctx = {});
  /// As `read_some`, with the error as a value.
  task<result<std::size_t>> try_read_some(asio::mutable_buffer to, context ctx = {});

 private:
  friend class conn;
  message_reader(std::shared_ptr<detail::connection> c, std::uint64_t number, message_kind kind) noexcept;

  std::shared_ptr<detail::connection> connection_;
  std::uint64_t number_;
  message_kind kind_;
  bool done_ = false;
};

/// Writes one message in parts; made by `conn::writer`.
///
/// What is written is gathered into fragments of 32 KiB (RFC 6455 section 5.4). One operation at a time: a second one
/// throws `std::logic_error`. A writer that goes without `finish`, when a part of its message has left, leaves a
/// message without an end, which nothing can mend: the connection is closed with 1011. A close that comes meanwhile,
/// ours or the peer's, cuts the message off.
class COAX_EXPORT message_writer {
 public:
  /// Takes the message of another writer over; not while an operation is in progress.
  message_writer(message_writer&&) noexcept = default;
  /// The same; a message that this one had begun and not finished ends as with the destructor.
  message_writer& operator=(message_writer&& other) noexcept;
  ~message_writer();

  /// Adds to the message; completes when the bytes have been copied, and waits as long as the send queue is full.
  /// @throws close_error   the connection has ended, or is closing.
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded` (nothing was added: it may be tried again);
  ///                       `errc::canceled_sent`, `errc::deadline_exceeded_sent` (all of it was added).
  task<> write(asio::const_buffer bytes, context ctx = {});
  /// Adds the concatenation of `pieces`.
  task<> write(std::span<const asio::const_buffer> pieces, context ctx = {});
  /// Sends what has been added, without waiting for more. @throws as `write`.
  task<> flush(context ctx = {});
  /// Ends the message, and with it this writer's turn. @throws as `write`.
  task<> finish(context ctx = {});

 private:
  friend class conn;
  message_writer(std::shared_ptr<detail::connection> c, std::uint64_t number) noexcept;
  void abandon() noexcept;

  std::shared_ptr<detail::connection> connection_;
  std::uint64_t number_;
};

/// The messages of a connection as one stream of bytes, each followed by `separator`; text and binary alike.
///
///     coax::joined_messages lines(c, "\n");
///     while (std::size_t n = co_await lines.read_some(coax::asio::buffer(chunk))) ...
class COAX_EXPORT joined_messages {
 public:
  /// Reads from `c`, which must outlive it.
  explicit joined_messages(conn& c, std::string separator = {});

  /// At least one byte, unless `to` is empty; 0 after a clean close with 1000 or 1001. Stopping `ctx` loses no byte.
  /// @throws as `conn::read`.
  task<std::size_t> read_some(asio::mutable_buffer to, context ctx = {});

 private:
  conn& connection_;
  std::optional<message_reader> reader_;
  std::string separator_;
  std::size_t separator_sent_ = 0;
};

}  // namespace coax
