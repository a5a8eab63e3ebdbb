#include "io/tls_session.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <mutex>

namespace coax::detail {
namespace {

constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

class verify_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "coax.tls.verify"; }
  std::string message(int value) const override {
    return std::string("the certificate does not verify: ") + X509_verify_cert_error_string(value);
  }
};

[[noreturn]] void fail(const char* what) {
  const auto ec = take_tls_error(nullptr);
  throw system_error(ec ? ec : error_code(asio::error::no_memory), what);
}

ssl_ptr make_session(asio::ssl::context& tls) {
  forget_tls_errors();
  ssl_ptr s(SSL_new(tls.native_handle()));
  if (!s) fail("TLS: no session");
  // Writes may come from another address when they are tried again, and one record at a time is enough.
  SSL_set_mode(s.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_set_options(s.get(), SSL_OP_NO_RENEGOTIATION);
  // One read of the transport may bring many small records; the buffer goes when it is empty.
  SSL_set_read_ahead(s.get(), 1);
  SSL_set_default_read_buffer_len(s.get(), 32 * 1024);
  return s;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned int in_size,
                    void*) noexcept {
  unsigned char* chosen = nullptr;
  // The function of OpenSSL is not const-correct.
  if (SSL_select_next_proto(&chosen, size, http_1_1, sizeof(http_1_1), in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// ALPN can be set on the context alone. Once for each: other threads may be in a handshake with it later.
void offer_protocols(SSL_CTX* tls) {
  static std::mutex mutex;
  static const int seen = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  const std::lock_guard lock(mutex);
  if (SSL_CTX_get_ex_data(tls, seen)) return;
  SSL_CTX_set_alpn_select_cb(tls, &select_protocol, nullptr);
  SSL_CTX_set_ex_data(tls, seen, tls);
}

// RFC 6066 section 3: no SNI for addresses, no dot at the end of a name.
void set_host(SSL* s, std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), host.c_str())) fail("TLS: an address to verify");
    return;
  }
  if (host.ends_with('.')) host.pop_back();
  SSL_set_hostflags(s, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!SSL_set1_host(s, host.c_str()) || !SSL_set_tlsext_host_name(s, host.c_str())) fail("TLS: a host name to verify");
}

}  // namespace

const boost::system::error_category& tls_verify_category() noexcept {
  static const verify_category instance;
  return instance;
}

ssl_ptr make_client_session(asio::ssl::context& tls, std::string host, tls_verify verify, tls_alpn offer) {
  auto s = make_session(tls);
  set_host(s.get(), std::move(host));
  if (verify == tls_verify::peer)
    SSL_set_verify(s.get(), SSL_VERIFY_PEER, SSL_get_verify_callback(s.get()));
  else
    SSL_set_verify(s.get(), SSL_VERIFY_NONE, nullptr);
  if (offer == tls_alpn::http_1_1 && SSL_set_alpn_protos(s.get(), http_1_1, sizeof(http_1_1)) != 0) fail("TLS: ALPN");
  SSL_set_connect_state(s.get());
  return s;
}

ssl_ptr make_server_session(asio::ssl::context& tls) {
  offer_protocols(tls.native_handle());
  auto s = make_session(tls);
  // Without one, OpenSSL refuses to resume sessions of clients with certificates.
  static constexpr unsigned char id[] = "coax";
  SSL_set_session_id_context(s.get(), id, sizeof(id) - 1);
  SSL_set_accept_state(s.get());
  return s;
}

void forget_tls_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

error_code take_tls_error(const SSL* s) noexcept {
  const unsigned long e = ERR_get_error();
  ERR_clear_error();
  if (e == 0) return {};
  if (ERR_GET_LIB(e) == ERR_LIB_SSL) {
    if (ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return asio::ssl::error::stream_truncated;
    if (s && ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      if (const long why = SSL_get_verify_result(s); why != X509_V_OK)
        return {static_cast<int>(why), tls_verify_category()};
    }
  }
  return {static_cast<int>(e), asio::error::get_ssl_category()};
}

}  // namespace coax::detail
