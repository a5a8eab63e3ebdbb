// Malformed input to a server: each row of the table, in every way it may arrive.

#include "conformance/echo_site.hpp"
#include "conformance/malformed.hpp"

BOOST_AUTO_TEST_SUITE(malformed_input_to_a_server)

using namespace coax;
using namespace coax::test;

namespace {

enum class arrival : unsigned char { whole, byte_by_byte, before_much_more };

task<> send_as(raw_client& c, const std::string& bytes, arrival how) {
  if (how == arrival::byte_by_byte) {
    for (const char& one : bytes) {
      co_await c.send(std::string_view(&one, 1));
      co_await settle(1);
    }
    co_return;
  }
  co_await c.send(bytes);
  if (how == arrival::before_much_more) co_await c.send(std::string(200'000, '\xa5'));
}

// Echoes, then a close frame with the status of the row, then the end; a reset is none.
void check_answer(const malformed& row, std::string all) {
  while (auto f = take_frame(all)) {
    if (f->first != 0x88) continue;
    BOOST_CHECK_MESSAGE(close_status(f->payload) == row.status,
                        row.name << ": closed with " << close_status(f->payload));
    BOOST_CHECK_MESSAGE(f->payload.size() > 2, row.name << ": no reason");
    BOOST_CHECK_MESSAGE(all.empty(), row.name << ": more behind the close frame: " << all);
    return;
  }
  BOOST_ERROR(row.name << ": no close frame, but " << all);
}

task<> misbehave(asio::io_context& ioc, echo_site& site, const malformed& row, arrival how) {
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  co_await send_as(c, row.from_client(), how);
  const auto all = co_await c.read_all();
  check_answer(row, all);
  c.socket.close();
  co_await site.serves_the_next();
}

// Each client has its own time; a server that ended none before close_timeout would not be in time for the watchdog.
task<> each_row(asio::io_context& ioc, arrival how) {
  echo_site site(ioc, accept_options().read_limit(malformed_read_limit).close_timeout(std::chrono::minutes(5)));
  std::vector<task<>> clients;
  for (const auto& row : malformed_rows()) clients.push_back(misbehave(ioc, site, row, how));
  const auto bad = clients.size();
  co_await runner::run_all(std::move(clients));

  co_await site.until_ended(2 * bad);
  std::size_t blamed = 0;
  for (const auto& e : site.endings) blamed += e.info.initiator == close_initiator::protocol;
  BOOST_CHECK_EQUAL(blamed, bad);
  co_await site.stop();
}

}  // namespace

COAX_CORO_TEST(each_breach_in_one_piece_has_its_answer) { co_await each_row(ioc, arrival::whole); }

COAX_CORO_TEST(each_breach_byte_by_byte_has_its_answer) { co_await each_row(ioc, arrival::byte_by_byte); }

COAX_CORO_TEST(the_answer_can_be_read_by_a_peer_that_sent_much_more) {
  co_await each_row(ioc, arrival::before_much_more);
}

COAX_CORO_TEST(a_breach_may_come_together_with_the_request) {
  echo_site site(ioc);
  raw_client c(ioc, site.port());
  co_await c.send(get("/ws", websocket_fields) + "\xc1\x80");
  const auto r = co_await c.read();
  auto rest = co_await c.read_all();
  BOOST_CHECK_EQUAL(r.status, 101U);
  check_answer({"RSV1 behind the request", 1002, {}}, rest);
  c.socket.close();
  co_await site.stop();
}

COAX_CORO_TEST(what_was_echoed_before_the_breach_arrives) {
  echo_site site(ioc);
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  std::string all;
  for (int i = 0; i < 100; ++i) all += frame(2, std::string(100, static_cast<char>(i)));
  co_await c.send(all + "\xc1\x80");
  auto got = co_await c.read_all();
  for (int i = 0; i < 100; ++i) {
    const auto f = take_frame(got);
    BOOST_REQUIRE(f && f->payload == std::string(100, static_cast<char>(i)));
  }
  check_answer({"RSV1 behind messages", 1002, {}}, got);
  c.socket.close();
  co_await site.stop();
}

COAX_CORO_TEST(a_close_is_answered_with_its_status) {
  echo_site site(ioc, accept_options().close_timeout(std::chrono::minutes(5)));
  for (const unsigned status :
       {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 1012U, 1013U, 1014U, 3000U, 4999U}) {
    raw_client c(ioc, site.port());
    co_await upgrade(c);
    const std::string code{static_cast<char>(status >> 8), static_cast<char>(status & 0xff)};
    co_await c.send(frame(8, code + "why"));
    // What follows a close frame does not count any more.
    co_await c.send("\xff\xff\xff\xff");
    const auto all = co_await c.read_all();
    BOOST_CHECK_EQUAL(all, "\x88\x02" + code);
  }
  raw_client c(ioc, site.port());
  co_await upgrade(c);
  co_await c.send(frame(8, ""));
  const auto all = co_await c.read_all();
  BOOST_CHECK_EQUAL(all, std::string("\x88\0", 2));
  c.socket.close();
  co_await site.stop();
}

BOOST_AUTO_TEST_SUITE_END()
