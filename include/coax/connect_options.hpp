/// @file
/// How a client gets to a server: what `dial` and `sse::event_source` have in common.
///
///     auto options = coax::dial_options().ca_file("own-ca.pem").proxy("socks5://127.0.0.1:1080");
#pragma once

#include <coax/cookie_jar.hpp>
#include <coax/detail/export.hpp>
#include <coax/headers.hpp>
#include <coax/stream_transport.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
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

/// Finds the addresses of a name, the best first, on the executor of the caller. When the attempt is given
/// up, `ctx` stops and the operation of Asio in which the hook waits is cancelled; the attempt ends when the hook has.
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

/// The options of connecting, as they have been set.
class COAX_EXPORT connect_settings {
 public:
  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const coax::headers& headers() const noexcept { return headers_; }
  const std::string& host() const noexcept { return host_; }
  const std::shared_ptr<boost::asio::ssl::context>& tls() const noexcept { return tls_; }
  const std::string& ca_file() const noexcept { return ca_file_; }
  [[nodiscard]] bool insecure_skip_verify() const noexcept { return skip_verify_; }
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
  /// Who connects, for the text of errors: "dial".
  const std::string& who() const noexcept { return who_; }
  /// @}

 protected:
  /// For the text of errors, `who` is to connect: "dial".
  explicit connect_settings(std::string who) : who_(std::move(who)) {}

  /// Refuses the fields that every request sets itself, and those in `own`.
  void set_header(std::string_view name, std::string_view value, std::span<const std::string_view> own);
  /// As `connect_options::host`.
  void set_host(std::string_view value);
  /// As `connect_options::proxy`.
  void set_proxy(std::string_view url);
  /// As `connect_options::proxy_header`.
  void set_proxy_header(std::string_view name, std::string_view value);
  /// Names the options in the text of a std::invalid_argument.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  template <class Self>
  friend class connect_options;

  std::string who_;
  coax::headers headers_;
  std::string host_;
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

/// The options of connecting, for the options class `Self`.
template <class Self>
class connect_options : public connect_settings {
 public:
  /// @name As set
  /// @{

  /// See `connect_settings`.
  using connect_settings::ca_file;
  using connect_settings::connector;
  using connect_settings::cookies;
  using connect_settings::handshake_timeout;
  using connect_settings::host;
  using connect_settings::insecure_skip_verify;
  using connect_settings::max_redirects;
  using connect_settings::proxy;
  using connect_settings::proxy_from_environment;
  using connect_settings::proxy_tls;
  using connect_settings::resolver;
  using connect_settings::tls;
  /// @}

  /// The Host field, if it is to differ from the URL's; TLS still verifies the host of the URL.
  /// @throws std::invalid_argument a value that a field must not have.
  Self& host(std::string_view value) { return set_host(value), self(); }

  /// The TLS configuration for wss and https: client certificates, trusted authorities, versions. The default trusts
  /// what the system trusts, from TLS 1.2 on.
  Self& tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return this->tls_ = std::move(ctx), self(); }
  /// Trusts the authorities in this PEM file instead of the system's. Ignored if there is a `tls` context.
  Self& ca_file(std::string path) { return this->ca_file_ = std::move(path), self(); }
  /// Accepts every certificate for every host, of proxies too: then TLS protects from nobody who can reach the network
  /// between.
  Self& insecure_skip_verify(bool on) { return this->skip_verify_ = on, self(); }

  /// The proxy to go through: http://, https:// (both by CONNECT), socks5:// (names are resolved here) or socks5h://
  /// (by the proxy), with user and password if it wants them; `host:port` is http. The ports default to 80, 443 and
  /// 1080. TLS to an https proxy uses the same configuration as to a server, unless there is `proxy_tls`.
  /// @throws std::invalid_argument a URL that is none of these; the text shows no password.
  Self& proxy(std::string_view url) { return set_proxy(url), self(); }
  /// A further field of the CONNECT request. @throws std::invalid_argument as `header`.
  Self& proxy_header(std::string_view name, std::string_view value) { return set_proxy_header(name, value), self(); }
  /// The TLS configuration for an https proxy; default that for the server, with its client certificate if it has one.
  Self& proxy_tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return this->proxy_tls_ = std::move(ctx), self(); }
  /// Without `proxy` and `connector`, whether the variables HTTPS_PROXY (for wss and https), HTTP_PROXY (for ws and
  /// http), ALL_PROXY and NO_PROXY say which proxy to use; on by default (docs/dial.md says how they are read).
  Self& proxy_from_environment(bool on) { return this->environment_ = on, self(); }

  /// Resolves names in the place of the system.
  Self& resolver(resolver_hook hook) { return this->resolver_ = std::move(hook), self(); }
  /// Connects in the place of the library: to the server, or to the proxy. A callable `(std::string host, std::uint16_t
  /// port, context)` that returns a task of a transport (as shared_ptr) or of any Asio stream (see `make_transport`) on
  /// the executor of the calling coroutine. TLS comes on top. What it throws ends the attempt.
  template <class Connect>
  requires std::invocable<Connect&, std::string, std::uint16_t, context> Self& connector(Connect connect) {
    const auto shared = std::make_shared<Connect>(std::move(connect));
    this->connector_ = [shared](std::string host, std::uint16_t port, context ctx) {
      return detail::connect_by(shared, std::move(host), port, std::move(ctx));
    };
    return self();
  }

  /// How many redirects (301, 302, 303, 307, 308) are followed; default 10, and 0 to have each of them thrown as a
  /// `handshake_error`.
  Self& max_redirects(unsigned n) { return this->max_redirects_ = n, self(); }
  /// Where cookies come from and go to; they are sent in addition to a field Cookie of `header`.
  Self& cookies(std::shared_ptr<cookie_jar> jar) { return this->cookies_ = std::move(jar), self(); }

  /// For connecting, with redirects, up to the head of the answer; default 30 s.
  Self& handshake_timeout(std::chrono::nanoseconds d) { return this->handshake_timeout_ = d, self(); }

 private:
  friend Self;
  explicit connect_options(std::string who) : connect_settings(std::move(who)) {}
  Self& self() noexcept { return static_cast<Self&>(*this); }
};

}  // namespace coax
