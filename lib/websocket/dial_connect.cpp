#include "websocket/dial_connect.hpp"

#include "io/completion.hpp"
#include "io/socket_transport.hpp"
#include "websocket/dial_proxy.hpp"
#include "websocket/dial_tcp.hpp"
#include "websocket/dial_tls.hpp"

#include <memory>

namespace coax::detail {
namespace {

template <class Protocol>
struct connecting final : completion {
  explicit connecting(const asio::any_io_executor& ex) : completion(ex), socket(ex) {}
  typename Protocol::socket socket;

 private:
  void on_shutdown() noexcept override {
    error_code ignored;
    socket.close(ignored);
  }
};

// The socket, or an error; closing it is what ends the attempt of a caller that has given up.
template <class Protocol>
task<result<typename Protocol::socket>> connect(typename Protocol::endpoint to, const context& ctx) {
  const auto ex = co_await asio::this_coro::executor;
  const auto pending = std::make_shared<connecting<Protocol>>(ex);
  pending->socket.async_connect(to, [pending](const error_code& ec) { pending->finish(ec); });
  const error_code ec = co_await pending->wait(ctx);
  if (!ec) co_return std::move(pending->socket);
  error_code ignored;
  pending->socket.close(ignored);
  co_return ec;
}

#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
task<std::shared_ptr<transport>> connect_unix(const dial_target& target, const connect_settings& options,
                                              const context& ctx) {
  using unix_stream = asio::local::stream_protocol;
  constexpr std::size_t longest = 107;  // sun_path; the constructor of the endpoint throws beyond it
  if (target.socket_path.size() > longest)
    throw system_error(errc::bad_url, options.who() + ": the path of the socket is too long");
  auto socket = co_await connect<unix_stream>(unix_stream::endpoint(target.socket_path), ctx);
  if (!socket) throw system_error(socket.error(), options.who() + ": connecting to " + target.socket_path);
  co_return make_unix_transport(std::move(*socket));
}
#endif

}  // namespace

task<std::shared_ptr<transport>> connect_to(const dial_target& target, const connect_settings& options,
                                            const context& ctx) {
#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
  if (!target.socket_path.empty()) co_return co_await connect_unix(target, options, ctx);
#else
  if (!target.socket_path.empty())
    throw system_error(asio::error::operation_not_supported, options.who() + ": Unix sockets");
#endif
  // Before anything is sent: a file that is missing is the caller's mistake.
  const auto tls = target.secure ? tls_for(options) : nullptr;
  const auto proxy = choose_proxy(target, options);
  std::shared_ptr<transport> lower;
  if (proxy)
    lower = co_await connect_through(*proxy, target, options, ctx);
  else
    lower = co_await connect_host(target.host, target.port, target.name(), options, ctx);
  if (!tls) co_return lower;
  const auto offer = target.speaks_http ? tls_alpn::http_1_1 : tls_alpn::none;
  co_return co_await start_tls(std::move(lower), tls, target.host, target.name(), options, ctx, offer);
}

}  // namespace coax::detail
