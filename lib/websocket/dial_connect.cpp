#include "websocket/dial_connect.hpp"

#include "io/completion.hpp"
#include "io/socket_transport.hpp"
#include "io/tls_transport.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

namespace coax::detail {
namespace {

using asio::ip::tcp;

// A look-up cannot be interrupted (a thread sits in getaddrinfo): whoever gives up leaves it behind, and it ends here.
struct look_up final : completion {
  explicit look_up(const asio::any_io_executor& ex) : completion(ex), resolver(ex) {}
  tcp::resolver resolver;
  tcp::resolver::results_type results;
};

task<std::vector<tcp::endpoint>> resolve(const dial_target& target, const context& ctx) {
  std::vector<tcp::endpoint> endpoints;
  error_code not_an_address;
  const auto address = asio::ip::make_address(target.host, not_an_address);
  if (!not_an_address) {
    endpoints.emplace_back(address, static_cast<unsigned short>(std::stoul(target.port)));
    co_return endpoints;
  }
  const auto ex = co_await asio::this_coro::executor;
  const auto pending = std::make_shared<look_up>(ex);
  pending->resolver.async_resolve(target.host, target.port, tcp::resolver::numeric_service,
                                  [pending](const error_code& ec, tcp::resolver::results_type found) {
                                    pending->results = std::move(found);
                                    pending->finish(ec);
                                  });
  const error_code ec = co_await pending->wait(ctx);
  if (ec) {
    pending->resolver.cancel();
    throw system_error(ec, "dial: resolving " + target.host);
  }
  for (const auto& entry : pending->results) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

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

task<std::shared_ptr<transport>> connect_tcp(const dial_target& target, const context& ctx) {
  const auto endpoints = co_await resolve(target, ctx);
  error_code last = asio::error::host_not_found;
  std::string where = target.name();
  for (const auto& to : endpoints) {
    auto socket = co_await connect<tcp>(to, ctx);
    if (socket) co_return make_tcp_transport(std::move(*socket));
    last = socket.error();
    where = to_string(to);
    if (ctx.stopped()) break;
  }
  throw system_error(last, "dial: connecting to " + where);
}

#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
task<std::shared_ptr<transport>> connect_unix(const dial_target& target, const context& ctx) {
  using protocol = asio::local::stream_protocol;
  constexpr std::size_t longest = 107;  // sun_path; the constructor of the endpoint throws beyond it
  if (target.socket_path.size() > longest)
    throw system_error(errc::bad_url, "dial: the path of the socket is too long");
  auto socket = co_await connect<protocol>(protocol::endpoint(target.socket_path), ctx);
  if (!socket) throw system_error(socket.error(), "dial: connecting to " + target.socket_path);
  co_return make_unix_transport(std::move(*socket));
}
#endif

// Reading the system's authorities takes tens of milliseconds: once for the process.
std::shared_ptr<asio::ssl::context> system_tls() {
  static const auto shared = [] {
    auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    tls->set_default_verify_paths();
    return tls;
  }();
  return shared;
}

std::shared_ptr<asio::ssl::context> tls_for(const dial_options& options) {
  if (options.tls()) return options.tls();
  if (options.ca_file().empty()) return system_tls();
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  error_code ec;
  tls->load_verify_file(options.ca_file(), ec);
  if (ec) throw system_error(ec, "dial: the file of certificate authorities " + options.ca_file());
  return tls;
}

}  // namespace

task<std::shared_ptr<transport>> connect_to(const dial_target& target, const dial_options& options,
                                            const context& ctx) {
#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
  if (!target.socket_path.empty()) co_return co_await connect_unix(target, ctx);
#else
  if (!target.socket_path.empty()) throw system_error(asio::error::operation_not_supported, "dial: Unix sockets");
#endif
  // Before anything is sent: a file that is missing is the caller's mistake.
  const auto tls = target.secure ? tls_for(options) : nullptr;
  auto lower = co_await connect_tcp(target, ctx);
  if (!tls) co_return lower;
  const auto verify = options.insecure_skip_verify() ? tls_verify::none : tls_verify::peer;
  auto secured = co_await tls_connect(std::move(lower), *tls, target.host, verify, ctx);
  if (!secured) throw system_error(secured.error(), "dial: the TLS handshake with " + target.name());
  co_return std::move(*secured);
}

}  // namespace coax::detail
