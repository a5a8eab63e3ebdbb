/// The byte stream to the server of a dial.
#pragma once

#include "websocket/dial_target.hpp"
#include <coax/connect_options.hpp>
#include <coax/transport.hpp>

namespace coax::detail {

/// Connects, through a proxy if there is one, and shakes hands over TLS if the target says so, on the executor of
/// the caller. Stopping `ctx` really ends the connecting. @throws system_error
task<std::shared_ptr<transport>> connect_to(const dial_target& target, const connect_settings& options,
                                            const context& ctx);

}  // namespace coax::detail
