#include "websocket/peers.hpp"
#include <coax/message_stream.hpp>
#include <coax/prepared_message.hpp>

#include <functional>

// What is more than one message to one connection: prepared messages, batches, the state of the queue, the hooks.

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(conn_output)

using protocol::opcode;
using protocol::role;

COAX_SCENARIO_TEST(a_prepared_message_arrives_like_any_other) {
  peers p(ioc, options().read_limit(0));
  const prepared_message small("hello");
  const std::string bytes = pattern(100'000);
  const prepared_message large(message_kind::binary, asio::buffer(bytes));
  BOOST_TEST((large.kind() == message_kind::binary));
  BOOST_TEST(large.size() == bytes.size());
  for (auto [from, to] : {std::pair(&p.server, &p.client), std::pair(&p.client, &p.server)}) {
    auto reading = beside(ioc.get_executor(), [&, to]() -> task<> {
      for (int i = 0; i < 2; ++i) {
        const auto a = co_await to->read();
        BOOST_TEST(a.text() == "hello");
        BOOST_TEST(a.is_text());
        const auto b = co_await to->read();
        BOOST_TEST((b.text() == bytes));
      }
    });
    for (int i = 0; i < 2; ++i) {
      co_await from->write(small);
      co_await from->write(large);
    }
    co_await settle(60);
    BOOST_TEST(*reading);
  }
}

COAX_CORO_TEST(a_writer_that_never_has_to_wait_lets_others_have_their_turn) {
  peers p(ioc, {}, testing::faults().capacity(std::size_t{1} << 30));
  const std::string small = pattern(1000), large = pattern(20'000);
  const prepared_message prepared(small);
  auto parts = co_await p.client.writer(message_kind::text);
  const std::vector<std::function<task<>()>> ways{
      [&] { return p.server.write_text(small); },
      [&] { return p.server.write_text(large); },
      [&] { return p.server.write(prepared); },
      [&] { return parts.write(buffer(small)); },
  };
  for (const auto& write : ways) {
    bool others = false;
    asio::post(ioc, [&others] { others = true; });
    std::size_t written = 0;
    for (; !others && written < 10'000; ++written) co_await write();
    BOOST_TEST(others);
    BOOST_TEST(written < 10'000u);
  }
}

COAX_CORO_TEST(what_is_drained_has_left) {
  peers p(ioc, {}, testing::faults().capacity(100));
  co_await p.server.drained();
  p.server_end->stall();
  co_await p.server.write_text(pattern(1000));
  co_await settle();
  BOOST_TEST(p.server.buffered_amount() == 1004u);
  auto draining = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.drained(); });
  co_await settle();
  BOOST_TEST(!*draining);
  p.server_end->unstall();
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.read(); });
  co_await settle(60);
  BOOST_TEST(*draining);
  BOOST_TEST(*reading);
  BOOST_TEST(p.server.buffered_amount() == 0u);
}

COAX_CORO_TEST(who_waits_for_the_end_of_the_queue_learns_of_the_end_of_the_connection) {
  peers p(ioc);
  p.server_end->stall();
  co_await p.server.write_text("stuck");
  error_code ec;
  auto draining = beside(ioc.get_executor(), [&]() -> task<> {
    try {
      co_await p.server.drained();
    } catch (const system_error& e) {
      ec = e.code();
    }
  });
  co_await settle();
  p.server.close_now();
  co_await settle();
  BOOST_TEST(*draining);
  BOOST_TEST((ec == errc::closed));
}

COAX_CORO_TEST(output_that_is_held_leaves_with_the_guard_or_when_it_is_a_batch) {
  peers p(ioc, options().read_limit(0));
  {
    const auto held = p.server.hold();
    for (int i = 0; i < 5; ++i) {
      co_await p.server.write_text("x");
      co_await settle();
    }
    BOOST_TEST(p.server_end->bytes_written() == 0u);
  }
  BOOST_TEST(p.server_end->bytes_written() == 15u);
  const auto held = p.server.hold();
  const std::string text = pattern(10'000);
  for (int i = 0; i < 6; ++i) co_await p.server.write_text(text);
  BOOST_TEST(p.server_end->bytes_written() == 15u);
  co_await p.server.write_text(text);
  co_await settle();
  BOOST_TEST(p.server_end->bytes_written() >= 64u * 1024);
  // The end is not held back.
  co_await p.server.write_text("last");
  auto closing = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.close(); });
  std::size_t messages = 0;
  while (auto m = co_await p.client.next()) ++messages;
  co_await settle();
  BOOST_TEST(*closing);
  BOOST_TEST(messages == 13u);
}

COAX_CORO_TEST(hooks_see_pings_and_pongs_and_may_keep_a_pong_back) {
  std::vector<std::string> seen;
  const auto text = [](std::span<const std::byte> b) {
    return std::string(reinterpret_cast<const char*>(b.data()), b.size());
  };
  scripted s(ioc, role::server,
             options()
                 .on_ping([&](std::span<const std::byte> b) {
                   seen.push_back("ping " + text(b));
                   return text(b) != "quiet";
                 })
                 .on_pong([&](std::span<const std::byte> b) { seen.push_back("pong " + text(b)); }));
  co_await s.send(s.frame(opcode::ping, "quiet") + s.frame(opcode::pong, "!") + s.frame(opcode::ping, "loud") +
                  s.frame(opcode::text, "x"));
  co_await s.ours.read();
  const auto pong = co_await s.receive();
  BOOST_TEST(pong->payload == "loud");
  BOOST_TEST((seen == std::vector<std::string>{"ping quiet", "pong !", "ping loud"}));
}

COAX_CORO_TEST(a_hook_may_end_the_connection) {
  conn* ours = nullptr;
  scripted s(ioc, role::server, options().on_ping([&](std::span<const std::byte>) {
    ours->close_now();
    return true;
  }));
  ours = &s.ours;
  co_await s.send(s.frame(opcode::ping, "p") + s.frame(opcode::text, "x"));
  co_await s.ours.try_read();
  co_await settle(1);
  const auto r = co_await s.ours.try_read();
  BOOST_TEST((r.error() == errc::closed));
}

COAX_CORO_TEST(every_frame_is_told_of) {
  std::vector<std::string> seen;
  const auto note = [&](const frame_info& f) {
    seen.push_back((f.way == frame_info::direction::sent ? "> " : "< ") + std::to_string(f.opcode) +
                   (f.fin ? " " : "+ ") + (f.masked ? "masked " : "") + std::to_string(f.length));
  };
  scripted s(ioc, role::server, options().on_frame(note).read_limit(0));
  co_await s.send(s.frame(opcode::text, "ab", false) + s.frame(opcode::ping, "p") + s.frame(opcode::continuation, "c"));
  co_await s.ours.read();
  const std::string large = pattern(20'000);
  co_await s.ours.write_text("abc");
  co_await s.ours.write_text(large);
  co_await s.ours.write(prepared_message("prepared"));
  co_await s.send(s.close_frame(1000));
  co_await s.ours.try_read();
  const std::vector<std::string> wanted = {"< 1+ masked 2", "< 9 masked 1", "> 10 1",       "< 0 masked 1", "> 1 3",
                                           "> 1 20000",     "> 1 8",        "< 8 masked 2", "> 8 2"};
  BOOST_TEST(seen == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
