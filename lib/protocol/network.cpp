#include "protocol/network.hpp"

#include "core/parse_number.hpp"

#include <algorithm>
#include <stdexcept>

namespace coax::protocol {
namespace {

namespace ip = boost::asio::ip;

// Of an IPv4 address in its IPv6 form, what comes before it.
constexpr unsigned mapping_bits = 96;

bool is_ipv4(const ip::address& a) { return a.is_v4() || a.to_v6().is_v4_mapped(); }

ip::address_v6::bytes_type bytes_of(const ip::address& a) {
  return a.is_v4() ? ip::make_address_v6(ip::v4_mapped, a.to_v4()).to_bytes() : a.to_v6().to_bytes();
}

template <class Bytes>
bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const auto whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

}  // namespace

std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code ec;
  auto a = ip::make_address(text, ec);
  if (ec) return std::nullopt;
  return a;
}

std::optional<ip::address> address_of(std::string_view text) {
  if (text.starts_with('['))
    text = text.substr(1, text.find(']') - 1);
  else if (const auto colon = text.find(':'); colon == text.rfind(':'))
    text = text.substr(0, colon);
  auto a = parse_address(text.substr(0, text.find('%')));
  if (a && a->is_v6() && a->to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a->to_v6());
  return a;
}

std::optional<network> network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == text.npos) return network(bytes_of(*address), 128);
  const auto bits = coax::detail::parse_number<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > (address->is_v4() ? 32U : 128U)) return std::nullopt;
  return network(bytes_of(*address), *bits + (address->is_v4() ? mapping_bits : 0));
}

bool network::contains(const ip::address& a) const noexcept {
  return prefix_ >= (is_ipv4(a) ? mapping_bits : 0) && same_prefix(bytes_of(a), address_, prefix_);
}

network_list::network_list(const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    if (text == "unix") {
      unix_ = true;
      continue;
    }
    const auto n = network::parse(text);
    if (!n) throw std::invalid_argument("\"" + text + "\" is no network, as 10.0.0.0/8 or fd00::/8, and not \"unix\"");
    networks_.push_back(*n);
  }
}

bool network_list::contains(const ip::address& a) const noexcept {
  return std::ranges::any_of(networks_, [&](const network& n) { return n.contains(a); });
}

bool network_list::contains_endpoint(std::string_view endpoint) const {
  const auto a = address_of(endpoint);
  return a ? contains(*a) : unix_;
}

}  // namespace coax::protocol
