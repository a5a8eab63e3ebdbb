#include "protocol/handshake.hpp"

#include "protocol/accept_key.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace coax::protocol {
namespace {

std::string number_of(header_fields fields, std::string_view name) {
  return std::to_string(count(fields, name)) + " fields " + std::string(name);
}

std::optional<rejection> check_intent(const request_head& request) {
  const auto refuse = [](std::string text) {
    return rejection{426, {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}, std::move(text)};
  };
  if (request.version < 11) return refuse("WebSocket needs HTTP/1.1 (RFC 6455 4.1)");
  if (!has_token(request.fields, "Connection", "Upgrade")) {
    return refuse("the Connection field of a WebSocket request names Upgrade (RFC 6455 4.2.1)");
  }
  if (!has_token(request.fields, "Upgrade", "websocket")) {
    return refuse("the Upgrade field of a WebSocket request names websocket (RFC 6455 4.2.1)");
  }
  if (request.method != "GET") {
    return rejection{405,
                     {{"Allow", "GET"}},
                     "a WebSocket request has the method GET, not " + in_quotes(request.method) + " (RFC 6455 4.1)"};
  }
  return std::nullopt;
}

std::optional<rejection> check_version(header_fields fields) {
  const auto refuse = [](std::string text) {
    return rejection{400, {{"Sec-WebSocket-Version", "13"}}, std::move(text)};
  };
  if (count(fields, "Host") != 1) return refuse(number_of(fields, "Host") + " instead of one (RFC 6455 4.2.1)");
  const auto version = only_value(fields, "Sec-WebSocket-Version");
  if (!version) return refuse(number_of(fields, "Sec-WebSocket-Version") + " instead of one (RFC 6455 4.2.1)");
  if (*version != "13")
    return refuse("version " + in_quotes(*version) + " of the WebSocket protocol instead of 13 (RFC 6455 4.4)");
  return std::nullopt;
}

std::optional<rejection> check_key(header_fields fields) {
  const auto key = only_value(fields, "Sec-WebSocket-Key");
  if (!key) return rejection{400, {}, number_of(fields, "Sec-WebSocket-Key") + " instead of one (RFC 6455 4.2.1)"};
  if (!valid_key(*key)) {
    return rejection{400, {}, "Sec-WebSocket-Key " + in_quotes(*key) + " is not base64 of 16 bytes (RFC 6455 4.2.1)"};
  }
  return std::nullopt;
}

std::optional<rejection> check_origin(header_fields fields, const accept_policy& policy) {
  if (!policy.check_origin || count(fields, "Origin") == 0) return std::nullopt;
  const auto origin = only_value(fields, "Origin");
  if (!origin) return rejection{403, {}, number_of(fields, "Origin") + " instead of one"};
  const auto host = only_value(fields, "Host").value_or("");
  if (policy.origins.allows(*origin, host)) return std::nullopt;
  return rejection{403, {}, "origin " + in_quotes(*origin) + " is not allowed for host " + in_quotes(host)};
}

/// The server's order decides, the client's spelling is kept.
std::string_view choose_subprotocol(header_fields fields, const std::vector<std::string>& supported) {
  if (supported.empty()) return {};
  const auto offered = list_elements(fields, "Sec-WebSocket-Protocol");
  for (const auto& ours : supported) {
    const auto found = std::ranges::find_if(offered, [&](std::string_view theirs) { return iequals(ours, theirs); });
    if (found != offered.end()) return *found;
  }
  return {};
}

failure bad_reply(std::string text) { return {errc::handshake_failed, status::protocol_error, std::move(text)}; }

std::optional<failure> check_acceptance(const reply_head& reply, std::string_view key) {
  if (reply.status != 101) {
    return bad_reply("the server answered with HTTP status " + std::to_string(reply.status) + " instead of 101");
  }
  if (!has_token(reply.fields, "Upgrade", "websocket")) {
    return bad_reply("the Upgrade field of the reply does not name websocket (RFC 6455 4.1)");
  }
  if (!has_token(reply.fields, "Connection", "Upgrade")) {
    return bad_reply("the Connection field of the reply does not name Upgrade (RFC 6455 4.1)");
  }
  const auto accept = only_value(reply.fields, "Sec-WebSocket-Accept");
  if (!accept) return bad_reply(number_of(reply.fields, "Sec-WebSocket-Accept") + " in the reply instead of one");
  if (*accept != accept_value(key)) {
    return bad_reply("Sec-WebSocket-Accept " + in_quotes(*accept) + " does not belong to the key sent (RFC 6455 4.1)");
  }
  return std::nullopt;
}

outcome<std::string> check_subprotocol(header_fields fields, std::span<const std::string> offered) {
  if (count(fields, "Sec-WebSocket-Protocol") == 0) return std::string();
  const auto chosen = only_value(fields, "Sec-WebSocket-Protocol");
  if (!chosen) return bad_reply("the server chose several subprotocols (RFC 6455 4.1)");
  const auto found = std::ranges::find_if(offered, [&](const std::string& ours) { return iequals(ours, *chosen); });
  if (found != offered.end()) return *found;
  return bad_reply("the server chose the subprotocol " + in_quotes(*chosen) + ", which was not offered (RFC 6455 4.1)");
}

}  // namespace

upgrade_verdict check_upgrade(const request_head& request, const accept_policy& policy,
                              const deflate_options& deflate) {
  const auto fields = request.fields;
  auto refused = check_intent(request);
  if (!refused) refused = check_version(fields);
  if (!refused) refused = check_key(fields);
  if (!refused) refused = check_origin(fields, policy);
  if (refused) return *std::move(refused);

  const auto subprotocol = choose_subprotocol(fields, policy.subprotocols);
  if (subprotocol.empty() && policy.require_subprotocol) {
    return rejection{400, {}, "none of the subprotocols offered is supported here (RFC 6455 4.2.2)"};
  }
  return upgrade{accept_value(*only_value(fields, "Sec-WebSocket-Key")), std::string(subprotocol),
                 choose_deflate(fields, deflate)};
}

outcome<server_choice> check_reply(const reply_head& reply, const client_offer& offer) {
  if (auto wrong = check_acceptance(reply, offer.key)) return *std::move(wrong);
  const auto deflate = check_extensions(reply.fields, offer.deflate);
  if (!deflate) return deflate.error();
  const auto subprotocol = check_subprotocol(reply.fields, offer.subprotocols);
  if (!subprotocol) return subprotocol.error();
  return server_choice{*subprotocol, *deflate};
}

}  // namespace coax::protocol
