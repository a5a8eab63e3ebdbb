/// One TLS connection of OpenSSL, configured for a role.
#pragma once

#include "io/tls_transport.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace coax::detail {

struct ssl_deleter {
  void operator()(SSL* s) const noexcept { SSL_free(s); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_deleter>;

/// Throws `system_error` when OpenSSL refuses (out of memory, a host name it cannot take).
ssl_ptr make_client_session(asio::ssl::context& tls, std::string host, tls_verify verify, tls_alpn offer);
ssl_ptr make_server_session(asio::ssl::context& tls);

/// Empties OpenSSL's queue of errors, which must be done before each operation; cheaper than ERR_clear_error, which
/// writes to all places of the queue.
void forget_tls_errors() noexcept;

/// The error on top of OpenSSL's queue, or that of a failed verification.
error_code take_tls_error(const SSL* s) noexcept;

}  // namespace coax::detail
