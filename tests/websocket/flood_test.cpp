// Frames that cost their sender next to nothing, as many as the wire carries.

#include "websocket/peers.hpp"

namespace coax::test {
namespace {

using protocol::opcode;
using protocol::role;

BOOST_AUTO_TEST_SUITE(floods)

constexpr std::size_t flood_size = 8 * 1024 * 1024;

std::string repeated(const std::string& frame, std::size_t size) {
  std::string all;
  all.reserve(size + frame.size());
  while (all.size() < size) all += frame;
  return all;
}

// Reads behind `begin` and a flood of `one`, that is there at once, until `end`; what a turn of the executor received
// at most.
task<std::uint64_t> longest_turn(asio::io_context& ioc, std::string begin, std::string one, std::string end) {
  scripted s(ioc, role::server, {}, testing::faults().capacity(2 * flood_size));
  auto reader = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await s.ours.read();
    BOOST_TEST(m.text() == "end");
  });
  co_await s.send(begin + repeated(one, flood_size) + end);
  std::uint64_t longest = 0;
  for (std::uint64_t before = 0; !*reader;) {
    co_await settle(1);
    const auto now = s.ours.stats().bytes_received;
    longest = std::max(longest, now - std::exchange(before, now));
  }
  BOOST_TEST(s.ours.stats().bytes_received >= flood_size);
  co_return longest;
}

COAX_CORO_TEST(a_flood_of_frames_without_messages_leaves_the_thread_to_others) {
  scripted pen(ioc, role::server);
  const auto end = pen.frame(opcode::text, "end");
  const std::uint64_t fair = flood_size / 2;

  const auto pings = co_await longest_turn(ioc, "", pen.frame(opcode::ping, "p"), end);
  const auto pongs = co_await longest_turn(ioc, "", pen.frame(opcode::pong, "p"), end);
  const auto nothing =
      co_await longest_turn(ioc, pen.frame(opcode::text, "", false), pen.frame(opcode::continuation, "", false),
                            pen.frame(opcode::continuation, "end"));

  BOOST_TEST(pings <= fair);
  BOOST_TEST(pongs <= fair);
  BOOST_TEST(nothing <= fair);
}

COAX_CORO_TEST(a_peer_that_floods_with_pings_and_takes_no_pong_fills_no_queue) {
  scripted s(ioc, role::server, {}, testing::faults().capacity(2 * flood_size));
  s.our_end->stall();
  beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await s.ours.next()) continue;
  });
  co_await s.send(repeated(s.frame(opcode::ping, std::string(125, 'p')), flood_size) + s.frame(opcode::ping, "last"));
  for (int i = 0; i != 1000 && s.ours.stats().bytes_received < flood_size; ++i) co_await settle(1);
  co_await settle();

  BOOST_TEST(s.ours.stats().pings_received > flood_size / 200);
  BOOST_TEST(s.ours.stats().bytes_queued <= 5000u);
  s.our_end->unstall();
  std::optional<wire_frame> pong;
  int pongs = 0;
  do {
    pong = co_await s.receive();
    BOOST_REQUIRE(pong);
    ++pongs;
  } while (pong->payload != "last");
  BOOST_TEST(pongs <= 50);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
