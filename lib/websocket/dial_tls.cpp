#include "websocket/dial_tls.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace coax::detail {
namespace {

std::shared_ptr<asio::ssl::context> modern_tls() {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  return tls;
}

// Reading the system's authorities takes tens of milliseconds: once for the process.
std::shared_ptr<asio::ssl::context> system_tls() {
  static const auto shared = [] {
    auto tls = modern_tls();
    tls->set_default_verify_paths();
    return tls;
  }();
  return shared;
}

}  // namespace

std::shared_ptr<asio::ssl::context> tls_for(const connect_settings& options) {
  if (options.tls()) return options.tls();
  if (options.ca_file().empty()) return system_tls();
  auto tls = modern_tls();
  error_code ec;
  tls->load_verify_file(options.ca_file(), ec);
  if (ec) throw system_error(ec, options.who() + ": the file of certificate authorities " + options.ca_file());
  return tls;
}

task<std::shared_ptr<transport>> start_tls(std::shared_ptr<transport> lower, std::shared_ptr<asio::ssl::context> tls,
                                           std::string host, std::string name, const connect_settings& options,
                                           const context& ctx, tls_alpn offer) {
  const auto verify = options.insecure_skip_verify() ? tls_verify::none : tls_verify::peer;
  auto secured = co_await tls_connect(std::move(lower), *tls, std::move(host), verify, ctx, offer);
  if (!secured) throw system_error(secured.error(), options.who() + ": the TLS handshake with " + name);
  co_return std::move(*secured);
}

}  // namespace coax::detail
