// Whom a request is from, behind proxies.

#include "http/forwarded.hpp"

#include "http/support.hpp"

BOOST_AUTO_TEST_SUITE(forwarded_clients)

using namespace coax;
using namespace coax::test;

namespace {

const protocol::network_list trusted({"10.0.0.0/8", "::1", "unix"});

struct row {
  const char* peer;
  std::vector<const char*> fields;
  const char* client;
};

std::string client_of(const row& r, const char* name, forwarded_field which) {
  std::vector<protocol::header_field> fields;
  for (const auto* value : r.fields) fields.push_back({name, value});
  return http::forwarded_client(http::identity_of(r.peer, false), fields, which, trusted).address;
}

bool secure(const char* peer, bool tls, std::vector<protocol::header_field> fields,
            forwarded_field which = forwarded_field::x_forwarded_for) {
  return http::forwarded_client(http::identity_of(peer, tls), fields, which, trusted).secure;
}

}  // namespace

BOOST_AUTO_TEST_CASE(x_forwarded_for_is_read_from_the_right_up_to_whom_nobody_trusts) {
  const row rows[] = {
      {"203.0.113.7:99", {}, "203.0.113.7"},
      {"203.0.113.7:99", {"192.0.2.1"}, "203.0.113.7"},
      {"10.0.0.1:99", {}, "10.0.0.1"},
      {"10.0.0.1:99", {"192.0.2.1"}, "192.0.2.1"},
      {"[::ffff:10.0.0.1]:99", {"192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"198.51.100.1", "192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
      {"10.0.0.1:99", {"192.0.2.1, ::1", "10.0.0.2"}, "192.0.2.1"},
      {"10.0.0.1:99", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
      {"10.0.0.1:99", {"192.0.2.1:4711"}, "192.0.2.1"},
      {"10.0.0.1:99", {"[2001:db8::1]:4711"}, "2001:db8::1"},
      {"10.0.0.1:99", {"2001:DB8:0::1"}, "2001:db8::1"},
      {"10.0.0.1:99", {"::ffff:192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"192.0.2.1, unknown"}, "10.0.0.1"},
      {"10.0.0.1:99", {"192.0.2.1, bogus, 10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1:99", {" , 192.0.2.1 ,, "}, "192.0.2.1"},
      {"10.0.0.1:99", {""}, "10.0.0.1"},
      {"[::1]:99", {"192.0.2.1"}, "192.0.2.1"},
      {"", {"192.0.2.1"}, "192.0.2.1"},
      {"/run/a.sock", {}, "/run/a.sock"},
  };
  for (const auto& r : rows)
    BOOST_TEST(client_of(r, "x-forwarded-For", forwarded_field::x_forwarded_for) == r.client,
               r.peer << " with " << (r.fields.empty() ? "nothing" : r.fields.front()));
}

BOOST_AUTO_TEST_CASE(forwarded_is_read_likewise) {
  const row rows[] = {
      {"203.0.113.7:99", {"for=192.0.2.1"}, "203.0.113.7"},
      {"10.0.0.1:99", {"for=192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"For=192.0.2.1;proto=http;by=203.0.113.43"}, "192.0.2.1"},
      {"10.0.0.1:99", {"by=203.0.113.43 ; for=192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=\"[2001:db8:cafe::17]:4711\""}, "2001:db8:cafe::17"},
      {"10.0.0.1:99", {"for=\"192.0.2.1:80\""}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=192.0.2.1:80"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=\"192.0.2.\\1\""}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=198.51.100.1, for=192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=192.0.2.1, for=10.0.0.2"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=192.0.2.1", "for=10.0.0.2"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=192.0.2.1, for=unknown"}, "10.0.0.1"},
      {"10.0.0.1:99", {"for=192.0.2.1, for=_hidden"}, "10.0.0.1"},
      {"10.0.0.1:99", {"for=192.0.2.1;host=\"a, for=198.51.100.1\""}, "192.0.2.1"},
      // A quote that the client leaves open must not swallow what a proxy adds, and let the rest count.
      {"10.0.0.1:99", {"for=198.51.100.1, for=\", for=192.0.2.1"}, "10.0.0.1"},
      {"10.0.0.1:99", {"for=198.51.100.1;x=\", for=\"[2001:db8::1]:4711\""}, "10.0.0.1"},
      {"10.0.0.1:99", {"for=198.51.100.1, for=\"", "for=192.0.2.1"}, "192.0.2.1"},
      {"10.0.0.1:99", {"for=198.51.100.1, for=\"", "for=10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1:99", {"for"}, "10.0.0.1"},
      {"10.0.0.1:99", {"for="}, "10.0.0.1"},
      {"10.0.0.1:99", {"=192.0.2.1"}, "10.0.0.1"},
      {"10.0.0.1:99", {"for=192.0.2.1 for=192.0.2.2"}, "10.0.0.1"},
      {"10.0.0.1:99", {"192.0.2.1"}, "10.0.0.1"},
      {"10.0.0.1:99", {""}, "10.0.0.1"},
  };
  for (const auto& r : rows)
    BOOST_TEST(client_of(r, "Forwarded", forwarded_field::forwarded) == r.client, r.fields.front());
}

BOOST_AUTO_TEST_CASE(the_field_that_is_not_chosen_counts_for_nothing) {
  const row r{"10.0.0.1:99", {"for=192.0.2.1"}, ""};
  const row x{"10.0.0.1:99", {"192.0.2.1"}, ""};

  BOOST_TEST(client_of(r, "Forwarded", forwarded_field::x_forwarded_for) == "10.0.0.1");
  BOOST_TEST(client_of(x, "X-Forwarded-For", forwarded_field::forwarded) == "10.0.0.1");
}

BOOST_AUTO_TEST_CASE(the_scheme_is_what_a_trusted_proxy_says) {
  const auto f = forwarded_field::forwarded;

  BOOST_TEST(secure("10.0.0.1:1", false, {{"X-Forwarded-Proto", "https"}}));
  BOOST_TEST(secure("10.0.0.1:1", false, {{"X-Forwarded-Proto", "WSS"}, {"X-Forwarded-For", "192.0.2.1"}}));
  BOOST_TEST(secure("10.0.0.1:1", false, {{"X-Forwarded-Proto", "http, https"}}));
  BOOST_TEST(!secure("10.0.0.1:1", true, {{"X-Forwarded-Proto", "http"}}));
  BOOST_TEST(secure("10.0.0.1:1", true, {{"X-Forwarded-Proto", "gopher"}}));
  BOOST_TEST(secure("10.0.0.1:1", true, {}));
  BOOST_TEST(!secure("203.0.113.7:1", false, {{"X-Forwarded-Proto", "https"}}));
  BOOST_TEST(secure("10.0.0.1:1", false, {{"Forwarded", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"}}, f));
  BOOST_TEST(!secure("10.0.0.1:1", false, {{"Forwarded", "proto=https;for=198.51.100.1, for=192.0.2.1"}}, f));
  BOOST_TEST(!secure("203.0.113.7:1", false, {{"Forwarded", "for=192.0.2.1;proto=https"}}, f));
}

COAX_CORO_TEST(an_exchange_tells_its_client) {
  const auto tell = [](exchange& x, context) -> task<> {
    co_await x.respond(200, "text/plain", x.client_address() + ' ' + std::string(x.scheme()));
  };
  running_server open(ioc);
  running_server behind(ioc, server_options().trusted_proxies({"127.0.0.0/8"}, forwarded_field::forwarded));
  for (auto* s : {&open, &behind}) {
    s->srv.get("/", tell);
    s->start();
  }
  raw_client a(ioc, open.srv.port());
  raw_client b(ioc, behind.srv.port());
  const auto request = get("/", "X-Forwarded-For: 192.0.2.9\r\nForwarded: for=\"[2001:db8::1]\";proto=https\r\n");

  const auto unasked = co_await a.ask(request);
  const auto told = co_await b.ask(request);

  BOOST_TEST(unasked.body == "127.0.0.1 http");
  BOOST_TEST(told.body == "2001:db8::1 https");
  co_await open.stop();
  co_await behind.stop();
}

BOOST_AUTO_TEST_CASE(a_network_that_is_none_is_an_error) {
  server_options o;
  BOOST_CHECK_THROW(o.trusted_proxies({"10.0.0.0/8", "proxy.example"}), std::invalid_argument);
  BOOST_CHECK_THROW(o.proxy_protocol(proxy_protocol::accept, {"10.0.0.0/40"}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
