// Rows of the opening handshake beside those of tests/http/accept_test.cpp: what is unusual and right, or nearly right.

#include "conformance/echo_site.hpp"

BOOST_AUTO_TEST_SUITE(handshakes)

using namespace coax;
using namespace coax::test;

namespace {

struct row {
  row(const char* n, unsigned s, std::string r) : name(n), status(s), request(std::move(r)) {}
  const char* name;
  unsigned status;
  std::string request;
};

const std::string up = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const std::string version = "Sec-WebSocket-Version: 13\r\n";
const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string ask(const std::string& fields) { return get("/ws", fields); }

std::string with_key(const std::string& k) { return ask(up + version + "Sec-WebSocket-Key: " + k + "\r\n"); }

const std::vector<row>& rows() {
  static const std::vector<row> all{
      {"Upgrade is one of several tokens of Connection", 101,
       ask("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" + version + key)},
      {"the token stands in a second field", 101, ask("Connection: keep-alive\r\n" + up + version + key)},
      {"the tokens are in other letters", 101, ask("connection: UPGRADE\r\nUPGRADE: WebSocket\r\n" + version + key)},
      {"another protocol is offered as well", 101,
       ask("Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n" + version + key)},
      {"the key has spaces around it", 101, with_key("\t dGhlIHNhbXBsZSBub25jZQ== \t")},
      {"an extension nobody knows", 101,
       ask(up + version + key + "Sec-WebSocket-Extensions: x-unknown; a=1, permessage-foo\r\n")},
      {"the protocol has a version", 426, ask("Connection: Upgrade\r\nUpgrade: websocket/13\r\n" + version + key)},
      {"the token is part of another", 426, ask("Connection: Upgrades\r\nUpgrade: websocket\r\n" + version + key)},
      {"an ordinary request", 426, ask("")},
      {"the method is HEAD", 405, "HEAD" + ask(up + version + key).substr(3)},
      {"the method is PUT", 405, "PUT" + ask(up + version + key).substr(3)},
      {"two versions in one field", 400, ask(up + key + "Sec-WebSocket-Version: 13, 8\r\n")},
      {"an empty version", 400, ask(up + key + "Sec-WebSocket-Version:\r\n")},
      {"a version with a sign", 400, ask(up + key + "Sec-WebSocket-Version: +13\r\n")},
      {"an empty key", 400, with_key("")},
      {"a key of 15 bytes", 400, with_key("AAAAAAAAAAAAAAAAAAAA")},
      {"a key of 17 bytes", 400, with_key("AAAAAAAAAAAAAAAAAAAAAAA=")},
      {"a key without its padding", 400, with_key("dGhlIHNhbXBsZSBub25jZQ")},
      {"a key of another alphabet", 400, with_key("dGhlIHNhbXBsZSBub25-ZQ==")},
      {"an empty Host", 400, "GET /ws HTTP/1.1\r\nHost: a\r\nHost:\r\n" + up + version + key + "\r\n"},
      {"a space before a colon", 400, ask(up + version + key + "X-A : b\r\n")},
      {"a folded field", 400, ask(up + version + key + "X-A: b\r\n c\r\n")},
      {"a NUL in a value", 400, ask(up + version + key + std::string("X-A: b\0c\r\n", 10))},
      {"a bare CR in a value", 400, ask(up + version + key + "X-A: b\rc\r\n")},
      {"64 KiB of one field", 431, ask(up + version + key + "X-A: " + std::string(65536, 'a') + "\r\n")},
  };
  return all;
}

std::string many_fields(int n) {
  std::string s;
  for (int i = 0; i < n; ++i) s += "X-" + std::to_string(i) + ": y\r\n";
  return s;
}

// The answer can be read, and the next client is served.
task<> try_row(asio::io_context& ioc, echo_site& site, const row& r) {
  raw_client c(ioc, site.port());
  const auto got = co_await c.ask(r.request);
  BOOST_CHECK_MESSAGE(got.status == r.status, r.name << ": " << got.status << " " << got.body);
  c.reset();
  co_await site.serves_the_next();
}

}  // namespace

COAX_CORO_TEST(each_unusual_request_has_its_answer) {
  echo_site site(ioc);
  std::vector<task<>> all;
  for (const auto& r : rows()) all.push_back(try_row(ioc, site, r));
  co_await runner::run_all(std::move(all));
  co_await site.stop();
}

COAX_CORO_TEST(ten_thousand_fields_are_refused_and_a_hundred_are_not) {
  echo_site site(ioc);
  const auto base = up + version + key;
  const row too_many("10,000 fields", 431, ask(base + many_fields(10'000)));
  const row one_too_many("101 fields", 431, ask(base + many_fields(96)));
  const row just_right("100 fields", 101, ask(base + many_fields(95)));
  co_await try_row(ioc, site, too_many);
  co_await try_row(ioc, site, one_too_many);
  co_await try_row(ioc, site, just_right);
  co_await site.stop();
}

BOOST_AUTO_TEST_SUITE_END()
