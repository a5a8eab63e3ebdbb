#include "protocol/header_field.hpp"
#include <coax/affinity.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace coax {
namespace {

using clock = std::chrono::system_clock;

constexpr std::size_t max_name = 64;

bool is_node_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= max_name && std::ranges::all_of(name, allowed);
}

// A signature is for one node's name.
std::string purpose_of(std::string_view node) { return "coax affinity " + std::string(node); }

// The payload of a token is the time of its end, in seconds since 1970, the most significant byte first.
std::string to_payload(clock::time_point end) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(end.time_since_epoch()).count();
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes += static_cast<char>(static_cast<std::uint64_t>(seconds) >> shift & 0xffU);
  return bytes;
}

std::optional<clock::time_point> from_payload(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  std::uint64_t seconds = 0;
  for (const char c : bytes) seconds = seconds << 8 | static_cast<unsigned char>(c);
  return clock::time_point(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

// The first one counts, as for the balancer.
std::string_view value_of(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const auto pair = protocol::trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return pair.substr(name.size() + 1);
  }
  return {};
}

}  // namespace

affinity::affinity(std::string node, signing_keys keys) : node_(std::move(node)), keys_(std::move(keys)) {
  if (!is_node_name(node_))
    throw std::invalid_argument("affinity: a node's name has 1 to 64 letters, digits, '-' and '_'");
}

affinity& affinity::cookie(std::string name) {
  if (!protocol::is_token(name)) throw std::invalid_argument("affinity: the name of the cookie is not a token");
  cookie_ = std::move(name);
  return *this;
}

affinity& affinity::max_age(std::chrono::seconds d) {
  if (d < std::chrono::seconds(2)) throw std::invalid_argument("affinity: max_age is less than 2 s");
  max_age_ = std::min<std::chrono::seconds>(d, std::chrono::hours(876'000));
  return *this;
}

affinity& affinity::path(std::string p) {
  if (!p.starts_with('/') || p.find(';') != p.npos || !protocol::valid_field_value(p))
    throw std::invalid_argument("affinity: a path begins with '/', and has no ';' and no control characters");
  path_ = std::move(p);
  return *this;
}

std::string_view affinity::named_node(std::string_view value) noexcept {
  const auto dot = value.find('.');
  return dot == value.npos ? std::string_view() : value.substr(0, dot);
}

std::optional<std::string> affinity::verified_node(std::string_view value, clock::time_point now) const {
  const auto node = named_node(value);
  if (!is_node_name(node)) return std::nullopt;
  const auto payload = keys_.verify(purpose_of(node), value.substr(node.size() + 1));
  const auto end = payload ? from_payload(*payload) : std::nullopt;
  if (!end || *end <= now) return std::nullopt;
  return std::string(node);
}

affinity::standing affinity::standing_of(std::string_view value, clock::time_point now) const {
  const auto node = verified_node(value, now);
  if (!node) return standing::none;
  if (*node != node_) return standing::of_another;
  // Asked for a later time, the same value holds no more: then it is in its second half.
  return verified_node(value, now + max_age_ / 2) ? standing::ours : standing::ours_and_aged;
}

std::string affinity::attributes(bool tls) const {
  std::string text = "; Path=" + path_;
  if (http_only_) text += "; HttpOnly";
  if (secure_.value_or(tls) || same_site_ == coax::same_site::none) text += "; Secure";
  switch (same_site_) {
    case coax::same_site::unset: break;
    case coax::same_site::lax: text += "; SameSite=Lax"; break;
    case coax::same_site::strict: text += "; SameSite=Strict"; break;
    case coax::same_site::none: text += "; SameSite=None"; break;
  }
  return text;
}

std::optional<std::string> affinity::set_cookie(std::string_view cookies, bool tls, clock::time_point now) const {
  const auto value = value_of(cookies, cookie_);
  const auto had = standing_of(value, now);
  if (is_alive_ && !is_alive_(node_)) {
    // A value that names us leads here, whether it is good or not.
    if (named_node(value) != node_) return std::nullopt;
    return cookie_ + "=; Max-Age=0" + attributes(tls);
  }
  if (had == standing::ours) return std::nullopt;
  if (had == standing::of_another && is_alive_ && is_alive_(named_node(value))) return std::nullopt;
  const auto token = keys_.sign(purpose_of(node_), to_payload(now + max_age_));
  return cookie_ + '=' + node_ + '.' + token + "; Max-Age=" + std::to_string(max_age_.count()) + attributes(tls);
}

}  // namespace coax
