/// TLS on the way to a server or a proxy.
#pragma once

#include "io/tls_transport.hpp"
#include <coax/connect_options.hpp>

namespace coax::detail {

/// The configuration for the server. @throws system_error the file of authorities cannot be used.
std::shared_ptr<asio::ssl::context> tls_for(const connect_settings& options);

/// Shakes hands over `lower`, which ends with a failure. `name` is for the text of errors. @throws system_error
task<std::shared_ptr<transport>> start_tls(std::shared_ptr<transport> lower, std::shared_ptr<asio::ssl::context> tls,
                                           std::string host, std::string name, const connect_settings& options,
                                           const context& ctx, tls_alpn offer = tls_alpn::http_1_1);

}  // namespace coax::detail
