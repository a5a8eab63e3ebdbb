#include "conformance/echo_site.hpp"

namespace coax::test {

echo_site::echo_site(asio::io_context& ioc, const accept_options& options, server_options server)
    : ioc_(ioc), options_(options), server_(ioc, std::move(server)), changed_(ioc) {
  server_.srv.get("/ws", [this](exchange& x, context ctx) { return echo(x, options_, ctx); });
  server_.srv.get("/next", [this](exchange& x, context ctx) { return echo(x, {}, ctx); });
  server_.srv.get("/bye", [this](exchange& x, context ctx) { return bye(x, ctx); });
  server_.start();
}

task<> echo_site::echo(exchange& x, accept_options options, context ctx) {
  conn c = co_await accept(x, options, ctx);
  ending e;
  try {
    for (;;) {
      const auto m = co_await c.read(ctx);
      co_await c.write(m.kind(), m.data(), ctx);
    }
  } catch (const close_error& error) {
    e.code = error.code();
    e.cause = error.cause();
    e.status = error.status();
    e.clean = error.clean();
  } catch (const system_error& error) {
    e.code = error.code();
  }
  // A write may know of the end before the reads do.
  bool more = c.closed().initiator == close_initiator::none;
  while (more) {
    const auto m = co_await c.try_read(ctx);
    more = m.has_value();
  }
  e.info = c.closed();
  ended(std::move(e));
}

task<> echo_site::bye(exchange& x, context ctx) {
  conn c = co_await accept(x, options_, ctx);
  co_await c.close(status::normal, "bye", ctx);
  ending e;
  e.info = c.closed();
  e.status = e.info.status;
  e.clean = e.info.clean;
  ended(std::move(e));
}

void echo_site::ended(ending e) {
  endings.push_back(std::move(e));
  changed_.cancel();
}

task<> echo_site::until_ended(std::size_t n) {
  while (endings.size() < n) {
    changed_.expires_at(asio::steady_timer::time_point::max());
    co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

task<> echo_site::until_empty() {
  while (server_.srv.connections() != 0) co_await settle(1);
}

task<> echo_site::serves_the_next() {
  raw_client c(ioc_, port());
  co_await upgrade(c, "/next");
  co_await c.send(frame(1, "next"));
  co_await c.send(frame(8, "\x03\xe8"));
  const auto all = co_await c.read_all();
  BOOST_CHECK_EQUAL(all, "\x81\x04next\x88\x02\x03\xe8");
}

task<> echo_site::stop() {
  co_await server_.stop();
  BOOST_CHECK_EQUAL(server_.srv.connections(), 0U);
  BOOST_CHECK(server_.quiet());
}

task<> upgrade(raw_client& c, std::string_view path) {
  const auto r = co_await c.ask(get(path, websocket_fields));
  BOOST_REQUIRE_EQUAL(r.status, 101U);
}

std::optional<server_frame> take_frame(std::string& input) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
  if (input.size() < 2) return std::nullopt;
  std::size_t size = byte(1), at = 2;
  const std::size_t longer = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (input.size() < 2 + longer) return std::nullopt;
  if (longer != 0) size = 0;
  for (; at != 2 + longer; ++at) size = size << 8 | byte(at);
  if (input.size() < at + size) return std::nullopt;
  server_frame f;
  f.first = byte(0);
  f.payload = input.substr(at, size);
  input.erase(0, at + size);
  return f;
}

unsigned close_status(const std::string& payload) {
  if (payload.size() < 2) return 1005;
  return static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8 | static_cast<unsigned char>(payload[1]);
}

}  // namespace coax::test
