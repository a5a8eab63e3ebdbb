/// @file
/// The client's way to a WebSocket.
///
///     coax::conn c = co_await coax::dial("wss://example.com/chat", coax::dial_options().subprotocol("chat.v1"));
#pragma once

#include <coax/conn.hpp>
#include <coax/connect_options.hpp>
#include <coax/detail/export.hpp>
#include <coax/handshake_error.hpp>
#include <coax/proxy_error.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coax {

/// Options of `dial`; with those of `conn_options` and of `connect_options`.
class COAX_EXPORT dial_options : public conn_options<dial_options>, public connect_options<dial_options> {
 public:
  /// No subprotocol, no compression, the system's authorities, the environment's proxy.
  dial_options() : connect_options("dial") {}

  /// A further field of the request, as a cookie or a token. @throws std::invalid_argument see `headers::add`; or a
  /// field that belongs to the handshake itself (Upgrade, Connection, Content-Length, Sec-WebSocket-Key and the like).
  dial_options& header(std::string_view name, std::string_view value);

  /// Adds a subprotocol to offer; the best first. `conn::subprotocol` tells which one the server chose.
  /// @throws std::invalid_argument a name that is not a token, or is there already.
  dial_options& subprotocol(std::string name);
  /// The same for several, in this order.
  dial_options& subprotocols(std::vector<std::string> names);

  /// What has been added.
  const std::vector<std::string>& subprotocols() const noexcept { return subprotocols_; }

 private:
  std::vector<std::string> subprotocols_;
};

/// Connects to a WebSocket server and shakes hands (RFC 6455 section 4.1).
///
/// The URL is ws://, wss://, or http:// and https:// for the same; user and password in it become Basic authorization.
/// `ws+unix:///path/to.sock:/request/target` goes to a Unix socket: the path of the socket ends at the first colon,
/// and without one the request is for "/".
///
/// The addresses of a name are tried as RFC 8305 says: both families in turn, the next one when an attempt has failed
/// or after 250 ms, and the first that succeeds is taken.
///
/// Redirects are followed to ws, wss, http and https, but not from TLS to plain text. Fields that `header` has added go
/// along; secrets do not leave their origin (scheme, host and port; ws at port 80 may become wss at port 443): the
/// credentials of the URL, the fields Authorization and Cookie, and a replaced Host stay behind, for good. See
/// docs/dial.md.
///
/// The connection lives on the executor of the calling coroutine: that of an io_context run by one thread, or a
/// strand. Stopping `ctx` ends the attempt and closes the socket, as every failure does.
///
/// @throws handshake_error  the server answered something else than a correct 101, or with a redirect that cannot be
///                          followed or is one too many; the response is inside, with the
///                          first 1024 bytes of its body as far as they come within 3 s.
/// @throws proxy_error      the proxy refused, or gave no proper answer.
/// @throws system_error     `errc::bad_url`; `errc::handshake_timeout`; `errc::canceled`, `errc::deadline_exceeded`;
///                          the error of resolving, connecting, or TLS (whose text says why a certificate failed).
COAX_EXPORT task<conn> dial(std::string url, dial_options options = {}, context ctx = {});

}  // namespace coax
