/// @file
/// One HTTP request and its answer, as a handler sees it.
///
///     coax::task<> greet(coax::exchange& x, coax::context) {
///       co_await x.respond(200, "text/plain", "hello " + std::string(x.param("name")) + "\n");
///     }
#pragma once

#include <coax/context.hpp>
#include <coax/detail/export.hpp>
#include <coax/response.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coax {

namespace detail {
class exchange_state;
}

/// A request, and the means to answer it once: with `respond`, with `start`, `send`, `finish`, or with `coax::accept`
/// or `coax::sse::accept`, which make a WebSocket or a stream of events of it.
///
/// It belongs to the connection's executor and to the handler: one operation at a time, and valid until the handler
/// returns. Views stay valid as long.
///
/// A handler that returns without an answer has the server answer 500; one that throws as well, or, if its answer had
/// begun, the connection is cut. `errc::body_too_large` and the like of `body()` may be let through: they become 413,
/// 408 or 400.
class COAX_EXPORT exchange {
 public:
  /// For the library.
  explicit exchange(std::unique_ptr<detail::exchange_state> state) noexcept;
  /// For the library.
  exchange(exchange&&) noexcept;
  /// For the library.
  exchange& operator=(exchange&&) noexcept;
  ~exchange();

  /// "GET"; in the case of the client.
  std::string_view method() const noexcept;
  /// As it was sent: "/rooms/a%20b?since=5".
  std::string_view target() const noexcept;
  /// Decoded, with dot segments resolved: "/rooms/a b".
  std::string_view path() const noexcept;
  /// The value of the first `name=value` in the query, decoded; nothing if there is none.
  std::optional<std::string> query(std::string_view name) const;
  /// What stood for `:name` or `*name` of the route, decoded; it may contain a slash that was sent as "%2F".
  /// @throws std::out_of_range the route has no such parameter.
  std::string_view param(std::string_view name) const;
  /// The value of the first header field of that name, empty if there is none.
  std::string_view header(std::string_view name) const noexcept;
  /// A copy of all header fields, in their order.
  coax::headers headers() const;
  /// 11 for HTTP/1.1, 10 for HTTP/1.0.
  unsigned http_version() const noexcept;

  /// "127.0.0.1:8080", "[::1]:8080", or the path of a unix socket (often empty).
  std::string local_endpoint() const;
  /// Of the client or of the proxy in front of it, in the same form; see `client_address`.
  std::string remote_endpoint() const;
  /// Whether the request came over TLS.
  bool secure() const noexcept;
  /// The IP address of the client, without a port: that of the peer, or, when the peer is one of
  /// `server_options::trusted_proxies`, what it tells; the path of a unix socket if that is all there is.
  std::string client_address() const;
  /// "https" if the client came over TLS, as far as that or its proxies tell; otherwise "http".
  std::string_view scheme() const;
  /// The executor of the connection, on which the handler runs.
  asio::any_io_executor get_executor() const;

  /// Reads the body whole; once. Asks for it when the client waits for "100 Continue". Stopping `ctx` loses nothing:
  /// the next call goes on.
  ///
  /// @throws system_error  `errc::body_too_large`, `errc::bad_request` (a malformed or truncated body),
  ///                       `errc::deadline_exceeded` (also when the body is late, `server_options::body_timeout`),
  ///                       `errc::canceled`, or the error of the transport.
  /// @throws std::logic_error  the body was read already, or another call is reading it.
  task<std::string> body(context ctx = {});

  /// Answers. Completes when the transport has taken all of it; a client that does
  /// not take 256 KiB of it, or its rest, in `server_options::write_stall_timeout` is cut.
  /// Stopping `ctx` in mid-answer cuts the connection when the handler returns.
  ///
  /// @throws system_error      `errc::canceled`, `errc::deadline_exceeded`, `errc::write_stalled`, or the error of the
  ///                           transport.
  /// @throws std::logic_error  there is an answer already.
  /// @throws std::invalid_argument  a status outside 200-599, or a field that only the server may set
  ///                           (`Transfer-Encoding`).
  task<> respond(response answer, context ctx = {});
  /// The same for an answer without further fields.
  /// @throws std::invalid_argument also for a `content_type` that is no header value.
  task<> respond(unsigned status, std::string content_type, std::string body, context ctx = {});

  /// Begins an answer of unknown length: sends the head now (and the body of `head`, if any, as the first chunk). It
  /// is chunked, or ends with the connection for an HTTP/1.0 client, or has the length that a `Content-Length` in
  /// `head` announces. @throws as `respond`.
  task<> start(response head, context ctx = {});
  /// Sends a piece; `chunk` must stay valid until completion. Waits while the client is slow (backpressure).
  /// @throws as `respond`; std::logic_error also for a piece beyond the announced length.
  task<> send(std::string_view chunk, context ctx = {});
  /// Ends the answer that `start` began; the server does it when the handler returns. @throws as `send`.
  task<> finish(context ctx = {});

  /// Whether there is an answer, finished or not.
  bool answered() const noexcept;

  /// For the library.
  detail::exchange_state& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<detail::exchange_state> state_;
};

/// What serves a route. The context is stopped when the client goes away (or has said its end), when the WebSocket
/// that the handler has accepted ends, and when the server drains. Operations of `x` need not be given it: an answer
/// may be finished while the server drains.
using request_handler = std::function<task<>(exchange& x, context ctx)>;

}  // namespace coax
