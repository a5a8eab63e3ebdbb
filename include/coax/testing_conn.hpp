/// @file
/// A WebSocket in memory, for tests of code that is given a connection.
///
///     auto [server, client, server_end, client_end] = coax::testing::conn_pair(ioc.get_executor());
///     co_spawn(ioc, my_handler(std::move(server)), token);
///     co_await client.write_text("hello");
///     server_end->stall();                                   // and now nothing comes from the handler any more
#pragma once

#include <coax/accept.hpp>
#include <coax/detail/export.hpp>
#include <coax/dial.hpp>
#include <coax/testing.hpp>

namespace coax::testing {

/// Both ends of a WebSocket over a `memory_pair`, open, without a handshake having been sent.
class COAX_EXPORT conn_pair {
 public:
  /// Both ends on `ex`. Subprotocol and compression are what `accept` and `dial` would have agreed on with these
  /// options; what is only about the handshake (origins, hooks, addresses) has no effect.
  explicit conn_pair(asio::any_io_executor ex, const accept_options& server_options = {},
                     const dial_options& client_options = {}, const faults& both = {});

  conn server;                             ///< What a handler would have got from `accept`.
  conn client;                             ///< What `dial` would have returned.
  std::shared_ptr<memory_end> server_end;  ///< Where the server writes, to misbehave with.
  std::shared_ptr<memory_end> client_end;  ///< Where the client writes.
};

}  // namespace coax::testing
