// Heads of arbitrary fields, replies, origins and patterns.
//
// Input: lines; the first is an origin pattern, the second the method, the others are fields "name:value". A line that
// begins with a digit gives a field of the handshake a name that matters.
#include "fuzz/require.hpp"
#include "protocol/accept_key.hpp"
#include "protocol/handshake.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

using namespace coax::protocol;

namespace {

header_field field_of(std::string_view line) {
  constexpr std::string_view names[] = {"Host",
                                        "Connection",
                                        "Upgrade",
                                        "Sec-WebSocket-Version",
                                        "Sec-WebSocket-Key",
                                        "Origin",
                                        "Sec-WebSocket-Protocol",
                                        "Sec-WebSocket-Extensions",
                                        "Sec-WebSocket-Accept",
                                        "Cookie"};
  if (!line.empty() && line[0] >= '0' && line[0] <= '9') return {names[line[0] - '0'], line.substr(1)};
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {line, {}};
  return {line.substr(0, colon), line.substr(colon + 1)};
}

accept_policy policy_of(std::string_view pattern) {
  accept_policy policy;
  policy.subprotocols = {"chat", "x"};
  const std::vector<std::string> patterns{std::string(pattern)};
  try {
    policy.origins = origin_patterns(patterns);
  } catch (const std::invalid_argument&) {
  }
  return policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = policy_of(coax::next_line(text));
  const auto method = coax::next_line(text);
  std::vector<header_field> fields;
  while (!text.empty()) fields.push_back(field_of(coax::next_line(text)));

  const auto verdict = check_upgrade({.method = method, .version = 11, .fields = fields}, policy);
  if (verdict) {
    coax::require(method == "GET" && count(fields, "Host") == 1, "only a proper request is accepted");
    coax::require(verdict->accept == accept_value(only_value(fields, "Sec-WebSocket-Key").value()),
                  "the key is answered");
    coax::require(verdict->subprotocol.empty() || is_token(verdict->subprotocol), "the subprotocol is a token");
    const auto origin = only_value(fields, "Origin");
    coax::require(!origin || policy.origins.allows(*origin, only_value(fields, "Host").value()),
                  "the origin is allowed");
  } else {
    coax::require(verdict.error().http_status >= 400 && verdict.error().text.size() < 400,
                  "a refusal has a short text");
  }

  client_offer offer;
  offer.key = "dGhlIHNhbXBsZSBub25jZQ==";
  offer.subprotocols = policy.subprotocols;
  const auto chosen = check_reply({101, fields}, offer);
  if (chosen) {
    coax::require(only_value(fields, "Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the proof is right");
    coax::require(list_elements(fields, "Sec-WebSocket-Extensions").empty(), "no extension is accepted unasked");
  }
  return 0;
}
