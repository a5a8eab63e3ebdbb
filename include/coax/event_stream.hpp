/// @file
/// Server-sent events, on the side of the server (WHATWG HTML, section 9.2).
///
///     coax::task<> ticks(coax::exchange& x, coax::context ctx) {
///       auto s = co_await coax::sse::accept(x, coax::sse::stream_options().retry(2s), ctx);
///       for (int i = 0;; ++i) co_await s.send(coax::sse::event(next_tick()).id(std::to_string(i)), ctx);
///     }
#pragma once

#include <coax/detail/export.hpp>
#include <coax/detail/foreign_request.hpp>
#include <coax/exchange.hpp>
#include <coax/handshake_error.hpp>
#include <coax/sse_event.hpp>

#include <chrono>
#include <stop_token>

namespace coax {

namespace detail {
class event_connection;
}

namespace sse {

struct cors_policy;
struct stream_access;

/// Options of `accept`.
class COAX_EXPORT stream_options {
 public:
  stream_options() = default;

  /// Sends a comment when nothing else was sent for that long, so that proxies keep the connection and a client that
  /// has vanished is noticed; with a jitter of 10 %, default 15 s. Zero turns it off.
  stream_options& heartbeat(std::chrono::nanoseconds d) { return heartbeat_ = d, *this; }
  /// Tells the client, before anything else, how long to wait before it comes back. Default: the client decides.
  stream_options& retry(std::chrono::milliseconds after) { return retry_ = after, *this; }
  /// How long the client may take no byte while we have some to send, default 30 s.
  stream_options& write_stall_timeout(std::chrono::nanoseconds d) { return write_stall_ = d, *this; }
  /// How long `close` waits, for the send queue and then for the client's end; default 5 s each.
  stream_options& close_timeout(std::chrono::nanoseconds d) { return close_timeout_ = d, *this; }
  /// Bytes that may be queued before `send` waits, default 1 MiB.
  stream_options& send_queue_limit(std::size_t bytes) { return send_queue_limit_ = bytes, *this; }
  /// A further field of the answer. @throws std::invalid_argument see `headers::add`; a field that `accept` sets.
  stream_options& header(std::string_view name, std::string_view value);

  /// Adds origins whose pages may read the stream besides those of the server's own host: a glob for host[:port], or
  /// for scheme://host[:port], as for `accept_options::origin_pattern`. From then on a request of any other origin is
  /// refused (403), and `accept` answers a browser's OPTIONS request (CORS preflight): give the route both methods.
  /// @throws std::invalid_argument a malformed pattern.
  stream_options& allow_origin(std::string pattern);
  /// The same for several.
  stream_options& allow_origins(std::vector<std::string> patterns);
  /// Lets these pages send cookies along (`withCredentials`).
  /// @throws std::invalid_argument here or there, if a pattern allows every host.
  stream_options& allow_credentials(bool on);

  /// Compresses for clients that take gzip, with a flush behind each batch. Not for a stream that carries secrets
  /// beside what others have a say in: sizes tell.
  stream_options& gzip(bool on) { return gzip_ = on, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  std::chrono::nanoseconds heartbeat() const noexcept { return heartbeat_; }
  std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }
  std::chrono::nanoseconds write_stall_timeout() const noexcept { return write_stall_; }
  std::chrono::nanoseconds close_timeout() const noexcept { return close_timeout_; }
  std::size_t send_queue_limit() const noexcept { return send_queue_limit_; }
  const coax::headers& headers() const noexcept { return fields_; }
  /// Null unless there are any origins.
  const cors_policy* cors() const noexcept;
  bool gzip() const noexcept { return gzip_; }
  /// @}

 private:
  cors_policy& change();

  std::chrono::nanoseconds heartbeat_ = std::chrono::seconds(15);
  std::chrono::nanoseconds write_stall_ = std::chrono::seconds(30);
  std::chrono::nanoseconds close_timeout_ = std::chrono::seconds(5);
  std::size_t send_queue_limit_ = 1024 * 1024;
  std::optional<std::chrono::milliseconds> retry_;
  coax::headers fields_;
  std::shared_ptr<cors_policy> cors_;  // shared by copies, copied when one of them changes
  bool gzip_ = false;
};

/// The server's end of a stream of events: a movable handle, made by `accept`.
///
/// Any number of coroutines on any threads may send. Events never interleave and leave in the order of the calls;
/// those of one turn of the executor leave in one write when it ends. Each operation runs on the stream's executor and
/// resumes on the caller's.
///
/// Stopping the context of a send ends that send, never the stream: it has sent nothing then. Asio's per-operation
/// cancellation does the same. Only `close`, `start_close`, `close_now`, the client and the time-outs end a stream;
/// after that every send fails with the same error. While the server drains, streams end as by `start_close`.
///
/// Destroying the handle of an open stream is `close_now`; if a close is under way, it goes on in the background.
/// A moved-from handle may only be destroyed or assigned to.
class COAX_EXPORT event_stream {
 public:
  /// A handle without a stream.
  event_stream() noexcept;
  /// For the library.
  explicit event_stream(std::shared_ptr<coax::detail::event_connection> c) noexcept;
  /// Takes the stream of another handle over.
  event_stream(event_stream&&) noexcept;
  /// The same; a stream that this handle had ends as it does when the handle is destroyed.
  event_stream& operator=(event_stream&&) noexcept;
  ~event_stream();

  /// Whether this handle has a stream, open or not.
  explicit operator bool() const noexcept { return connection_ != nullptr; }

  /// Sends an event, which must stay valid until completion.
  ///
  /// Completes when it is in the send queue or in the socket; above `send_queue_limit` bytes queued it waits
  /// (backpressure). Who sends without ever having to wait lets others have their turn now and then. An event with
  /// neither data nor id is nothing.
  ///
  /// @throws system_error  `errc::closed` the stream has ended or is closing; `errc::write_stalled` it has ended,
  ///                       because the client took nothing; `errc::canceled`, `errc::deadline_exceeded`: nothing was
  ///                       sent.
  task<> send(const event& e, context ctx = {});
  /// As `send`, with the error as a value.
  task<result<void>> try_send(const event& e, context ctx = {});
  /// Sends a comment, which no listener hears. Each line of `text`, which must stay valid until completion, is one of
  /// its own. @throws as `send`.
  task<> comment(std::string_view text, context ctx = {});
  /// Tells the client how long to wait before it comes back, from now on. @throws as `send`.
  task<> retry(std::chrono::milliseconds after, context ctx = {});

  /// Bytes that are encoded and not yet taken by the transport. From any thread.
  std::size_t buffered_amount() const noexcept;

  /// The id that the client has seen last: its `Last-Event-ID`, or `lastEventId` of the query, for a page that resumes
  /// what another connection has begun. Empty if it comes for the first time.
  const std::string& last_event_id() const noexcept;

  /// Ends the stream behind what is queued, so that the client can tell it from one that broke off; it will come back
  /// all the same, unless it then gets 204 for an answer. Waits until the client has taken all and the connection is
  /// closed, bounded by `close_timeout` twice. `retry`: when it is to come back, sent last. A second call waits for the
  /// first. Stopping `ctx` ends only the wait; the close goes on in the background.
  ///
  /// @throws system_error  `errc::canceled`, `errc::deadline_exceeded`.
  task<> close(std::optional<std::chrono::milliseconds> retry = std::nullopt, context ctx = {});
  /// Begins `close` and returns; for destructors, catch blocks, and coroutines that have been cancelled, in which
  /// every further `co_await` throws. From any thread.
  void start_close(std::optional<std::chrono::milliseconds> retry = std::nullopt);
  /// Ends the connection at once. Pending operations fail with `errc::closed`. From any thread.
  void close_now();

  /// Stopped when the stream has ended, for whatever reason: above all when the client has gone. Its callbacks run on
  /// the stream's executor.
  std::stop_token done() const;
  /// How the stream ended: nothing as long as it has not. No error: all has left, the end too. `asio::error::eof`: the
  /// client has gone. `errc::closed`: `close_now`. `errc::write_stalled`, `errc::unexpected_data` (a client that would
  /// not stop sending), or the error of the transport. From any thread.
  std::optional<error_code> ended() const;

  /// Whether the stream is compressed.
  bool compresses() const noexcept;
  /// "127.0.0.1:8080", "[::1]:8080", or the path of a unix socket.
  std::string local_endpoint() const;
  /// Of the client, in the same form.
  std::string remote_endpoint() const;
  /// The executor that the stream lives on: that of its connection.
  asio::any_io_executor get_executor() const;

 private:
  friend struct stream_access;

  std::shared_ptr<coax::detail::event_connection> connection_;
};

/// Answers a request with a stream of events, and takes its connection over.
///
/// Answered here, and ended with a `handshake_error`, are HEAD (with the head of the answer), OPTIONS (204), a request
/// whose `Accept` excludes `text/event-stream` (406), one of a page that may not read the stream (403), and a malformed
/// one (400). Over HTTP/1.1 the stream is chunked, over HTTP/1.0 it ends with the connection.
///
/// @throws handshake_error   there is no stream, and the client has its answer; a handler may let it through.
/// @throws system_error      `errc::canceled`, `errc::deadline_exceeded`, or the error of the transport: once the
///                           answer has begun to leave, the connection is cut.
/// @throws std::logic_error  the exchange has an answer already.
COAX_EXPORT task<event_stream> accept(exchange& x, stream_options options = {}, context ctx = {});

}  // namespace sse

namespace detail {

COAX_EXPORT task<sse::event_stream> accept_foreign(std::shared_ptr<transport> t, foreign_request request,
                                                   sse::stream_options options, context ctx);

}  // namespace detail

namespace sse {

/// The same for a request that a server on Boost.Beast has read: `request` is a `beast::http::request` (or has its
/// `method_string()`, `target()`, `version()` and its iteration over fields), `stream` the connection it came on (any
/// stream that `make_transport` takes), and `already_read` what the buffer of the read still holds. From the executor
/// of the stream. A request that is refused has its answer, and the stream is closed.
///
///     auto s = co_await coax::sse::accept(std::move(stream), request, buffer.data());
template <class AsyncStream, coax::detail::beast_request Request, class ConstBuffers>
task<event_stream> accept(AsyncStream stream, const Request& request, const ConstBuffers& already_read,
                          stream_options options = {}, context ctx = {}) {
  return coax::detail::accept_foreign(make_transport(std::move(stream)), coax::detail::describe(request, already_read),
                                      std::move(options), std::move(ctx));
}

}  // namespace sse
}  // namespace coax
