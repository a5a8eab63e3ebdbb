#include "protocol/no_proxy.hpp"

#include "protocol/header_field.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace coax::protocol {
namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> address_of(std::string_view text) {
  boost::system::error_code ec;
  auto a = ip::make_address(text, ec);
  if (ec) return std::nullopt;
  return a;
}

bool is_ipv4(const ip::address& a) { return a.is_v4() || a.to_v6().is_v4_mapped(); }

ip::address_v6::bytes_type bytes_of(const ip::address& a) {
  return a.is_v4() ? ip::make_address_v6(ip::v4_mapped, a.to_v4()).to_bytes() : a.to_v6().to_bytes();
}

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size() || n > most) return std::nullopt;
  return n;
}

std::string plain_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower_case(host);
}

bool is_below(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

// Of an IPv4 address in its IPv6 form (RFC 4291 section 2.5.5.2), what comes before it.
constexpr unsigned mapping_bits = 96;

template <class Bytes>
bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const auto whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
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
  const auto slash = text.find('/');
  const auto address = address_of(text.substr(0, slash));
  if (!address) return false;
  rule r;
  r.what = rule::kind::network;
  r.address = bytes_of(*address);
  r.prefix = 128;
  r.port = port;
  if (slash != text.npos) {
    const auto bits = number(text.substr(slash + 1), address->is_v4() ? 32 : 128);
    if (!bits) return false;
    r.prefix = *bits + (address->is_v4() ? mapping_bits : 0);
  }
  rules_.push_back(std::move(r));
  return true;
}

void no_proxy_rules::add(std::string_view entry) {
  if (entry.find('/') != entry.npos) {
    add_network(entry, 0);
    return;
  }
  const auto parts = split(entry);
  const auto port = parts.has_port ? number(parts.port, 65535) : 0;
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
  const auto address = address_of(name);
  const auto bytes = address ? bytes_of(*address) : address_bytes{};
  // A network of IPv6 that has the mapped addresses in it, as ::/0, does not mean IPv4.
  const unsigned least_prefix = address && is_ipv4(*address) ? mapping_bits : 0;
  return std::ranges::any_of(rules_, [&](const rule& r) {
    if (r.port != 0 && r.port != port) return false;
    switch (r.what) {
      case rule::kind::everything: return true;
      case rule::kind::domain: return !address && (name == r.name || is_below(name, r.name));
      case rule::kind::below_domain: return !address && is_below(name, r.name);
      case rule::kind::network: return address && r.prefix >= least_prefix && same_prefix(bytes, r.address, r.prefix);
    }
    return false;
  });
}

bool is_loopback(std::string_view host) {
  const auto name = plain_name(host);
  if (name == "localhost" || is_below(name, "localhost")) return true;
  const auto address = address_of(name);
  if (!address) return false;
  if (address->is_v6() && address->to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address->to_v6()).is_loopback();
  return address->is_loopback();
}

}  // namespace coax::protocol
