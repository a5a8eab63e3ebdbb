/// The proxies that the environment names.
#pragma once

#include "protocol/no_proxy.hpp"
#include "websocket/dial_target.hpp"
#include "websocket/proxy_address.hpp"

#include <functional>
#include <optional>

namespace coax::detail {

/// HTTPS_PROXY for wss, HTTP_PROXY for ws, ALL_PROXY for what has none of these, and NO_PROXY (protocol/no_proxy.hpp).
/// Lower case counts before upper case; an empty variable is none. HTTP_PROXY is not looked at where REQUEST_METHOD is
/// set: in a CGI program, a client sets it with a field "Proxy" (CVE-2016-5385).
class proxy_environment {
 public:
  /// Gives the value of a variable, or null.
  using getter = std::function<const char*(const char* name)>;

  explicit proxy_environment(const getter& get);
  static proxy_environment of_process();

  /// The proxy on the way to a host; none for the machine itself (localhost and its addresses). The text of a failure
  /// names the variable, and not its value.
  protocol::outcome<std::optional<proxy_address>> proxy_for(const dial_target& target) const;

 private:
  struct variable {
    std::string name;
    std::string value;
  };

  static variable read(const getter& get, std::string name);

  variable http_;
  variable https_;
  variable all_;
  protocol::no_proxy_rules direct_;
};

}  // namespace coax::detail
