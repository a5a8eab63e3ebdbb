#include "websocket/dial_request.hpp"

#include "protocol/extensions.hpp"
#include <coax/cookie_jar.hpp>

#include <algorithm>
#include <stdexcept>

namespace coax::detail {
namespace {

using protocol::iequals;

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [name](std::string_view s) { return iequals(s, name); });
}

bool is_secret(std::string_view name) {
  static constexpr std::string_view secrets[] = {"Authorization", "Cookie", "Cookie2", "WWW-Authenticate"};
  return is_one_of(name, secrets);
}

void append_cookies(std::string& all, std::string_view more) {
  if (!all.empty() && !more.empty()) all += "; ";
  all += more;
}

}  // namespace

dial_request::dial_request(std::string_view url, const dial_options& options)
    : options_(options), target_(parse_dial_target(url)) {}

std::string dial_request::head(std::string_view key) const {
  std::string r = "GET " + target_.request + " HTTP/1.1\r\n";
  const auto add = [&r](std::string_view name, std::string_view value) {
    r.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", options_.host().empty() || !at_home_ ? target_.host_field : options_.host());
  add("Upgrade", "websocket");
  add("Connection", "Upgrade");
  add("Sec-WebSocket-Version", "13");
  add("Sec-WebSocket-Key", key);
  std::string offered;
  for (const auto& name : options_.subprotocols()) offered.append(offered.empty() ? "" : ", ").append(name);
  if (!offered.empty()) add("Sec-WebSocket-Protocol", offered);
  const auto deflate = protocol::deflate_offer(options_.deflate());
  if (!deflate.empty()) add("Sec-WebSocket-Extensions", deflate);

  const bool own = at_home_ && options_.headers().contains("Authorization");
  if (!target_.credentials.empty() && !own) add("Authorization", "Basic " + target_.credentials);
  std::string cookies;  // RFC 6265 section 5.4: one field for all
  for (const auto& f : options_.headers()) {
    if (!at_home_ && is_secret(f.name)) continue;
    if (iequals(f.name, "Cookie"))
      append_cookies(cookies, f.value);
    else
      add(f.name, f.value);
  }
  if (options_.cookies()) append_cookies(cookies, options_.cookies()->cookies_for(target_.http_url()));
  if (!protocol::valid_field_value(cookies))
    throw std::invalid_argument("dial: the cookie jar gave control characters for the field Cookie");
  if (!cookies.empty()) add("Cookie", cookies);
  return r += "\r\n";
}

void dial_request::keep_cookies(protocol::header_fields answer) const {
  if (!options_.cookies()) return;
  for (const auto& f : answer)
    if (iequals(f.name, "Set-Cookie")) options_.cookies()->set_cookie(target_.http_url(), f.value);
}

bool dial_request::follows(unsigned status) const noexcept {
  static constexpr unsigned redirects[] = {301, 302, 303, 307, 308};
  return options_.max_redirects() != 0 && std::ranges::find(redirects, status) != std::end(redirects);
}

protocol::outcome<void> dial_request::follow(protocol::header_fields answer) {
  const auto wrong = [](std::string text) { return protocol::failure{errc::handshake_failed, {}, std::move(text)}; };
  if (protocol::count(answer, "Location") == 0) return wrong("a redirect without a Location");
  const auto location = protocol::only_value(answer, "Location");
  if (!location) return wrong("a redirect with several Locations");
  auto next = redirect_target(target_, *location);
  if (!next) return wrong("a redirect whose Location " + next.error().text);
  if (redirects_ == options_.max_redirects())
    return wrong("redirect number " + std::to_string(redirects_ + 1) + ", to " + next->name() +
                 ", which is one more than max_redirects allows");

  ++redirects_;
  if (!same_origin(target_, *next))
    at_home_ = false;
  else if (next->credentials.empty())
    next->credentials = target_.credentials;
  target_ = std::move(*next);
  return {};
}

}  // namespace coax::detail
