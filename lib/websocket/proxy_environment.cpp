#include "websocket/proxy_environment.hpp"

#include "io/system.hpp"
#include "protocol/header_field.hpp"
#include "websocket/url_authority.hpp"

namespace coax::detail {

proxy_environment::variable proxy_environment::read(const getter& get, std::string name) {
  const auto lower = protocol::lower_case(name);
  if (const char* value = get(lower.c_str()); value && *value) return {lower, value};
  if (name == "HTTP_PROXY" && get("REQUEST_METHOD")) return {};
  if (const char* value = get(name.c_str()); value && *value) return {std::move(name), value};
  return {};
}

proxy_environment::proxy_environment(const getter& get)
    : http_(read(get, "HTTP_PROXY")),
      https_(read(get, "HTTPS_PROXY")),
      all_(read(get, "ALL_PROXY")),
      direct_(read(get, "NO_PROXY").value) {}

proxy_environment proxy_environment::of_process() { return proxy_environment(&environment_variable); }

protocol::outcome<std::optional<proxy_address>> proxy_environment::proxy_for(const dial_target& target) const {
  const auto& own = target.secure ? https_ : http_;
  const auto& chosen = own.value.empty() ? all_ : own;
  if (chosen.value.empty() || protocol::is_loopback(target.host) ||
      direct_.match(target.host, port_number(target.port)))
    return std::optional<proxy_address>();
  auto proxy = parse_proxy(chosen.value);
  if (!proxy)
    return protocol::failure{
        errc::bad_url, {}, "the variable " + chosen.name + ": the URL of the proxy " + proxy.error().text};
  return std::optional<proxy_address>(std::move(*proxy));
}

}  // namespace coax::detail
