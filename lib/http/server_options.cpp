#include <coax/error.hpp>
#include <coax/server_options.hpp>

#include <boost/asio/ssl/context.hpp>

namespace coax {

namespace ssl = boost::asio::ssl;

server_options& server_options::tls(const std::string& certificate_chain_file, const std::string& key_file) {
  auto ctx = std::make_shared<ssl::context>(ssl::context::tls_server);
  ctx->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  error_code ec;
  ctx->use_certificate_chain_file(certificate_chain_file, ec);
  if (ec) throw system_error(ec, "cannot load the certificate chain " + certificate_chain_file);
  ctx->use_private_key_file(key_file, ssl::context::pem, ec);
  if (ec) throw system_error(ec, "cannot load the private key " + key_file);
  return tls(std::move(ctx));
}

}  // namespace coax
