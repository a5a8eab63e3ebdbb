/// An echo server over real sockets that remembers how its connections ended.
#pragma once

#include "http/support.hpp"
#include <coax/accept.hpp>

namespace coax::test {

/// What a handler saw of the end: the exception of its read or write, and `closed()`.
struct ending {
  ending() = default;

  error_code code;   // of the exception
  error_code cause;  // of a close_error
  coax::status status = coax::status::no_status;
  bool clean = false;
  close_info info;
};

class echo_site {
 public:
  /// /ws echoes with `options`, /next with the default; /bye closes at once and waits for the end.
  explicit echo_site(asio::io_context& ioc, const accept_options& options = {}, server_options server = {});

  std::uint16_t port() const { return server_.srv.port(); }
  /// Waits until so many handlers have ended; the test's watchdog bounds it.
  task<> until_ended(std::size_t n);
  /// Waits until the server has no connection left, bounded likewise.
  task<> until_empty();
  /// Asks for an echo over a connection of its own, as the next client.
  task<> serves_the_next();
  /// Stops the server, and checks that no connection is left and nothing was worth a warning.
  task<> stop();

  std::vector<ending> endings;

 private:
  task<> echo(exchange& x, accept_options options, context ctx);
  task<> bye(exchange& x, context ctx);
  void ended(ending e);

  asio::io_context& ioc_;
  accept_options options_;
  running_server server_;
  asio::steady_timer changed_;
};

/// Connects and shakes hands.
task<> upgrade(raw_client& c, std::string_view path = "/ws");

/// Takes the first frame of a server off `input`, and its first byte; nothing if it is not there in full.
struct server_frame {
  unsigned first = 0;
  std::string payload;
};
std::optional<server_frame> take_frame(std::string& input);

/// The status in the payload of a close frame; 1005 if it is empty.
unsigned close_status(const std::string& payload);

}  // namespace coax::test
