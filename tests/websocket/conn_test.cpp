#include "websocket/peers.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>

namespace coax::test {
namespace {

using protocol::opcode;
using protocol::role;

task<> echo(conn& c) {
  while (auto m = co_await c.next()) co_await c.write(m->kind(), m->data());
}

const testing::faults all_faults[] = {testing::faults(), testing::faults().max_read(1).max_write(1),
                                      testing::faults().max_read(3).max_write(7).capacity(11),
                                      testing::faults().random_sizes(42).capacity(5000)};

COAX_SCENARIO_TEST(messages_keep_content_kind_and_order) {
  peers p(ioc);
  beside(ioc.get_executor(), [&]() -> task<> { co_await echo(p.server); });

  for (int i = 0; i < 5; ++i) {
    const std::string text = "message " + std::to_string(i);
    co_await p.client.write_text(text);
    const auto m = co_await p.client.read();
    BOOST_TEST(m.text() == text);
    BOOST_TEST(m.is_text());
  }
  const std::byte raw[] = {std::byte{0}, std::byte{0xff}, std::byte{0x80}};
  co_await p.client.write_binary(raw);
  const auto m = co_await p.client.read();
  BOOST_TEST((m.kind() == message_kind::binary));
  BOOST_TEST(m.size() == 3u);
  co_await p.client.close();
}

BOOST_AUTO_TEST_CASE(every_size_survives_every_transport) {
  for (const auto& f : all_faults)
    for (const std::size_t n : {0u, 1u, 125u, 126u, 127u, 16383u, 16384u, 16385u, 65535u, 65536u, 300000u})
      run([&](asio::io_context& ioc) -> task<> {
        peers p(ioc, options().read_limit(0), f);
        beside(ioc.get_executor(), [&]() -> task<> { co_await echo(p.server); });
        const std::string text = pattern(n);
        auto ended = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.write_text(text); });
        const auto m = co_await p.client.read();
        BOOST_TEST((m.text() == text));
        co_await settle();
        BOOST_TEST(*ended);
        co_await p.client.close();
        BOOST_TEST(p.client.closed().clean);
      });
}

COAX_SCENARIO_TEST(pieces_leave_as_one_message) {
  peers p(ioc, options().read_limit(0), testing::faults().max_write(10000));
  const std::string a = pattern(3), b, c = pattern(40000), d = pattern(20, 5);
  const asio::const_buffer pieces[] = {buffer(a), buffer(b), buffer(c), buffer(d)};
  const std::span<const asio::const_buffer> list(pieces);
  for (auto* from : {&p.server, &p.client}) {
    auto* to = from == &p.server ? &p.client : &p.server;
    beside(ioc.get_executor(), [from, list]() -> task<> { co_await from->write(message_kind::text, list); });
    const auto m = co_await to->read();
    BOOST_TEST((m.text() == a + b + c + d));
  }
}

COAX_SCENARIO_TEST(many_writers_never_interleave_and_keep_their_order) {
  peers p(ioc, options().read_limit(0).send_queue_limit(1000), testing::faults().random_sizes(1).capacity(3000));
  for (auto* from : {&p.server, &p.client}) {
    auto* to = from == &p.server ? &p.client : &p.server;
    for (int w = 0; w < 4; ++w)
      beside(ioc.get_executor(), [from, w]() -> task<> {
        for (int i = 0; i < 5; ++i) {
          const std::string text =
              std::to_string(w) + std::to_string(i) + pattern(static_cast<std::size_t>(i * 4500 + w));
          co_await from->write_text(text);
        }
      });
    int next[4] = {};
    for (int n = 0; n < 20; ++n) {
      const auto m = co_await to->read();
      const int w = m.text()[0] - '0', i = m.text()[1] - '0';
      BOOST_TEST(i == next[w]++);
      BOOST_TEST((m.text().substr(2) == pattern(static_cast<std::size_t>(i * 4500 + w))));
    }
  }
}

COAX_CORO_TEST(messages_that_have_arrived_are_taken_without_waiting) {
  peers p(ioc);
  for (int i = 0; i < 3; ++i) co_await p.client.write_text(std::to_string(i));
  co_await settle();
  BOOST_TEST(!p.server.try_next());  // nothing was received yet: receiving is the business of a read

  const auto first = co_await p.server.read();
  BOOST_TEST(first.text() == "0");
  auto second = p.server.try_next();
  BOOST_REQUIRE(second);
  BOOST_TEST(second->text() == "1");
  const auto third = co_await p.server.read();
  BOOST_TEST(third.text() == "2");
  BOOST_TEST(!p.server.try_next());
}

COAX_CORO_TEST(messages_that_have_arrived_are_taken_into_the_same_memory) {
  peers p(ioc);
  for (const std::string text : {"one", "two", "three"}) co_await p.client.write_text(text);
  const std::string long_one(1000, 'x');
  co_await p.client.write(message_kind::binary, asio::buffer(long_one));
  co_await settle();
  auto m = co_await p.server.read();
  const auto* const memory = m.bytes().data();
  for (const std::string text : {"two", "three"}) {
    BOOST_TEST(p.server.try_next(m));
    BOOST_TEST(m.text() == text);
    BOOST_TEST((m.bytes().data() == memory));
  }
  BOOST_TEST(p.server.try_next(m));
  BOOST_TEST(m.text() == long_one);
  BOOST_TEST((m.kind() == message_kind::binary));
  BOOST_TEST(!p.server.try_next(m));
  BOOST_TEST(m.empty());
}

// The short way must not pass by what a reader has to be told of.
COAX_CORO_TEST(messages_in_a_row_end_with_the_frame_that_is_none) {
  peers p(ioc);
  co_await p.client.write_text("one");
  const auto pong = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.ping(); });
  co_await settle();
  co_await p.client.write_text("two");
  p.client.start_close(status::going_away, "bye");
  co_await settle();
  auto m = co_await p.server.read();
  BOOST_TEST(m.text() == "one");
  BOOST_TEST(p.server.try_next(m));
  BOOST_TEST(m.text() == "two");
  BOOST_TEST(!p.server.try_next(m));
  co_await settle();
  BOOST_TEST(*pong);
  const auto end = co_await p.server.next();
  BOOST_TEST(!end);
  BOOST_TEST((p.server.closed().status == status::going_away));
  BOOST_TEST(!p.server.try_next(m));
}

COAX_CORO_TEST(a_message_is_sent_at_once_or_not_at_all) {
  peers p(ioc, options().send_queue_limit(1000).read_limit(0));
  const std::string half(500, 'h'), too_large(16 * 1024 + 1, 'l');
  BOOST_TEST(p.server.try_send(message_kind::text, asio::buffer(half)));
  BOOST_TEST(!p.server.try_send(message_kind::text, asio::buffer(too_large)));
  p.server_end->stall();
  std::size_t taken = 0;
  while (taken < 100 && p.server.try_send(message_kind::binary, asio::buffer(half))) ++taken;
  BOOST_TEST(taken > 0u);
  BOOST_TEST(taken < 100u);
  p.server_end->unstall();
  for (std::size_t i = 0; i != taken + 1; ++i) {
    const auto m = co_await p.client.read();
    BOOST_TEST(m.text() == half);
  }
  BOOST_TEST(p.server.try_send(message_kind::text, asio::buffer(half)));
  p.server.close_now();
  co_await settle();
  BOOST_TEST(!p.server.try_send(message_kind::text, asio::buffer(half)));
}

COAX_CORO_TEST(writes_of_one_turn_leave_in_one_system_call) {
  peers p(ioc);
  const auto before = p.server_end->calls();
  for (int i = 0; i < 100; ++i) co_await p.server.write_text("tick");
  co_await settle();
  BOOST_TEST(p.server_end->calls() - before <= 2u);
  for (int i = 0; i < 100; ++i) {
    const auto m = co_await p.client.read();
    BOOST_TEST(m.text() == "tick");
  }
}

COAX_CORO_TEST(replies_to_a_batch_leave_together) {
  peers p(ioc);
  for (int i = 0; i < 16; ++i) co_await p.client.write_text("request");
  co_await settle();
  beside(ioc.get_executor(), [&]() -> task<> { co_await echo(p.server); });
  co_await settle();
  // One read with the requests, one that finds nothing more, one write with all replies.
  BOOST_TEST(p.server_end->calls() <= 3u);
  BOOST_TEST(p.server.stats().messages_sent == 16u);
}

COAX_SCENARIO_TEST(a_second_reader_gets_an_error_and_the_first_its_message) {
  peers p(ioc);
  bool read = false;
  auto ended = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.server.read();
    read = m.text() == "for the first";
  });
  co_await settle();
  const auto second = co_await p.server.try_read();
  BOOST_TEST((second.error() == errc::concurrent_read));
  co_await p.client.write_text("for the first");
  co_await settle();
  BOOST_TEST(read);
  BOOST_TEST(*ended);
}

COAX_SCENARIO_TEST(a_ping_measures_the_round_trip_with_and_without_a_reader) {
  peers p(ioc);
  beside(ioc.get_executor(), [&]() -> task<> { co_await echo(p.server); });
  // No reader here: the ping reads for itself.
  const auto alone = co_await p.client.ping();
  BOOST_TEST(alone.count() >= 0);
  beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await p.client.next()) continue;
  });
  const auto beside_reader = co_await p.client.ping();
  BOOST_TEST(beside_reader.count() >= 0);
  BOOST_TEST(p.server.stats().pings_received == 2u);
  BOOST_TEST(p.client.stats().pongs_received == 2u);
  co_await p.client.close();
}

COAX_CORO_TEST(a_ping_leaves_a_message_for_the_next_read) {
  peers p(ioc);
  co_await p.client.write_text("kept");
  // The message stands before the pong: the ping cannot pass it until it is read.
  auto pinged = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.ping(); });
  beside(ioc.get_executor(), [&]() -> task<> { co_await echo(p.client); });
  co_await settle();
  const auto m = co_await p.server.read();
  BOOST_TEST(m.text() == "kept");
  co_await settle();
  BOOST_TEST(*pinged);
}

COAX_CORO_TEST(a_pong_carries_the_payload_of_its_ping) {
  scripted s(ioc, role::server);
  beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await s.ours.next()) continue;
  });
  co_await s.send(s.frame(opcode::ping, "abc"));
  const auto pong = co_await s.receive();
  BOOST_REQUIRE(pong);
  BOOST_TEST((pong->head.op == opcode::pong));
  BOOST_TEST(pong->payload == "abc");
}

COAX_CORO_TEST(unsolicited_and_foreign_pongs_are_harmless) {
  scripted s(ioc, role::server);
  co_await s.send(s.frame(opcode::pong, "") + s.frame(opcode::pong, "12345678") + s.frame(opcode::text, "on"));
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.text() == "on");
}

COAX_CORO_TEST(fragments_become_one_message_with_controls_between) {
  scripted s(ioc, role::client);
  co_await s.send(s.frame(opcode::text, "a", false) + s.frame(opcode::ping, "p") +
                  s.frame(opcode::continuation, "b", false) + s.frame(opcode::continuation, "c"));
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.text() == "abc");
  const auto pong = co_await s.receive();
  BOOST_TEST((pong && pong->head.masked && pong->payload == "p"));
}

COAX_CORO_TEST(bytes_behind_the_handshake_are_the_first_input) {
  auto [a, b] = testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  coax::detail::storage early;
  for (int i = 0; i < 3; ++i) {
    const std::string text = pattern(60000, static_cast<unsigned>(i));
    protocol::append_frame(early, role::client, {opcode::text}, std::as_bytes(std::span(text)));
  }
  const coax::detail::connection_settings settings(role::server, options().read_limit(0));
  conn c(coax::detail::connection::create(a, settings, {early.data(), early.size()}));
  for (unsigned i = 0; i < 3; ++i) {
    const auto m = co_await c.read();
    BOOST_TEST((m.text() == pattern(60000, i)));
  }
}

COAX_CORO_TEST(a_full_queue_makes_writers_wait_until_the_peer_reads) {
  peers p(ioc, options().send_queue_limit(4096).read_limit(0), testing::faults().capacity(1000));
  int written = 0;
  auto ended = beside(ioc.get_executor(), [&]() -> task<> {
    const std::string text = pattern(1000);
    for (; written < 50; ++written) co_await p.server.write_text(text);
  });
  co_await settle();
  BOOST_TEST(written < 8);
  BOOST_TEST(p.server.stats().writers_waiting == 1u);
  for (int i = 0; i < 50; ++i) {
    const auto m = co_await p.client.read();
    BOOST_TEST((m.text() == pattern(1000)));
  }
  co_await settle();
  BOOST_TEST(*ended);
}

COAX_CORO_TEST(an_or_of_read_and_timer_loses_nothing) {
  using namespace asio::experimental::awaitable_operators;
  peers p(ioc);
  asio::steady_timer timer(ioc);
  for (int i = 0; i < 50; ++i) {
    timer.expires_at(i % 3 ? asio::steady_timer::clock_type::now() : asio::steady_timer::time_point::max());
    auto read = p.server.read();
    auto wait = timer.async_wait(asio::use_awaitable);
    if (i % 3 == 0) co_await p.client.write_text(std::to_string(i / 3));
    auto r = co_await (std::move(read) || std::move(wait));
    if (i % 3 == 0) {
      BOOST_REQUIRE(r.index() == 0u);
      BOOST_TEST(std::get<0>(r).text() == std::to_string(i / 3));
    } else {
      BOOST_TEST(r.index() == 1u);
    }
  }
}

COAX_CORO_TEST(statistics_count_what_happened) {
  peers p(ioc);
  co_await p.client.write_text("0123456789");
  const auto m = co_await p.server.read();
  BOOST_TEST(p.client.stats().messages_sent == 1u);
  BOOST_TEST(p.server.stats().messages_received == 1u);
  BOOST_TEST(p.client.stats().bytes_sent == 16u);  // 2 header, 4 key, 10 payload
  BOOST_TEST(p.server.stats().bytes_received == 16u);
  BOOST_TEST(p.client.stats().bytes_queued == 0u);
}

#ifndef NDEBUG
COAX_CORO_TEST(debug_builds_refuse_text_that_is_not_utf8) {
  peers p(ioc);
  bool refused = false;
  try {
    co_await p.client.write_text("\xff");
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  BOOST_TEST(refused);
}

BOOST_AUTO_TEST_CASE(debug_builds_notice_try_next_from_a_foreign_thread) {
  asio::io_context ioc;
  peers p(ioc);
  BOOST_CHECK_THROW(p.client.try_next(), std::logic_error);
}
#endif

}  // namespace
}  // namespace coax::test
