/// @file
/// An HTTP/1.1 server, and the place where WebSockets come from.
///
///     coax::server srv;
///     srv.files("/", "www");
///     srv.get("/echo", [](coax::exchange& x, coax::context ctx) -> coax::task<> {
///       auto c = co_await coax::accept(x);
///       while (auto m = co_await c.next(ctx)) co_await c.write(m->kind(), m->data());
///     });
///     srv.run("127.0.0.1:8080");
#pragma once

#include <coax/detail/export.hpp>
#include <coax/exchange.hpp>
#include <coax/file_options.hpp>
#include <coax/server_options.hpp>
#include <coax/server_stats.hpp>

namespace coax {

namespace detail {
class server_state;
}

/// Routes, listening sockets, and the connections accepted by them.
///
/// HTTP/1.1 and 1.0 with keep-alive and pipelining; HEAD is answered by GET routes, OPTIONS by itself, an unknown path
/// with 404 and an unknown method with 405. Routes are set up before serving and must not change afterwards. Handlers
/// run on the executor of their connection; with `server_options::threads` on several threads at once.
///
/// Movable. It must outlive `serve`, and the connections that handlers have kept.
class COAX_EXPORT server {
 public:
  /// A server with an io_context of its own, for `run`.
  explicit server(server_options options = {});
  /// A server on an executor: that of an io_context run by one thread, or a strand.
  explicit server(asio::any_io_executor ex, server_options options = {});
  /// Takes the server of another object over, routes and sockets; not while it serves.
  server(server&&) noexcept;
  /// The same; what this one was is gone.
  server& operator=(server&&) noexcept;
  ~server();

  /// Adds a route. A pattern is a path whose segments may be parameters: "/rooms/:room/users/:id", or "/files/*rest",
  /// where `*rest` takes all segments that are left. Literal segments go before `:name`, and that before `*rest`,
  /// whatever the order of the calls.
  /// @throws std::invalid_argument a malformed pattern, or one that exists already for the method.
  server& route(std::string_view method, std::string_view pattern, request_handler handler);
  /// `route` for GET, which answers HEAD as well.
  server& get(std::string_view pattern, request_handler handler);
  /// `route` for POST.
  server& post(std::string_view pattern, request_handler handler);
  /// `route` for PUT.
  server& put(std::string_view pattern, request_handler handler);
  /// `route` for DELETE.
  server& del(std::string_view pattern, request_handler handler);
  /// `route` for HEAD, where it is to differ from what GET does.
  server& head(std::string_view pattern, request_handler handler);
  /// For every method that has no route of its own with that pattern.
  server& any(std::string_view pattern, request_handler handler);

  /// Serves the regular files below `folder` under the path `prefix`: content types, ranges, ETag and Last-Modified
  /// with their conditions, an index file for a folder, no listings. What leads out of the folder, by dots or by
  /// symbolic links, is not found.
  /// @throws std::invalid_argument `folder` is not a folder; or as `route`.
  server& files(std::string_view prefix, const std::string& folder, file_options options = {});
  /// Serves bytes from memory, with an ETag.
  server& asset(std::string_view pattern, std::string_view content_type, std::string bytes);

  /// Begins to listen: "127.0.0.1:8080", "[::]:0" (any free port), ":8080" (all addresses), "localhost:8080", or
  /// "unix:/path". May be called several times before `serve`. Returns the address bound, with its port.
  /// @throws std::invalid_argument a malformed address. @throws system_error the address cannot be bound.
  std::string listen(std::string_view address);

  /// Serves what was given to `listen` until `stop` stops; then awaits `server_options::on_stop`, and drains: closes
  /// the listening sockets, stops the contexts of the handlers, closes WebSockets with 1001 (going away), ends streams
  /// of events (each with a `retry:` of its own), and waits up to `drain_timeout` before it cuts what is left.
  /// Completes when no connection and no handler is left. Once.
  /// @throws std::logic_error nothing listens.
  task<> serve(context stop);
  /// The same after `listen(address)`.
  task<> serve(std::string address, context stop);

  /// Serves on the calling thread until SIGINT or SIGTERM, and drains; a second signal kills the process. For `main`,
  /// on a server with an io_context of its own. @throws as `listen`.
  void run(std::string_view address);

  /// The address of the first listening socket, "127.0.0.1:43121"; empty before `listen`.
  std::string local_endpoint() const;
  /// Its port; 0 for a unix socket and before `listen`.
  std::uint16_t port() const;
  /// Connections that are open now, WebSockets included.
  std::size_t connections() const noexcept;
  /// From any thread.
  server_stats stats() const noexcept;
  /// The executor that it was made with, or that of its own io_context.
  asio::any_io_executor get_executor() const;

 private:
  std::shared_ptr<detail::server_state> state_;
};

}  // namespace coax
