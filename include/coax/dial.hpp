/// @file
/// The client's way to a WebSocket.
///
///     coax::conn c = co_await coax::dial("wss://example.com/chat", coax::dial_options().subprotocol("chat.v1"));
#pragma once

#include <coax/conn.hpp>
#include <coax/cookie_jar.hpp>
#include <coax/handshake_error.hpp>
#include <coax/headers.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace coax {

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
  /// Accepts every certificate for every host: then TLS protects from nobody who can reach the network between.
  dial_options& insecure_skip_verify(bool on = true) { return skip_verify_ = on, *this; }

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
  unsigned max_redirects() const noexcept { return max_redirects_; }
  const std::shared_ptr<cookie_jar>& cookies() const noexcept { return cookies_; }
  std::chrono::nanoseconds handshake_timeout() const noexcept { return handshake_timeout_; }

 private:
  coax::headers headers_;
  std::string host_;
  std::vector<std::string> subprotocols_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::string ca_file_;
  std::shared_ptr<cookie_jar> cookies_;
  unsigned max_redirects_ = 10;
  std::chrono::nanoseconds handshake_timeout_ = std::chrono::seconds(30);
  bool skip_verify_ = false;
};

/// Connects to a WebSocket server and shakes hands (RFC 6455 section 4.1).
///
/// The URL is ws://, wss://, or http:// and https:// for the same; user and password in it become Basic authorization.
/// `ws+unix:///path/to.sock:/request/target` goes to a Unix socket: the path of the socket ends at the first colon,
/// and without one the request is for "/".
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
/// @throws system_error     `errc::bad_url`; `errc::handshake_timeout`; `errc::canceled`, `errc::deadline_exceeded`;
///                          the error of resolving, connecting, or TLS (whose text says why a certificate failed).
task<conn> dial(std::string url, dial_options options = {}, context ctx = {});

}  // namespace coax
