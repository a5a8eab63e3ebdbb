#include "http/listener.hpp"

#include "core/parse_number.hpp"
#include "http/worker.hpp"
#include "io/socket_transport.hpp"
#include "io/system.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <type_traits>

namespace coax::http {
namespace {

using asio::ip::tcp;

enum class port_use : unsigned char { exclusive, shared };

[[noreturn]] void cannot_listen(const error_code& ec, const std::string& address) {
  throw system_error(ec, "cannot listen on " + address);
}

template <class Protocol>
class socket_listener final : public listener {
 public:
  using acceptor_type = typename Protocol::acceptor;

  explicit socket_listener(acceptor_type a) : acceptor_(std::move(a)) {}
  ~socket_listener() override { socket_listener::close(); }

  task<result<std::shared_ptr<transport>>> accept(asio::any_io_executor ex) override {
    auto r = co_await acceptor_.async_accept(ex, asio::as_tuple(asio::use_awaitable));
    auto& [ec, socket] = r;
    if (ec) co_return error_code(ec);
    if constexpr (std::is_same_v<Protocol, tcp>)
      co_return detail::make_tcp_transport(std::move(socket));
    else
      co_return detail::make_unix_transport(std::move(socket));
  }

  void close() noexcept override {
    error_code ignored;
    acceptor_.close(ignored);
    std::error_code gone;
    if (!path.empty()) std::filesystem::remove(path, gone);
    path.clear();
  }

  std::string path;  ///< Of a unix socket; removed with it.

 private:
  acceptor_type acceptor_;
};

tcp::acceptor open_tcp(const asio::any_io_executor& ex, const tcp::endpoint& at, port_use use, error_code& ec) {
  tcp::acceptor a(ex);
  a.open(at.protocol(), ec);
  if (!ec) ec = detail::reuse_address(a);
  if (!ec && use == port_use::shared) ec = detail::share_port(a);
  error_code ignored;
  if (!ec && at.address().is_v6()) a.set_option(asio::ip::v6_only(false), ignored);
  if (!ec) a.bind(at, ec);
  if (!ec) a.listen(asio::socket_base::max_listen_connections, ec);
  return a;
}

/// A host without IPv6 has no "all addresses" of it.
asio::ip::address any_address(const asio::any_io_executor& ex) {
  tcp::socket probe(ex);
  error_code ec;
  probe.open(tcp::v6(), ec);
  if (ec == asio::error::address_family_not_supported) return asio::ip::address_v4::any();
  return asio::ip::address_v6::any();
}

tcp::endpoint parse_endpoint(std::string_view address, const asio::any_io_executor& ex) {
  const auto malformed = [address](const char* why) -> std::invalid_argument {
    return std::invalid_argument("server address \"" + std::string(address) + "\": " + why);
  };
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) throw malformed("a port is missing");
  const auto number = detail::parse_number<std::uint16_t>(address.substr(colon + 1));
  if (!number) throw malformed("the port is not a number from 0 to 65535");
  const std::uint16_t port = *number;
  auto host = address.substr(0, colon);
  if (host.empty()) return {any_address(ex), port};
  if (host == "localhost") return {asio::ip::address_v4::loopback(), port};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code ec;
  const auto ip = asio::ip::make_address(std::string(host), ec);
  if (ec) throw malformed("an IP address is needed ([...] around IPv6)");
  return {ip, port};
}

std::vector<std::shared_ptr<listener>> open_all_tcp(std::string_view address,
                                                    const std::vector<std::shared_ptr<worker>>& workers) {
  auto at = parse_endpoint(address, workers.front()->executor());
  const bool share = detail::spreads_connections() && workers.size() > 1;
  error_code ec;
  if (share && at.port() != 0) {
    // A shared port would be shared with any process of the same user: better find out that it is taken.
    open_tcp(workers.front()->executor(), at, port_use::exclusive, ec);
    if (ec) cannot_listen(ec, std::string(address));
  }
  std::vector<std::shared_ptr<listener>> opened;
  for (const auto& w : workers) {
    auto a = open_tcp(w->executor(), at, share ? port_use::shared : port_use::exclusive, ec);
    if (ec) cannot_listen(ec, std::string(address));
    at = a.local_endpoint();
    auto l = std::make_shared<socket_listener<tcp>>(std::move(a));
    l->endpoint = detail::to_string(at);
    l->port = at.port();
    if (share)
      l->targets.push_back(w);
    else
      l->targets = workers;
    opened.push_back(std::move(l));
    if (!share) break;
  }
  return opened;
}

#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
using local = asio::local::stream_protocol;

/// A socket file that nobody listens on is left from a process that died.
bool is_stale(const std::string& path, const asio::any_io_executor& ex) {
  std::error_code unknown;
  if (!std::filesystem::is_socket(path, unknown)) return false;
  local::socket probe(ex);
  error_code ec;
  probe.connect(local::endpoint(path), ec);
  return ec == asio::error::connection_refused;
}

std::vector<std::shared_ptr<listener>> open_local(const std::string& path,
                                                  const std::vector<std::shared_ptr<worker>>& workers) {
  const auto ex = workers.front()->executor();
  if (path.empty() || path.size() > 100) throw std::invalid_argument("server address: a unix path has 1 to 100 bytes");
  local::acceptor a(ex);
  error_code ec;
  a.open(local(), ec);
  if (!ec) a.bind(local::endpoint(path), ec);
  if (ec == asio::error::address_in_use && is_stale(path, ex)) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    ec.clear();
    a.bind(local::endpoint(path), ec);
  }
  if (!ec) a.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) cannot_listen(ec, "unix:" + path);
  auto l = std::make_shared<socket_listener<local>>(std::move(a));
  l->path = path;
  l->endpoint = "unix:" + path;
  l->targets = workers;
  return {std::move(l)};
}
#endif

}  // namespace

std::vector<std::shared_ptr<listener>> open_listeners(std::string_view address,
                                                      const std::vector<std::shared_ptr<worker>>& workers) {
#ifdef BOOST_ASIO_HAS_LOCAL_SOCKETS
  if (address.starts_with("unix:")) return open_local(std::string(address.substr(5)), workers);
#endif
  return open_all_tcp(address, workers);
}

accept_trouble classify(const error_code& ec) noexcept {
  namespace e = boost::system::errc;
  if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) return accept_trouble::closed;
  // What accept(2) reports of the connection rather than of the socket.
  for (const auto passing : {e::connection_aborted, e::connection_reset, e::interrupted, e::protocol_error,
                             e::operation_not_permitted, e::network_down, e::no_protocol_option, e::host_unreachable,
                             e::network_unreachable, e::operation_not_supported, e::resource_unavailable_try_again})
    if (ec == passing) return accept_trouble::transient;
  return accept_trouble::exhausted;
}

}  // namespace coax::http
