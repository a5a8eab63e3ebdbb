#include "websocket/dial_request.hpp"

#include "protocol/extensions.hpp"

namespace coax::detail {

std::string dial_request::head(std::string_view key) const {
  std::string r = begin_head("GET");
  add_field(r, "Upgrade", "websocket");
  add_field(r, "Connection", "Upgrade");
  add_field(r, "Sec-WebSocket-Version", "13");
  add_field(r, "Sec-WebSocket-Key", key);
  std::string offered;
  for (const auto& name : options_.subprotocols()) offered.append(offered.empty() ? "" : ", ").append(name);
  if (!offered.empty()) add_field(r, "Sec-WebSocket-Protocol", offered);
  const auto deflate = protocol::deflate_offer(options_.deflate());
  if (!deflate.empty()) add_field(r, "Sec-WebSocket-Extensions", deflate);
  end_head(r);
  return r;
}

}  // namespace coax::detail
