/// What lies behind a proxy.
#pragma once

#include <coax/transport.hpp>

#include <string>

namespace coax::detail {

/// The way through `lower`, whose first bytes have been read already. It is not secure, even where `lower` is: that
/// protects the way to the proxy and no further.
std::shared_ptr<transport> make_tunnel_transport(std::shared_ptr<transport> lower, std::string first_bytes);

}  // namespace coax::detail
