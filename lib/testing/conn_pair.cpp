#include "protocol/extensions.hpp"
#include "protocol/handshake.hpp"
#include "websocket/connection.hpp"
#include <coax/testing_conn.hpp>

#include <algorithm>
#include <tuple>

namespace coax::testing {
namespace {

std::string agreed_subprotocol(const std::vector<std::string>& spoken, const std::vector<std::string>& offered) {
  const auto both = [&](const std::string& name) { return std::ranges::find(offered, name) != offered.end(); };
  const auto found = std::ranges::find_if(spoken, both);
  return found == spoken.end() ? std::string() : *found;
}

std::optional<protocol::deflate_agreement> agreed_deflate(const deflate_options& server,
                                                          const deflate_options& client) {
  const auto offer = protocol::deflate_offer(client);
  const protocol::header_field request[] = {{"Sec-WebSocket-Extensions", offer}};
  const auto answer = protocol::choose_deflate(request, server);
  if (!answer) return std::nullopt;
  return answer->agreement;
}

}  // namespace

conn_pair::conn_pair(asio::any_io_executor ex, const accept_options& server_options, const dial_options& client_options,
                     const faults& both) {
  std::tie(server_end, client_end) = memory_pair(ex, ex, both);
  const auto subprotocol = agreed_subprotocol(server_options.policy().subprotocols, client_options.subprotocols());
  const auto deflate = agreed_deflate(server_options.deflate(), client_options.deflate());
  const detail::connection_settings at_server(protocol::role::server, server_options, subprotocol, deflate);
  const detail::connection_settings at_client(protocol::role::client, client_options, subprotocol, deflate);
  server = conn(detail::connection::create(server_end, at_server, {}));
  client = conn(detail::connection::create(client_end, at_client, {}));
}

}  // namespace coax::testing
