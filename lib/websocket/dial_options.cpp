#include "protocol/header_field.hpp"
#include <coax/dial.hpp>

#include <algorithm>

namespace coax {

dial_options& dial_options::header(std::string_view name, std::string_view value) {
  static constexpr std::string_view upgrade = "Upgrade";
  const bool own = protocol::lower_case(name).starts_with("sec-websocket-");
  return set_header(name, value, std::span(own ? &name : &upgrade, 1)), *this;
}

// RFC 6455 section 4.1, 10: tokens, each of them once.
dial_options& dial_options::subprotocol(std::string name) {
  if (!protocol::is_token(name)) refuse("a subprotocol must be a token: " + name);
  if (std::ranges::find(subprotocols_, name) != subprotocols_.end())
    refuse("the subprotocol " + name + " is there already");
  subprotocols_.push_back(std::move(name));
  return *this;
}

dial_options& dial_options::subprotocols(std::vector<std::string> names) {
  for (auto& n : names) subprotocol(std::move(n));
  return *this;
}

}  // namespace coax
