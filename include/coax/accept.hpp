/// @file
/// From an HTTP request to a WebSocket, on the side of the server.
///
///     coax::conn c = co_await coax::accept(x, coax::accept_options().subprotocol("chat"));
#pragma once

#include <coax/conn.hpp>
#include <coax/detail/export.hpp>
#include <coax/detail/foreign_request.hpp>
#include <coax/exchange.hpp>
#include <coax/handshake_error.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace coax {

namespace protocol {
struct accept_policy;
}

/// Decides on a WebSocket request that is correct in every other respect: nothing to accept it, or the answer that
/// refuses it. What it throws refuses with 500. The context is that of `accept` with the handshake's deadline.
using authorize_hook = std::function<task<std::optional<response>>(exchange& x, context ctx)>;

/// Options of `accept`; with those of `conn_options`.
class COAX_EXPORT accept_options : public conn_options<accept_options> {
 public:
  /// Pages of the server's own host and programs may come in, without a subprotocol, without compression.
  accept_options();

  /// Adds a subprotocol that the server speaks; the best first. The first that the client offers too is chosen.
  /// @throws std::invalid_argument a name that is not a token.
  accept_options& subprotocol(std::string name);
  /// The same for several, in this order.
  accept_options& subprotocols(std::vector<std::string> names);
  /// Refuses a client that offers none of them (400). Default: accept it without a subprotocol.
  accept_options& require_subprotocol(bool on);

  /// Adds origins that are welcome besides the server's own host: a glob for host[:port], or for
  /// scheme://host[:port]. `*` stands for any characters but '/'. "null" is for sandboxed pages.
  /// @throws std::invalid_argument a malformed pattern.
  accept_options& origin_pattern(std::string pattern);
  /// The same for several.
  accept_options& origin_patterns(std::vector<std::string> patterns);
  /// Takes requests from every web page: only for endpoints that know their users by other means than cookies.
  accept_options& insecure_skip_origin_check(bool on);

  /// A further field of the 101 response. @throws std::invalid_argument see `headers::add`.
  accept_options& header(std::string_view name, std::string_view value) { return fields_.add(name, value), *this; }
  /// Asked when the request is correct in every other respect; by default everybody may come in.
  accept_options& authorize(authorize_hook hook) { return authorize_ = std::move(hook), *this; }
  /// For the whole of `accept`, `authorize` included; default 10 s.
  accept_options& handshake_timeout(std::chrono::nanoseconds d) { return handshake_timeout_ = d, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const protocol::accept_policy& policy() const noexcept { return *policy_; }
  const coax::headers& headers() const noexcept { return fields_; }
  const authorize_hook& authorize() const noexcept { return authorize_; }
  std::chrono::nanoseconds handshake_timeout() const noexcept { return handshake_timeout_; }
  /// @}

 private:
  protocol::accept_policy& change();

  std::shared_ptr<protocol::accept_policy> policy_;  // shared by copies, copied when one of them changes
  std::vector<std::string> origins_;
  coax::headers fields_;
  authorize_hook authorize_;
  std::chrono::nanoseconds handshake_timeout_ = std::chrono::seconds(10);
};

/// Answers a request with "101 Switching Protocols" and makes a WebSocket of its connection (RFC 6455 section 4.2).
/// Bytes that have arrived behind the request are the first of the WebSocket.
///
/// A request that may not become one is answered here, with the reason as text: 426 it is no WebSocket request, 405 it
/// is not a GET, 400 its fields are wrong, 403 its origin is not allowed, or what `authorize` says.
///
/// @throws handshake_error   the request was refused, and the client has the answer; a handler may let it through.
/// @throws system_error      `errc::handshake_timeout` (answered with 408); `errc::canceled`,
///                           `errc::deadline_exceeded`, or the error of the transport: once the 101 has begun to
///                           leave, the connection is cut.
/// @throws std::logic_error  the exchange has an answer already.
COAX_EXPORT task<conn> accept(exchange& x, accept_options options = {}, context ctx = {});

namespace detail {

COAX_EXPORT task<conn> accept_foreign(std::shared_ptr<transport> t, foreign_request request, accept_options options,
                                      context ctx);

}  // namespace detail

/// The same for a request that a server on Boost.Beast has read: `request` is a `beast::http::request` (or has its
/// `method_string()`, `target()`, `version()` and its iteration over fields), `stream` the connection it came on (any
/// stream that `make_transport` takes), and `already_read` what the buffer of the read still holds. From the executor
/// of the stream. A request that is refused has its answer, and the stream is closed.
///
///     coax::conn c = co_await coax::accept(std::move(stream), request, buffer.data());
template <class AsyncStream, detail::beast_request Request, class ConstBuffers>
task<conn> accept(AsyncStream stream, const Request& request, const ConstBuffers& already_read,
                  accept_options options = {}, context ctx = {}) {
  return detail::accept_foreign(make_transport(std::move(stream)), detail::describe(request, already_read),
                                std::move(options), std::move(ctx));
}

}  // namespace coax
