/// A transport that goes through a proxy, seen from either end.
#pragma once

#include <coax/transport.hpp>

#include <string>

namespace coax::detail {

/// The way through `lower`, whose first bytes have been read already. It is not secure, even where `lower` is: that
/// protects the way to the proxy and no further.
std::shared_ptr<transport> make_tunnel_transport(std::shared_ptr<transport> lower, std::string first_bytes);

/// `lower`, which a proxy has opened for somebody else: the endpoints are those of his connection to it.
std::shared_ptr<transport> make_proxied_transport(std::shared_ptr<transport> lower, std::string local,
                                                  std::string remote);

}  // namespace coax::detail
