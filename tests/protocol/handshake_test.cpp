#include "protocol/handshake.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(handshake)

constexpr auto key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr auto accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A head that can be changed field by field.
struct head {
  std::vector<header_field> fields;

  head with(std::string_view name, std::string_view value) const {
    auto changed = without(name);
    changed.fields.push_back({name, value});
    return changed;
  }
  head and_also(std::string_view name, std::string_view value) const {
    auto changed = *this;
    changed.fields.push_back({name, value});
    return changed;
  }
  head without(std::string_view name) const {
    auto changed = *this;
    std::erase_if(changed.fields, [&](const header_field& f) { return iequals(f.name, name); });
    return changed;
  }
};

const head good{{{"Host", "example.com"},
                 {"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Key", key},
                 {"Sec-WebSocket-Version", "13"}}};

/// "101", or the status and the extra fields of the rejection.
std::string answer_to(const head& h, const accept_policy& policy = {}, std::string_view method = "GET",
                      unsigned version = 11) {
  const auto verdict = check_upgrade({.method = method, .version = version, .fields = h.fields}, policy);
  if (verdict) return "101";
  auto text = std::to_string(verdict.error().http_status);
  for (const auto& f : verdict.error().fields) text.append(" ").append(f.name).append(": ").append(f.value);
  BOOST_TEST(!verdict.error().text.empty());
  return text;
}

constexpr auto not_websocket = "426 Connection: Upgrade Upgrade: websocket";
constexpr auto bad_version = "400 Sec-WebSocket-Version: 13";

BOOST_AUTO_TEST_CASE(the_request_of_the_rfc_is_accepted) {
  const auto verdict = check_upgrade({.method = "GET", .version = 11, .fields = good.fields}, {});

  BOOST_REQUIRE(verdict.has_value());
  BOOST_TEST(verdict->accept == accept);
  BOOST_TEST(verdict->subprotocol == "");
}

BOOST_AUTO_TEST_CASE(each_violation_of_a_request_has_its_answer) {
  struct row {
    head request;
    const char* answer;
  };
  const row rows[] = {
      {good.with("Connection", "keep-alive, UPGRADE"), "101"},
      {good.with("Connection", "keep-alive").and_also("Connection", "upgrade"), "101"},
      {good.with("Connection", "close"), not_websocket},
      {good.with("Connection", "Upgraded"), not_websocket},
      {good.without("Connection"), not_websocket},
      {good.with("Upgrade", "WebSocket"), "101"},
      {good.with("Upgrade", "h2c, websocket"), "101"},
      {good.with("Upgrade", "h2c"), not_websocket},
      {good.without("Upgrade"), not_websocket},
      {good.without("Host"), bad_version},
      {good.and_also("Host", "example.com"), bad_version},
      {good.without("Sec-WebSocket-Version"), bad_version},
      {good.with("Sec-WebSocket-Version", "8"), bad_version},
      {good.with("Sec-WebSocket-Version", "13, 8"), bad_version},
      {good.and_also("Sec-WebSocket-Version", "13"), bad_version},
      {good.with("Sec-WebSocket-Version", " 13 "), "101"},
      {good.without("Sec-WebSocket-Key"), "400"},
      {good.and_also("Sec-WebSocket-Key", key), "400"},
      {good.with("Sec-WebSocket-Key", " dGhlIHNhbXBsZSBub25jZQ==\t"), "101"},
      {good.with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ"), "400"},
      {good.with("Sec-WebSocket-Key", ""), "400"},
      {good.with("Origin", "https://example.com"), "101"},
      {good.with("Origin", "https://evil.com"), "403"},
      {good.with("Origin", "null"), "403"},
      {good.with("Origin", ""), "403"},
      {good.with("Origin", "https://example.com").and_also("Origin", "https://evil.com"), "403"},
  };
  for (const auto& r : rows) BOOST_TEST(answer_to(r.request) == r.answer, "row " << &r - rows);
}

BOOST_AUTO_TEST_CASE(the_checks_come_in_the_order_of_the_table) {
  auto request = good.with("Connection", "close").without("Host").with("Sec-WebSocket-Key", "x").with("Origin", "null");

  BOOST_TEST(answer_to(request, {}, "POST", 10) == not_websocket);
  BOOST_TEST(answer_to(request, {}, "POST") == not_websocket);
  request = request.with("Connection", "Upgrade");
  BOOST_TEST(answer_to(request, {}, "POST") == "405 Allow: GET");
  BOOST_TEST(answer_to(request) == bad_version);
  request = request.with("Host", "example.com");
  BOOST_TEST(answer_to(request) == "400");
  request = request.with("Sec-WebSocket-Key", key);
  BOOST_TEST(answer_to(request) == "403");
  BOOST_TEST(answer_to(request.without("Origin")) == "101");
}

BOOST_AUTO_TEST_CASE(old_http_and_other_methods_are_refused) {
  BOOST_TEST(answer_to(good, {}, "GET", 10) == not_websocket);
  BOOST_TEST(answer_to(good, {}, "GET", 20) == "101");
  BOOST_TEST(answer_to(good, {}, "get") == "405 Allow: GET");
}

BOOST_AUTO_TEST_CASE(origins_are_allowed_by_pattern_or_not_checked_at_all) {
  const std::vector<std::string> list{"*.partner.org"};
  accept_policy by_pattern, unchecked;
  by_pattern.origins = origin_patterns(list);
  unchecked.check_origin = false;

  BOOST_TEST(answer_to(good.with("Origin", "https://app.partner.org"), by_pattern) == "101");
  BOOST_TEST(answer_to(good.with("Origin", "https://evil.com"), by_pattern) == "403");
  BOOST_TEST(answer_to(good.with("Origin", "https://evil.com"), unchecked) == "101");
}

BOOST_AUTO_TEST_CASE(the_servers_order_decides_the_subprotocol_and_the_clients_spelling_is_echoed) {
  accept_policy policy;
  policy.subprotocols = {"chat.v2", "chat.v1"};
  const auto chosen = [&](const head& h) {
    const auto verdict = check_upgrade({.method = "GET", .version = 11, .fields = h.fields}, policy);
    return verdict ? verdict->subprotocol : "refused " + std::to_string(verdict.error().http_status);
  };
  constexpr auto name = "Sec-WebSocket-Protocol";

  BOOST_TEST(chosen(good) == "");
  BOOST_TEST(chosen(good.with(name, "chat.v1, chat.v2")) == "chat.v2");
  BOOST_TEST(chosen(good.with(name, "chat.v1").and_also(name, "CHAT.V2")) == "CHAT.V2");
  BOOST_TEST(chosen(good.with(name, "x, Chat.v1")) == "Chat.v1");
  BOOST_TEST(chosen(good.with(name, "x")) == "");

  policy.require_subprotocol = true;
  BOOST_TEST(chosen(good.with(name, "chat.v1")) == "chat.v1");
  BOOST_TEST(chosen(good.with(name, "x")) == "refused 400");
  BOOST_TEST(chosen(good) == "refused 400");
}

BOOST_AUTO_TEST_CASE(deflate_is_chosen_where_it_is_on) {
  const auto request = good.with("Sec-WebSocket-Extensions", "permessage-deflate");
  const auto plain = check_upgrade({.method = "GET", .version = 11, .fields = request.fields}, {});
  const auto compressed =
      check_upgrade({.method = "GET", .version = 11, .fields = request.fields}, {}, deflate_mode::context_takeover);

  BOOST_REQUIRE(plain.has_value());
  BOOST_TEST(!plain->deflate.has_value());
  BOOST_REQUIRE(compressed.has_value());
  BOOST_REQUIRE(compressed->deflate.has_value());
  BOOST_TEST(compressed->deflate->extension == "permessage-deflate");
}

BOOST_AUTO_TEST_CASE(an_endless_value_is_shortened_in_the_text) {
  const std::string origin = "https://" + std::string(5000, 'x');
  const auto request = good.with("Origin", origin);
  const auto verdict = check_upgrade({.method = "GET", .version = 11, .fields = request.fields}, {});

  BOOST_REQUIRE(verdict.has_error());
  BOOST_TEST(verdict.error().text.size() < 250u);
}

const head reply{{{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", accept}}};

/// "ok" and the subprotocol, or the text of the failure.
std::string verdict_on(const head& h, unsigned status = 101, bool deflate = false) {
  static const std::vector<std::string> offered{"chat.v2", "chat.v1"};
  client_offer offer{.key = key, .subprotocols = offered, .deflate = {}};
  if (deflate) offer.deflate.mode(deflate_mode::context_takeover);
  const auto verdict = check_reply({status, h.fields}, offer);
  if (verdict) return "ok " + verdict->subprotocol + (verdict->deflate ? "deflate" : "");
  BOOST_TEST((verdict.error().code == errc::handshake_failed));
  return verdict.error().text;
}

BOOST_AUTO_TEST_CASE(each_violation_of_a_reply_has_its_answer) {
  struct row {
    head reply;
    const char* answer;
  };
  const row rows[] = {
      {reply, "ok "},
      {reply.with("Upgrade", "WEBSOCKET").with("Connection", "x, upgrade"), "ok "},
      {reply.with("Sec-WebSocket-Accept", " s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "), "ok "},
      {reply.without("Upgrade"), "the Upgrade field of the reply does not name websocket (RFC 6455 4.1)"},
      {reply.with("Connection", "close"), "the Connection field of the reply does not name Upgrade (RFC 6455 4.1)"},
      {reply.without("Sec-WebSocket-Accept"), "0 fields Sec-WebSocket-Accept in the reply instead of one"},
      {reply.and_also("Sec-WebSocket-Accept", accept), "2 fields Sec-WebSocket-Accept in the reply instead of one"},
      {reply.with("Sec-WebSocket-Accept", "s3pplmbitxaq9kygzzhzrbk+xoo="),
       "Sec-WebSocket-Accept \"s3pplmbitxaq9kygzzhzrbk+xoo=\" does not belong to the key sent (RFC 6455 4.1)"},
      {reply.with("Sec-WebSocket-Protocol", "chat.v1"), "ok chat.v1"},
      {reply.with("Sec-WebSocket-Protocol", "CHAT.V1"), "ok chat.v1"},
      {reply.with("Sec-WebSocket-Protocol", "chat.v3"),
       "the server chose the subprotocol \"chat.v3\", which was not offered (RFC 6455 4.1)"},
      {reply.with("Sec-WebSocket-Protocol", "chat.v1, chat.v2"),
       "the server chose the subprotocol \"chat.v1, chat.v2\", which was not offered (RFC 6455 4.1)"},
      {reply.with("Sec-WebSocket-Protocol", "chat.v1").and_also("Sec-WebSocket-Protocol", "chat.v2"),
       "the server chose several subprotocols (RFC 6455 4.1)"},
      {reply.with("Sec-WebSocket-Extensions", ""), "ok "},
      {reply.with("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=10"),
       "the server chose the extension \"permessage-deflate\", which was not offered (RFC 6455 4.1)"},
  };
  for (const auto& r : rows) BOOST_TEST(verdict_on(r.reply) == r.answer);
}

BOOST_AUTO_TEST_CASE(a_status_other_than_101_is_named) {
  BOOST_TEST(verdict_on(reply, 200) == "the server answered with HTTP status 200 instead of 101");
}

BOOST_AUTO_TEST_CASE(deflate_may_be_chosen_once_if_it_was_offered) {
  constexpr auto name = "Sec-WebSocket-Extensions";

  BOOST_TEST(verdict_on(reply.with(name, "permessage-deflate; server_max_window_bits=10"), 101, true) == "ok deflate");
  BOOST_TEST(verdict_on(reply.with(name, "permessage-deflate").and_also(name, "permessage-deflate"), 101, true) ==
             "the server chose permessage-deflate twice (RFC 7692 5)");
  BOOST_TEST(verdict_on(reply.with(name, "x-compress"), 101, true) ==
             "the server chose the extension \"x-compress\", which was not offered (RFC 6455 4.1)");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
