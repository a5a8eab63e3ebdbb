/// Connections without a handshake.
#pragma once

#include "protocol/extensions.hpp"
#include "websocket/connection.hpp"
#include <coax/conn.hpp>

namespace coax::test {

struct options : conn_options<options> {
  options() = default;
};

/// What a client and a server with these options agree on.
inline std::optional<protocol::deflate_agreement> agree(const deflate_options& o) {
  const auto offer = protocol::deflate_offer(o);
  const protocol::header_field request[] = {{"Sec-WebSocket-Extensions", offer}};
  const auto answer = protocol::choose_deflate(request, o);
  if (!answer) return std::nullopt;
  return answer->agreement;
}

inline conn over(std::shared_ptr<transport> t, protocol::role role, const options& o = {}) {
  const coax::detail::connection_settings settings(role, o, {}, agree(o.deflate()));
  return conn(coax::detail::connection::create(std::move(t), settings, {}));
}

}  // namespace coax::test
