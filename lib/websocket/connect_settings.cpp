#include "protocol/header_field.hpp"
#include "websocket/proxy_address.hpp"
#include <coax/connect_options.hpp>

#include <algorithm>
#include <stdexcept>

namespace coax {

void connect_settings::refuse(const std::string& why) const { throw std::invalid_argument(who_ + "_options: " + why); }

void connect_settings::set_header(std::string_view name, std::string_view value,
                                  std::span<const std::string_view> own) {
  // Proxy-Authorization is not for servers to see.
  static constexpr std::string_view always_own[] = {"Host", "Connection", "Content-Length", "Transfer-Encoding",
                                                    "Proxy-Authorization"};
  const auto same = [name](std::string_view s) { return protocol::iequals(s, name); };
  if (std::ranges::any_of(always_own, same) || std::ranges::any_of(own, same))
    refuse("the request sets the field " + std::string(name) + " itself");
  headers_.add(name, value);
}

void connect_settings::set_host(std::string_view value) {
  if (value.empty() || !protocol::valid_field_value(value)) refuse("not a value for the field Host");
  host_ = value;
}

void connect_settings::set_proxy(std::string_view url) {
  if (const auto parsed = detail::parse_proxy(url); !parsed) refuse("the URL of the proxy " + parsed.error().text);
  proxy_ = url;
}

void connect_settings::set_proxy_header(std::string_view name, std::string_view value) {
  static constexpr std::string_view own[] = {"Host", "Content-Length", "Transfer-Encoding"};
  if (std::ranges::any_of(own, [name](std::string_view s) { return protocol::iequals(s, name); }))
    refuse("the request to the proxy sets the field " + std::string(name) + " itself");
  proxy_headers_.add(name, value);
}

}  // namespace coax
