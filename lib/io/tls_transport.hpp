/// TLS over any transport.
#pragma once

#include <coax/transport.hpp>

namespace boost::asio::ssl {
class context;
}

namespace coax::detail {

/// Whether a client checks the certificate of its server.
enum class tls_verify : unsigned char { peer, none };
/// What a client offers by ALPN (RFC 7301).
enum class tls_alpn : unsigned char {
  http_1_1,
  none  ///< Only what its context offers; nothing unless somebody set that.
};

/// The client's handshake over `lower`. The certificate must be valid for `host`, a name or an IP address: SNI is sent
/// for names. Trusts what `tls` trusts; `tls` must outlive the call only.
/// On failure `lower` is closed; a certificate that does not verify gives a code of `tls_verify_category`, whose text
/// is the reason. Stopping `ctx` ends the handshake.
task<result<std::shared_ptr<transport>>> tls_connect(std::shared_ptr<transport> lower, asio::ssl::context& tls,
                                                     std::string host, tls_verify verify, context ctx,
                                                     tls_alpn offer = tls_alpn::http_1_1);

/// The server's handshake over `lower`; whether clients need a certificate is up to `tls`. ALPN selects http/1.1 and
/// refuses clients that offer only other protocols; the first call installs that in `tls`.
task<result<std::shared_ptr<transport>>> tls_accept(std::shared_ptr<transport> lower, asio::ssl::context& tls,
                                                    context ctx);

/// The X509_V_ERR codes of OpenSSL.
const boost::system::error_category& tls_verify_category() noexcept;

}  // namespace coax::detail
