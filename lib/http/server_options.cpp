#include "protocol/network.hpp"
#include <coax/error.hpp>
#include <coax/server_options.hpp>

#include <boost/asio/ssl/context.hpp>

#include <stdexcept>

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

server_options& server_options::proxy_protocol(coax::proxy_protocol mode, const std::vector<std::string>& trusted) {
  proxies_ = std::make_shared<const protocol::network_list>(trusted);
  proxy_protocol_ = mode;
  return *this;
}

server_options& server_options::trusted_proxies(const std::vector<std::string>& networks, forwarded_field field) {
  forwarders_ = std::make_shared<const protocol::network_list>(networks);
  forwarded_ = field;
  return *this;
}

admission_options& admission_options::retry_after(std::chrono::seconds least, std::chrono::seconds most) {
  if (least < std::chrono::seconds(1) || most < least)
    throw std::invalid_argument("admission_options: retry_after takes at least 1 s, and not less at most");
  retry_least_ = least;
  retry_most_ = most;
  return *this;
}

}  // namespace coax
