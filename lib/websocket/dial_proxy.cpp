#include "websocket/dial_proxy.hpp"

#include "io/tunnel_transport.hpp"
#include "protocol/socks5.hpp"
#include "websocket/dial_attempt.hpp"
#include "websocket/dial_race.hpp"
#include "websocket/dial_reply.hpp"
#include "websocket/dial_tcp.hpp"
#include "websocket/dial_tls.hpp"
#include "websocket/proxy_environment.hpp"
#include "websocket/url_authority.hpp"
#include <coax/proxy_error.hpp>

#include <array>

namespace coax::detail {
namespace {

task<std::shared_ptr<transport>> reach_proxy(const proxy_address& proxy, const connect_settings& options,
                                             const context& ctx) {
  const std::string name = "the proxy " + proxy.name;
  std::shared_ptr<asio::ssl::context> tls;
  if (proxy.kind == proxy_kind::https) tls = options.proxy_tls() ? options.proxy_tls() : tls_for(options);
  auto lower = co_await connect_host(proxy.host, proxy.port, name, options, ctx);
  if (!tls) co_return lower;
  co_return co_await start_tls(std::move(lower), std::move(tls), proxy.host, name, options, ctx);
}

bool has_own_authorization(const connect_settings& options) {
  return options.proxy_headers().contains("Proxy-Authorization");
}

std::string refusal_text(const proxy_address& proxy, const dial_target& target, const connect_settings& options,
                         unsigned status) {
  std::string text = options.who() + ": the proxy " + proxy.name + " answered " + std::to_string(status) +
                     " to CONNECT " + target.host_field;
  if (status != 407) return text;
  if (has_own_authorization(options)) return text + ": it does not take the credentials of proxy_header";
  return text + (proxy.has_credentials ? ": it does not take the credentials in its URL"
                                       : ": it wants credentials, and its URL has none");
}

task<std::shared_ptr<transport>> tunnel_by_connect(const proxy_address& proxy, const dial_target& target,
                                                   const connect_settings& options, const context& ctx) {
  dial_attempt attempt(co_await reach_proxy(proxy, options, ctx));
  const std::string head = connect_request(proxy, target, options);
  const asio::const_buffer bytes = asio::buffer(head);
  const error_code ec = co_await attempt.io().write(bytes, ctx);
  if (ec) throw system_error(ec, options.who() + ": sending the request to the proxy " + proxy.name);

  reply_reader reply(attempt.io(), options.who(), proxy.name);
  co_await reply.read_head(ctx);
  const unsigned status = reply.head().status();
  if (status / 100 != 2) {
    std::string body = co_await reply.read_body(ctx);
    throw proxy_error(refusal_text(proxy, target, options, status), status, reply.head().copy_fields(),
                      std::move(body));
  }
  // Whatever fields such an answer has, it has no body: what comes behind it belongs to the tunnel.
  const auto rest = reply.rest();
  std::string first(reinterpret_cast<const char*>(rest.data()), rest.size());
  auto lower = attempt.succeed();
  if (first.empty() && !lower->secure()) co_return lower;
  co_return make_tunnel_transport(std::move(lower), std::move(first));
}

task<error_code> read_exactly(stream& s, std::span<std::byte> to, const context& ctx) {
  while (!to.empty()) {
    const auto n = co_await s.read_some(asio::mutable_buffer(to.data(), to.size()), ctx);
    if (!n) co_return n.error();
    to = to.subspan(*n);
  }
  co_return error_code();
}

// One attempt at one host; a failure that another address of the host may not have is returned.
task<protocol::outcome<std::shared_ptr<transport>>> tunnel_by_socks(const proxy_address& proxy,
                                                                    protocol::socks5_request request,
                                                                    const connect_settings& options,
                                                                    const context& ctx) {
  protocol::socks5_client client(std::move(request));
  dial_attempt attempt(co_await reach_proxy(proxy, options, ctx));
  std::array<std::byte, protocol::socks5_client::max_wanted> buffer;
  do {
    const std::string output = client.take_output();
    const asio::const_buffer bytes = asio::buffer(output);
    error_code ec = co_await attempt.io().write(bytes, ctx);
    const auto piece = std::span(buffer).first(client.wanted());
    if (!ec) ec = co_await read_exactly(attempt.io(), piece, ctx);
    if (ec == asio::error::eof)
      throw proxy_error(options.who() + ": the proxy " + proxy.name + " ended the connection instead of answering");
    if (ec) throw system_error(ec, options.who() + ": talking to the proxy " + proxy.name);
    const auto taken = client.put(piece);
    if (!taken && client.host_failed()) co_return taken.error();
    if (!taken) throw proxy_error(options.who() + ": the proxy " + proxy.name + " " + taken.error().text);
  } while (!client.done());
  auto lower = attempt.succeed();
  co_return lower;
}

task<std::vector<std::string>> hosts_for(const proxy_address& proxy, const dial_target& target,
                                         const connect_settings& options, const context& ctx) {
  std::vector<std::string> hosts;
  if (proxy.kind == proxy_kind::socks5h) {
    hosts.push_back(target.host);
    co_return hosts;
  }
  const auto addresses = co_await resolve(target.host, options, ctx);
  for (const auto& a : interleave(addresses)) hosts.push_back(a.to_string());
  co_return hosts;
}

task<std::shared_ptr<transport>> tunnel_by_socks(const proxy_address& proxy, const dial_target& target,
                                                 const connect_settings& options, const context& ctx) {
  if (target.host.size() > 255)
    throw system_error(errc::bad_url, options.who() + ": the host of the URL is too long for SOCKS");
  protocol::socks5_request request;
  request.port = port_number(target.port);
  request.user = proxy.user;
  request.password = proxy.password;
  std::string why;
  const auto hosts = co_await hosts_for(proxy, target, options, ctx);
  for (const auto& host : hosts) {
    request.host = host;
    auto tunnel = co_await tunnel_by_socks(proxy, request, options, ctx);
    if (tunnel) co_return std::move(*tunnel);
    why = tunnel.error().text;
  }
  throw proxy_error(options.who() + ": " + target.host_field + ": the proxy " + proxy.name + " " + why);
}

}  // namespace

std::optional<proxy_address> choose_proxy(const dial_target& target, const connect_settings& options) {
  if (!options.proxy().empty()) {
    auto proxy = parse_proxy(options.proxy());
    if (!proxy) throw system_error(errc::bad_url, options.who() + ": the URL of the proxy " + proxy.error().text);
    return std::move(*proxy);
  }
  if (!options.proxy_from_environment() || options.connector()) return std::nullopt;
  auto proxy = proxy_environment::of_process().proxy_for(target);
  if (!proxy) throw system_error(errc::bad_url, options.who() + ": " + proxy.error().text);
  return std::move(*proxy);
}

std::string connect_request(const proxy_address& proxy, const dial_target& target, const connect_settings& options) {
  const std::string authority = host_and_port(target.host, target.port);
  std::string r = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (proxy.has_credentials && !has_own_authorization(options))
    r.append("Proxy-Authorization: Basic ").append(basic_credentials(proxy.user, proxy.password)).append("\r\n");
  for (const auto& f : options.proxy_headers()) r.append(f.name).append(": ").append(f.value).append("\r\n");
  return r += "\r\n";
}

task<std::shared_ptr<transport>> connect_through(const proxy_address& proxy, const dial_target& target,
                                                 const connect_settings& options, const context& ctx) {
  if (proxy.is_socks()) co_return co_await tunnel_by_socks(proxy, target, options, ctx);
  co_return co_await tunnel_by_connect(proxy, target, options, ctx);
}

}  // namespace coax::detail
