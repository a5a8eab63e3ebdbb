/// @file
/// Limits, deadlines and hooks of a server.
#pragma once

#include <coax/admission.hpp>
#include <coax/affinity.hpp>
#include <coax/context.hpp>
#include <coax/detail/export.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace coax {

namespace protocol {
class network_list;
}

/// How much a line of the log matters.
enum class log_level : unsigned char {
  debug,    ///< What clients do to themselves: gone in the middle, a TLS handshake that failed.
  info,     ///< A change for the better.
  warning,  ///< The server does less than it should for the time being.
  error     ///< A handler threw or gave no answer, or the system refused something.
};

/// Called from any thread of the server; must not throw.
using log_sink = std::function<void(log_level level, std::string_view text)>;

/// What is in front of a connection; see docs/affinity.md.
enum class proxy_protocol : unsigned char {
  off,     ///< Nothing is read; the default.
  accept,  ///< A header may come from those who are trusted; the others are clients like any.
  require  ///< Whoever is not trusted, or has no header, is cut.
};

/// Where proxies tell whom a request is from. Only one can count: the other one is passed on as the client wrote it.
enum class forwarded_field : unsigned char {
  x_forwarded_for,  ///< X-Forwarded-For and X-Forwarded-Proto.
  forwarded         ///< Forwarded (RFC 7239).
};

/// Options of a server.
class COAX_EXPORT server_options {
 public:
  /// All times of a server are set in nanoseconds or any coarser unit of std::chrono.
  using duration = std::chrono::nanoseconds;

  server_options() = default;

  /// Serves with `n` io_contexts of its own, each run by one thread, with a listening socket each where the system
  /// spreads connections over them (Linux). A connection stays on its thread. 0, the default: everything runs on the
  /// server's executor, which must be that of an io_context run by one thread, or a strand.
  server_options& threads(unsigned n) { return threads_ = n, *this; }
  /// Serves TLS.
  server_options& tls(std::shared_ptr<boost::asio::ssl::context> ctx) { return tls_ = std::move(ctx), *this; }
  /// Serves TLS 1.2 and newer with a certificate chain and its key, both PEM files, which are loaded now.
  /// @throws system_error a file that cannot be loaded.
  server_options& tls(const std::string& certificate_chain_file, const std::string& key_file);

  /// Connections at a time, over all threads, default 100,000; more wait in the system's queue.
  server_options& max_connections(std::size_t n) { return max_connections_ = n, *this; }
  /// Refuses clients, and tells them when to come back. Default: none, but see `max_connections`.
  server_options& admission(admission_options o) { return admission_ = std::move(o), *this; }

  /// Keeps clients at this node by a cookie, on every answer that needs it: plain ones, streams of events and the 101
  /// of WebSockets. Answers that shared caches may keep (`Cache-Control: public`) go without. Default: no cookie.
  server_options& affinity(coax::affinity a) { return affinity_ = std::move(a), *this; }
  /// Takes the PROXY protocol, version 1 or 2, before TLS if there is TLS; the endpoints of the connection are then
  /// those that it tells. It must have come within `head_timeout`.
  /// @param trusted  who may speak it: networks and addresses, "10.0.0.0/8", "::1", or "unix" for unix sockets.
  /// @throws std::invalid_argument  a network that is none.
  server_options& proxy_protocol(coax::proxy_protocol mode, const std::vector<std::string>& trusted);
  /// The proxies whose word on the client of a request is taken, see `exchange::client_address`. Default: none.
  /// @throws std::invalid_argument as `proxy_protocol`.
  server_options& trusted_proxies(const std::vector<std::string>& networks,
                                  forwarded_field field = forwarded_field::x_forwarded_for);

  /// Bytes of a request's head, default 16 KiB (431), and of its first line, default 8 KiB (414).
  server_options& max_head(std::size_t bytes, std::size_t request_line = 8 * 1024) {
    return max_head_ = bytes, max_request_line_ = request_line, *this;
  }
  /// Header fields of a request, default 100 (431).
  server_options& max_header_fields(std::size_t n) { return max_fields_ = n, *this; }
  /// Bytes of a request's body, default 1 MiB (413).
  server_options& max_body(std::size_t bytes) { return max_body_ = bytes, *this; }

  /// For the whole head of a request, TLS handshake included, however slowly it comes; default 10 s (408).
  server_options& head_timeout(duration d) { return head_timeout_ = d, *this; }
  /// For the whole body, once the handler reads it; default 30 s (408).
  server_options& body_timeout(duration d) { return body_timeout_ = d, *this; }
  /// Between two requests of a connection; default 60 s.
  server_options& idle_timeout(duration d) { return idle_timeout_ = d, *this; }
  /// How long a client may take for the next 256 KiB of an answer, or for the rest of it; default 30 s.
  server_options& write_stall_timeout(duration d) { return write_stall_ = d, *this; }
  /// How long handlers and WebSockets have to end when the server stops; default 10 s.
  server_options& drain_timeout(duration d) { return drain_timeout_ = d, *this; }

  /// Where the server tells of trouble: handlers that throw, exhausted file descriptors. Nowhere by default.
  server_options& log(log_sink sink) { return log_ = std::move(sink), *this; }
  /// Called with the address of each socket that listens, before the first connection.
  server_options& on_listening(std::function<void(std::string_view endpoint)> hook) {
    return on_listening_ = std::move(hook), *this;
  }

  /// Called when the server is to stop, before anything of it ends: it listens and serves until what this returns has
  /// completed, and then drains. For a rolling restart it is the place to drain a hub, whose `readyz` tells the load
  /// balancer first. What it throws is logged.
  server_options& on_stop(std::function<task<>()> hook) { return on_stop_ = std::move(hook), *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  unsigned threads() const noexcept { return threads_; }
  const std::shared_ptr<boost::asio::ssl::context>& tls() const noexcept { return tls_; }
  std::size_t max_connections() const noexcept { return max_connections_; }
  const admission_options& admission() const noexcept { return admission_; }
  const std::optional<coax::affinity>& affinity() const noexcept { return affinity_; }
  coax::proxy_protocol proxy_protocol() const noexcept { return proxy_protocol_; }
  /// Who may speak the PROXY protocol, and whose fields are believed; null if nobody.
  const std::shared_ptr<const protocol::network_list>& proxies() const noexcept { return proxies_; }
  const std::shared_ptr<const protocol::network_list>& forwarders() const noexcept { return forwarders_; }
  forwarded_field forwarded() const noexcept { return forwarded_; }
  std::size_t max_head() const noexcept { return max_head_; }
  std::size_t max_request_line() const noexcept { return max_request_line_; }
  std::size_t max_header_fields() const noexcept { return max_fields_; }
  std::size_t max_body() const noexcept { return max_body_; }
  duration head_timeout() const noexcept { return head_timeout_; }
  duration body_timeout() const noexcept { return body_timeout_; }
  duration idle_timeout() const noexcept { return idle_timeout_; }
  duration write_stall_timeout() const noexcept { return write_stall_; }
  duration drain_timeout() const noexcept { return drain_timeout_; }
  const log_sink& log() const noexcept { return log_; }
  const std::function<void(std::string_view)>& on_listening() const noexcept { return on_listening_; }
  const std::function<task<>()>& on_stop() const noexcept { return on_stop_; }
  /// @}

 private:
  std::shared_ptr<boost::asio::ssl::context> tls_;
  log_sink log_;
  std::function<void(std::string_view)> on_listening_;
  admission_options admission_;
  std::optional<coax::affinity> affinity_;
  std::shared_ptr<const protocol::network_list> proxies_;
  std::shared_ptr<const protocol::network_list> forwarders_;
  std::function<task<>()> on_stop_;
  std::size_t max_connections_ = 100'000;
  std::size_t max_head_ = 16 * 1024;
  std::size_t max_request_line_ = 8 * 1024;
  std::size_t max_fields_ = 100;
  std::size_t max_body_ = 1024 * 1024;
  duration head_timeout_ = std::chrono::seconds(10);
  duration body_timeout_ = std::chrono::seconds(30);
  duration idle_timeout_ = std::chrono::seconds(60);
  duration write_stall_ = std::chrono::seconds(30);
  duration drain_timeout_ = std::chrono::seconds(10);
  unsigned threads_ = 0;
  coax::proxy_protocol proxy_protocol_ = coax::proxy_protocol::off;
  forwarded_field forwarded_ = forwarded_field::x_forwarded_for;
};

}  // namespace coax
