/// Through a proxy to the server.
#pragma once

#include "websocket/dial_target.hpp"
#include "websocket/proxy_address.hpp"
#include <coax/connect_options.hpp>

#include <optional>

namespace coax::detail {

/// The proxy on the way to a target that is no Unix socket, if there is one. @throws system_error errc::bad_url.
std::optional<proxy_address> choose_proxy(const dial_target& target, const connect_settings& options);

/// The head of the CONNECT request (RFC 9110 section 9.3.6).
std::string connect_request(const proxy_address& proxy, const dial_target& target, const connect_settings& options);

/// A tunnel to the target; TLS with the target is still to come. Every failure closes the connection to the proxy.
/// @throws proxy_error the proxy refused; system_error it could not be reached, or `ctx` stopped.
task<std::shared_ptr<transport>> connect_through(const proxy_address& proxy, const dial_target& target,
                                                 const connect_settings& options, const context& ctx);

}  // namespace coax::detail
