#include "websocket/dial_tcp.hpp"

#include "io/completion.hpp"
#include "io/socket_transport.hpp"
#include "websocket/dial_race.hpp"
#include "websocket/hook_call.hpp"
#include "websocket/url_authority.hpp"

#include <memory>
#include <stdexcept>

namespace coax::detail {
namespace {

using asio::ip::tcp;

// A look-up cannot be interrupted (a thread sits in getaddrinfo): whoever gives up leaves it behind, and it ends here.
struct look_up final : completion {
  explicit look_up(const asio::any_io_executor& ex) : completion(ex), resolver(ex) {}
  tcp::resolver resolver;
  tcp::resolver::results_type results;
};

}  // namespace

task<std::vector<asio::ip::address>> resolve(std::string host, const connect_settings& options, const context& ctx) {
  std::vector<asio::ip::address> addresses;
  error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    addresses.push_back(address);
    co_return addresses;
  }
  if (options.resolver()) {
    auto ask = [hook = options.resolver(), host, ctx] { return hook(host, ctx); };
    addresses =
        co_await call_hook<std::vector<asio::ip::address>>(std::move(ask), options.who() + ": resolving " + host, ctx);
    if (addresses.empty()) throw system_error(asio::error::host_not_found, options.who() + ": resolving " + host);
    co_return addresses;
  }
  const auto ex = co_await asio::this_coro::executor;
  const auto pending = std::make_shared<look_up>(ex);
  pending->resolver.async_resolve(host, "", [pending](const error_code& ec, tcp::resolver::results_type found) {
    pending->results = std::move(found);
    pending->finish(ec);
  });
  const error_code ec = co_await pending->wait(ctx);
  if (ec) {
    pending->resolver.cancel();
    throw system_error(ec, options.who() + ": resolving " + host);
  }
  for (const auto& entry : pending->results) addresses.push_back(entry.endpoint().address());
  co_return addresses;
}

task<std::shared_ptr<transport>> connect_host(std::string host, std::string port, std::string name,
                                              const connect_settings& options, const context& ctx) {
  const auto number = port_number(port);
  std::string what = options.who() + ": connecting to " + name;
  if (options.connector()) {
    auto ask = [hook = options.connector(), host, number, ctx] { return hook(host, number, ctx); };
    auto made = co_await call_hook<std::shared_ptr<transport>>(std::move(ask), std::move(what), ctx);
    if (!made) throw std::logic_error(options.who() + ": the connector gave no transport");
    co_return made;
  }
  auto addresses = co_await resolve(std::move(host), options, ctx);
  co_return make_tcp_transport(co_await connect_first(std::move(addresses), number, std::move(what), ctx));
}

}  // namespace coax::detail
