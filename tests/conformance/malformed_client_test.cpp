// Malformed input to a client: the same table, from a server that misbehaves.

#include "conformance/client_close.hpp"
#include "conformance/malformed.hpp"
#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>

BOOST_AUTO_TEST_SUITE(malformed_input_to_a_client)

using namespace coax;
using namespace coax::test;
using stream_ptr = std::shared_ptr<coax::detail::stream>;

namespace {

enum class arrival : unsigned char { whole, byte_by_byte, before_much_more };

// Everything up to the client's end; "<reset>" behind it if that was one.
task<std::string> read_all(stream_ptr s) {
  std::string all;
  char buffer[4096];
  for (;;) {
    const auto n = co_await s->read_some(asio::buffer(buffer), context());
    if (!n && n.error() != asio::error::eof) all += "<reset>";
    if (!n) co_return all;
    all.append(buffer, *n);
  }
}

// What the server does, and what it got for it.
struct rogue {
  rogue(const malformed& r, arrival a) : row(r), how(a) {}

  task<> serve(stream_ptr s, std::string request) {
    co_await send(s, upgrade(request));
    const auto bytes = row.from_server();
    if (how == arrival::byte_by_byte) {
      co_await send_byte_by_byte(s, bytes);
    } else {
      co_await send(s, bytes);
      if (how == arrival::before_much_more) co_await send(s, std::string(200'000, '\xa5'));
    }
    got = co_await read_all(s);
    const context ctx;
    co_await s->shutdown(ctx);
    served = true;
  }

  const malformed& row;
  arrival how;
  std::string got;
  bool served = false;
};

task<> suffer(asio::io_context& ioc, const malformed& row, arrival how) {
  rogue r(row, how);
  const scripted_server server(ioc, [&r](stream_ptr s, std::string request) { return r.serve(s, std::move(request)); });
  auto options = dial_options().read_limit(malformed_read_limit).close_timeout(std::chrono::minutes(5));
  auto c = co_await dial(server.url(), options);
  error_code ec;
  while (!ec) {
    auto m = co_await c.try_read();
    if (!m) ec = m.error();
  }
  while (!r.served) co_await settle(1);

  const auto info = c.closed();
  BOOST_CHECK_MESSAGE(client_close_status(r.got) == row.status, row.name << ": the server got " << r.got);
  BOOST_CHECK_MESSAGE(info.initiator == close_initiator::protocol, row.name << ": initiator");
  BOOST_CHECK_MESSAGE(static_cast<unsigned>(info.status) == row.status, row.name << ": status");
  BOOST_CHECK_MESSAGE(!info.clean && info.error == ec && !info.reason.empty(), row.name << ": " << ec.message());
}

task<> each_row(asio::io_context& ioc, arrival how) {
  std::vector<task<>> clients;
  for (const auto& row : malformed_rows()) clients.push_back(suffer(ioc, row, how));
  co_await runner::run_all(std::move(clients));
}

}  // namespace

COAX_CORO_TEST(each_breach_in_one_piece_has_its_answer) { co_await each_row(ioc, arrival::whole); }

COAX_CORO_TEST(each_breach_byte_by_byte_has_its_answer) { co_await each_row(ioc, arrival::byte_by_byte); }

COAX_CORO_TEST(the_answer_can_be_read_by_a_server_that_sent_much_more) {
  co_await each_row(ioc, arrival::before_much_more);
}

BOOST_AUTO_TEST_SUITE_END()
