/// @file
/// The client's way to a WebSocket.
///
///     coax::conn c = co_await coax::dial("wss://example.com/chat", coax::dial_options().subprotocol("chat.v1"));
#pragma once

#include <coax/conn.hpp>
#include <coax/cookie_jar.hpp>
#include <coax/handshake_error.hpp>
#include <coax/headers.hpp>
#include <coax/proxy_error.hpp>
#include <coax/stream_transport.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio {
namespace ip {
class address;
}
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace coax {

/// Finds the addresses of a name, the best first, on the executor of the caller. When the dial gives up, `ctx` stops
/// and the operation of Asio in which the hook waits is cancelled; `dial` returns when the hook has ended.
using resolver_hook = std::function<task<std::vector<asio::ip::address>>(std::string host, context ctx)>;

/// Connects to a host, a name or an address without brackets, on the executor of the caller; ends as a `resolver_hook`.
using connector_hook = std::function<task<std::shared_ptr<transport>>(std::string host, std::uint16_t port, context)>;

namespace detail {

template <class Connect>
task<std::shared_ptr<transport>> connect_by(std::shared_ptr<Connect> connect, std::string host, std::uint16_t port,
                                            context ctx) {
  auto connected = co_await (*connect)(std::move(host), port, std::move(ctx));
  if constexpr (std::is_convertible_v<decltype(connected), std::shared_ptr<transport>>)
    co_return std::move(connected);
  else
    co_return make_transport(std::move(connected));
}

}  // namespace detail

/// Options of `dial`; with those of `conn_options`.
class dial_options : public conn_options<dial_options> {
 public:
  dial_options() = default;

  /// A further field of the request, as a cookie or a token. @throws std::invalid_argument see `headers::add`; or a
  /// field that belongs to the handshake itself (Upgrade, Connection, Content-Length, Sec-WebSocket-Key and the like).
  dial_options& header(std::string_view name, std::string_view value);
  /// The Host field, if it is to differ from the URL's; TLS still verifies the host of the URL.
  /// @throws std::invalid_argument a value that a field must not have.
  dial_options& host(std::string_view value);

  /// Adds a subprotocol to offer; the best first. `conn::subprotocol` tells which one the server chose.
  /// @throws std::invalid_argument a name that is not a token, or is there already.
  dial_options& subprotocol(std::string name);
  dial_options& subprotocols(std::vector<std::string> names);

  /// The TLS configuration for wss and https: client certificates, trusted authorities, versions. The default trusts
  /// what the system trusts, from TLS 1.2 on.
  dial_options& tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return tls_ = std::move(ctx), *this; }
  /// Trusts the authorities in this PEM file instead of the system's. Ignored if there is a `tls` context.
  dial_options& ca_file(std::string path) { return ca_file_ = std::move(path), *this; }
  /// Accepts every certificate for every host, of proxies too: then TLS protects from nobody who can reach the network
  /// between.
  dial_options& insecure_skip_verify(bool on = true) { return skip_verify_ = on, *this; }

  /// The proxy to go through: http://, https:// (both by CONNECT), socks5:// (names are resolved here) or socks5h://
  /// (by the proxy), with user and password if it wants them; `host:port` is http. The ports default to 80, 443 and
  /// 1080. TLS to an https proxy uses the same configuration as to a server, unless there is `proxy_tls`.
  /// @throws std::invalid_argument a URL that is none of these; the text shows no password.
  dial_options& proxy(std::string_view url);
  /// A further field of the CONNECT request. @throws std::invalid_argument as `header`.
  dial_options& proxy_header(std::string_view name, std::string_view value);
  /// The TLS configuration for an https proxy; default that for the server, with its client certificate if it has one.
  dial_options& proxy_tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return proxy_tls_ = std::move(ctx), *this; }
  /// Without `proxy` and `connector`, whether the variables HTTPS_PROXY (for wss), HTTP_PROXY (for ws), ALL_PROXY and
  /// NO_PROXY say which proxy to use; on by default (docs/dial.md says how they are read).
  dial_options& proxy_from_environment(bool on) { return environment_ = on, *this; }

  /// Resolves names in the place of the system.
  dial_options& resolver(resolver_hook hook) { return resolver_ = std::move(hook), *this; }
  /// Connects in the place of `dial`: to the server, or to the proxy. A callable `(std::string host, std::uint16_t
  /// port, context)` that returns a task of a transport (as shared_ptr) or of any Asio stream (see `make_transport`) on
  /// the executor of the calling coroutine. TLS comes on top. What it throws ends the dial.
  template <class Connect>
  requires std::invocable<Connect&, std::string, std::uint16_t, context> dial_options& connector(Connect connect) {
    const auto shared = std::make_shared<Connect>(std::move(connect));
    connector_ = [shared](std::string host, std::uint16_t port, context ctx) {
      return detail::connect_by(shared, std::move(host), port, std::move(ctx));
    };
    return *this;
  }

  /// How many redirects (301, 302, 303, 307, 308) are followed; default 10, and 0 to have each of them thrown as a
  /// `handshake_error`.
  dial_options& max_redirects(unsigned n) { return max_redirects_ = n, *this; }
  /// Where cookies come from and go to; they are sent in addition to a field Cookie of `header`.
  dial_options& cookies(std::shared_ptr<cookie_jar> jar) { return cookies_ = std::move(jar), *this; }

  /// For the whole of `dial`; default 30 s.
  dial_options& handshake_timeout(std::chrono::nanoseconds d) { return handshake_timeout_ = d, *this; }

  const coax::headers& headers() const noexcept { return headers_; }
  const std::string& host() const noexcept { return host_; }
  const std::vector<std::string>& subprotocols() const noexcept { return subprotocols_; }
  const std::shared_ptr<boost::asio::ssl::context>& tls() const noexcept { return tls_; }
  const std::string& ca_file() const noexcept { return ca_file_; }
  bool insecure_skip_verify() const noexcept { return skip_verify_; }
  /// Empty if there is none.
  const std::string& proxy() const noexcept { return proxy_; }
  const coax::headers& proxy_headers() const noexcept { return proxy_headers_; }
  const std::shared_ptr<boost::asio::ssl::context>& proxy_tls() const noexcept { return proxy_tls_; }
  bool proxy_from_environment() const noexcept { return environment_; }
  const resolver_hook& resolver() const noexcept { return resolver_; }
  const connector_hook& connector() const noexcept { return connector_; }
  unsigned max_redirects() const noexcept { return max_redirects_; }
  const std::shared_ptr<cookie_jar>& cookies() const noexcept { return cookies_; }
  std::chrono::nanoseconds handshake_timeout() const noexcept { return handshake_timeout_; }

 private:
  coax::headers headers_;
  std::string host_;
  std::vector<std::string> subprotocols_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::string ca_file_;
  std::string proxy_;
  coax::headers proxy_headers_;
  std::shared_ptr<boost::asio::ssl::context> proxy_tls_;
  resolver_hook resolver_;
  connector_hook connector_;
  std::shared_ptr<cookie_jar> cookies_;
  unsigned max_redirects_ = 10;
  std::chrono::nanoseconds handshake_timeout_ = std::chrono::seconds(30);
  bool skip_verify_ = false;
  bool environment_ = true;
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
task<conn> dial(std::string url, dial_options options = {}, context ctx = {});

}  // namespace coax
