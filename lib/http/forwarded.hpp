/// Whom a request is from, behind proxies that say so in its head.
#pragma once

#include "protocol/header_field.hpp"
#include "protocol/network.hpp"
#include <coax/server_options.hpp>

#include <string>

namespace coax::http {

struct client_identity {
  client_identity() = default;

  std::string address;  ///< Without a port; what the transport says of a peer that has no address.
  bool secure = false;
};

/// The peer of a connection itself.
client_identity identity_of(std::string_view remote_endpoint, bool secure);

/// The client behind that peer: the last address in `field` that is none of `trusted`, as long as each that told it is.
/// What is malformed ends the search at whom it comes from. Other fields than `field` count for nothing, as nobody on
/// the way may have written them but the client.
client_identity forwarded_client(client_identity peer, protocol::header_fields fields, forwarded_field field,
                                 const protocol::network_list& trusted);

}  // namespace coax::http
