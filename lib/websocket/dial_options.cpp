#include "protocol/header_field.hpp"
#include "websocket/proxy_address.hpp"
#include <coax/dial.hpp>

#include <algorithm>
#include <stdexcept>

namespace coax {
namespace {

// What `dial` writes itself, and what would give the request a body.
bool belongs_to_handshake(std::string_view name) {
  // Proxy-Authorization is not for servers to see.
  static constexpr std::string_view own[] = {"Host",           "Upgrade",           "Connection",
                                             "Content-Length", "Transfer-Encoding", "Proxy-Authorization"};
  const auto same = [name](std::string_view s) { return protocol::iequals(s, name); };
  return std::ranges::any_of(own, same) || protocol::lower_case(name).starts_with("sec-websocket-");
}

}  // namespace

dial_options& dial_options::header(std::string_view name, std::string_view value) {
  if (belongs_to_handshake(name))
    throw std::invalid_argument("dial_options: the handshake sets the field " + std::string(name) + " itself");
  headers_.add(name, value);
  return *this;
}

dial_options& dial_options::proxy(std::string_view url) {
  if (const auto parsed = detail::parse_proxy(url); !parsed)
    throw std::invalid_argument("dial_options: the URL of the proxy " + parsed.error().text);
  proxy_ = url;
  return *this;
}

dial_options& dial_options::proxy_header(std::string_view name, std::string_view value) {
  static constexpr std::string_view own[] = {"Host", "Content-Length", "Transfer-Encoding"};
  if (std::ranges::any_of(own, [name](std::string_view s) { return protocol::iequals(s, name); }))
    throw std::invalid_argument("dial_options: the request to the proxy sets the field " + std::string(name) +
                                " itself");
  proxy_headers_.add(name, value);
  return *this;
}

dial_options& dial_options::host(std::string_view value) {
  if (value.empty() || !protocol::valid_field_value(value))
    throw std::invalid_argument("dial_options: not a value for the field Host");
  host_ = value;
  return *this;
}

// RFC 6455 section 4.1, 10: tokens, each of them once.
dial_options& dial_options::subprotocol(std::string name) {
  if (!protocol::is_token(name)) throw std::invalid_argument("dial_options: a subprotocol must be a token: " + name);
  if (std::ranges::find(subprotocols_, name) != subprotocols_.end())
    throw std::invalid_argument("dial_options: the subprotocol " + name + " is there already");
  subprotocols_.push_back(std::move(name));
  return *this;
}

dial_options& dial_options::subprotocols(std::vector<std::string> names) {
  for (auto& n : names) subprotocol(std::move(n));
  return *this;
}

}  // namespace coax
