#include "websocket/dial_route.hpp"

#include <coax/cookie_jar.hpp>

#include <algorithm>
#include <span>
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

void dial_route::add_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string dial_route::begin_head(std::string_view method) const {
  std::string head(method);
  head.append(" ").append(target_.request).append(" HTTP/1.1\r\n");
  add_field(head, "Host", options_.host().empty() || !at_home_ ? target_.host_field : options_.host());
  return head;
}

void dial_route::end_head(std::string& head, std::span<const std::string_view> without) const {
  const bool own = at_home_ && options_.headers().contains("Authorization");
  if (!target_.credentials.empty() && !own) add_field(head, "Authorization", "Basic " + target_.credentials);
  std::string cookies;  // RFC 6265 section 5.4: one field for all
  for (const auto& f : options_.headers()) {
    if ((!at_home_ && is_secret(f.name)) || is_one_of(f.name, without)) continue;
    if (iequals(f.name, "Cookie"))
      append_cookies(cookies, f.value);
    else
      add_field(head, f.name, f.value);
  }
  if (options_.cookies()) append_cookies(cookies, options_.cookies()->cookies_for(target_.http_url()));
  if (!protocol::valid_field_value(cookies))
    throw std::invalid_argument(options_.who() + ": the cookie jar gave control characters for the field Cookie");
  if (!cookies.empty()) add_field(head, "Cookie", cookies);
  head += "\r\n";
}

void dial_route::keep_cookies(protocol::header_fields answer) const {
  if (!options_.cookies()) return;
  for (const auto& f : answer)
    if (iequals(f.name, "Set-Cookie")) options_.cookies()->set_cookie(target_.http_url(), f.value);
}

bool dial_route::follows(unsigned status) const noexcept {
  static constexpr unsigned redirects[] = {301, 302, 303, 307, 308};
  return options_.max_redirects() != 0 && std::ranges::find(redirects, status) != std::end(redirects);
}

protocol::outcome<void> dial_route::follow(protocol::header_fields answer) {
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
