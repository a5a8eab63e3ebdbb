#include "protocol/no_proxy.hpp"

#include "core/parse_number.hpp"
#include "protocol/header_field.hpp"

#include <algorithm>

namespace coax::protocol {
namespace {

std::string plain_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower_case(host);
}

bool is_below(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

struct host_and_port {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
};

// "host", "host:port", "[address]", "[address]:port", or an IPv6 address, whose colons are not a port's.
host_and_port split(std::string_view entry) {
  if (entry.starts_with('[')) {
    const auto end = std::min(entry.find(']'), entry.size() - 1);
    const auto rest = entry.substr(end + 1);
    return {entry.substr(1, end - 1), rest.substr(rest.empty() ? 0 : 1), rest.starts_with(':')};
  }
  const auto colon = entry.find(':');
  if (colon == entry.npos || colon != entry.rfind(':')) return {entry, {}, false};
  return {entry.substr(0, colon), entry.substr(colon + 1), true};
}

}  // namespace

no_proxy_rules::no_proxy_rules(std::string_view list) {
  constexpr std::string_view separators = ", \t\r\n";
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(separators), list.size());
    if (end != 0) add(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

bool no_proxy_rules::add_network(std::string_view text, unsigned port) {
  rule r;
  r.what = rule::kind::network;
  r.addresses = network::parse(text);
  r.port = port;
  if (!r.addresses) return false;
  rules_.push_back(std::move(r));
  return true;
}

void no_proxy_rules::add(std::string_view entry) {
  if (entry.find('/') != entry.npos) {
    add_network(entry, 0);
    return;
  }
  const auto parts = split(entry);
  const auto port = parts.has_port ? coax::detail::parse_number<std::uint16_t>(parts.port) : std::uint16_t{0};
  if (!port || (parts.has_port && *port == 0) || parts.host.empty()) return;
  if (add_network(parts.host, *port)) return;

  auto host = parts.host;
  rule r;
  r.port = *port;
  if (host != "*") {
    if (host.starts_with("*.")) host.remove_prefix(1);
    r.what = host.starts_with('.') ? rule::kind::below_domain : rule::kind::domain;
    if (host.starts_with('.')) host.remove_prefix(1);
    r.name = plain_name(host);
    if (r.name.empty()) return;
  }
  rules_.push_back(std::move(r));
}

bool no_proxy_rules::match(std::string_view host, std::uint16_t port) const {
  const auto name = plain_name(host);
  const auto address = parse_address(name);
  return std::ranges::any_of(rules_, [&](const rule& r) {
    if (r.port != 0 && r.port != port) return false;
    switch (r.what) {
      case rule::kind::everything: return true;
      case rule::kind::domain: return !address && (name == r.name || is_below(name, r.name));
      case rule::kind::below_domain: return !address && is_below(name, r.name);
      case rule::kind::network: return address && r.addresses->contains(*address);
    }
    return false;
  });
}

bool is_loopback(std::string_view host) {
  const auto name = plain_name(host);
  if (name == "localhost" || is_below(name, "localhost")) return true;
  const auto address = address_of(name);
  return address && address->is_loopback();
}

}  // namespace coax::protocol
