/// The beginning of a connection that may come through a proxy (the PROXY protocol).
#pragma once

#include <coax/server_options.hpp>
#include <coax/transport.hpp>

namespace coax::http {

/// Whom the connection is from, as `policy` allows to tell it: `t`, or a transport over it that knows. Reads nothing
/// from a peer that is not trusted, and nothing that comes behind the header. When `ctx` stops a connection without
/// a header is let through if it needs none, with what has come.
///
/// Errors: `errc::bad_request` for what is malformed, missing or not allowed; those of `ctx` and of the transport.
task<result<std::shared_ptr<transport>>> read_proxied(std::shared_ptr<transport> t, const server_options& policy,
                                                      context ctx);

}  // namespace coax::http
