#include "websocket/peers.hpp"
#include <coax/message_stream.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

// What reviews have found where features meet: hooks that act, a close while a message is read or written in parts,
// contexts that die first.

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(conn_corners)

using protocol::opcode;
using protocol::role;

COAX_CORO_TEST(a_frame_hook_may_end_the_connection) {
  conn* ours = nullptr;
  scripted s(ioc, role::server, options().on_frame([&](const frame_info& f) {
    if (f.way == frame_info::direction::received) ours->close_now();
  }));
  ours = &s.ours;
  co_await s.send(s.frame(opcode::ping, "p") + s.frame(opcode::text, "x") + s.frame(opcode::text, "y"));
  // What has been received together with the frame may still be read in the same turn.
  co_await s.ours.try_read();
  for (int i = 0; i < 2; ++i) {
    co_await settle(1);
    const auto r = co_await s.ours.try_read();
    BOOST_TEST((r.error() == errc::closed));
  }
}

COAX_CORO_TEST(a_reader_in_parts_never_goes_on_behind_a_hole) {
  scripted s(ioc, role::server, options().read_limit(0).keepalive(0s));
  co_await s.send(s.frame(opcode::text, "AAAA", false));
  auto r = co_await s.ours.reader();
  std::string got;
  error_code ec;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    char chunk[100];
    const asio::mutable_buffer to = asio::buffer(chunk);
    for (;;) {
      const auto n = co_await r.try_read_some(to);
      if (!n) {
        ec = n.error();
        co_return;
      }
      if (*n == 0) co_return;
      got.append(chunk, *n);
      co_await settle(5);  // e.g. writes it to a file
    }
  });
  co_await settle(10);
  s.ours.start_close();
  co_await settle(10);
  co_await s.send(s.frame(opcode::continuation, "BBBB", false));
  co_await settle(2);
  co_await s.send(s.frame(opcode::continuation, "CCCC", false));
  co_await settle(10);
  co_await s.send(s.frame(opcode::continuation, "DDDD", true));
  co_await settle(10);
  BOOST_TEST((got == "AAAABBBBCCCCDDDD" || ec));
}

COAX_CORO_TEST(a_reader_that_is_opened_while_closing_misses_no_beginning) {
  scripted s(ioc, role::server, options().read_limit(0).keepalive(0s));
  s.ours.start_close();
  co_await s.send(s.frame(opcode::text, "hello ", false));
  co_await settle(10);
  std::string got;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    char chunk[100];
    const asio::mutable_buffer to = asio::buffer(chunk);
    auto r = co_await s.ours.reader();
    const auto n = co_await r.try_read_some(to);
    if (n) got.append(chunk, *n);
  });
  co_await settle(10);
  co_await s.send(s.frame(opcode::continuation, "world", true));
  co_await settle(10);
  BOOST_TEST((got.empty() || got.starts_with("hello ")));
  co_await s.send(s.close_frame(1000));
  co_await settle(10);
}

COAX_CORO_TEST(what_could_not_be_flushed_has_not_drained) {
  peers p(ioc, options().keepalive(0s));
  const auto held = p.server.hold();
  co_await p.server.write_text("lost");
  p.server_end->set_faults(testing::faults().fail_after(0));
  error_code ec = co_await code_of(p.server.drained());
  BOOST_TEST((ec == errc::closed));
}

COAX_CORO_TEST(a_writer_of_parts_can_wait_until_its_own_have_left) {
  peers p(ioc, options().keepalive(0s));
  auto w = co_await p.server.writer(message_kind::text);
  co_await w.write(asio::buffer("a", 1));
  co_await w.flush();
  auto other = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(p.server.write_text("other")); });
  auto d = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(p.server.drained()); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_ping_is_not_held_back) {
  peers p(ioc, options().keepalive(0s));
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.try_read(); });
  const auto held = p.server.hold();
  auto d = beside(ioc.get_executor(),
                  [&]() -> task<> { co_await code_of([](conn& c) -> task<> { co_await c.ping(); }(p.server)); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_pong_is_not_held_back) {
  peers p(ioc, options().keepalive(0s));
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.try_read(); });
  const auto held = p.server.hold();
  auto d = beside(ioc.get_executor(),
                  [&]() -> task<> { co_await code_of([](conn& c) -> task<> { co_await c.ping(); }(p.client)); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_message_that_takes_long_to_leave_is_no_idleness) {
  testing::virtual_clock clock;
  peers p(ioc, options().idle_timeout(10s).keepalive(0s).read_limit(0),
          testing::faults().capacity(1000).max_read(1000));
  // only the server has the time-out that matters: the client sees bytes arrive
  error_code wec;
  const std::string text = pattern(60'000);
  auto writer = beside(ioc.get_executor(), [&]() -> task<> {
    const auto r = co_await p.server.try_write(message_kind::text, buffer(text));
    wec = r.error();
  });
  std::size_t got = 0;
  error_code rec;
  bool ended = false;
  auto drip = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.client.try_read();
    if (m)
      got = m->size();
    else
      rec = m.error();
    ended = true;
  });
  // one kilobyte a second
  p.server_end->stall();
  for (int i = 0; i < 80 && !ended; ++i) {
    co_await pass(clock, 500ms);
    p.server_end->unstall();
    co_await settle(1);
    p.server_end->stall();
    co_await pass(clock, 500ms);
  }
  BOOST_TEST(got == 60'000u);
}

COAX_CORO_TEST(what_waits_behind_a_stopped_writer_leaves) {
  peers p(ioc, options().keepalive(0s).read_limit(0), testing::faults().capacity(1000));
  const std::string text = pattern(40'000);
  std::stop_source stop;
  p.server_end->set_faults(testing::faults().capacity(1000));
  error_code e1, e2, e3;
  auto x = beside(ioc.get_executor(),
                  [&]() -> task<> { e1 = co_await code_of(p.server.write_text(text, stop.get_token())); });
  auto a = beside(ioc.get_executor(), [&]() -> task<> {
    e2 = co_await code_of(
        [](conn& c, context ctx) -> task<> { co_await c.writer(message_kind::text, ctx); }(p.server, stop.get_token()));
  });
  auto z = beside(ioc.get_executor(), [&]() -> task<> { e3 = co_await code_of(p.server.write_text("last")); });
  co_await settle();
  stop.request_stop();
  p.server_end->set_faults(testing::faults().capacity(1'000'000));
  co_await settle();
  BOOST_TEST(*x);
  BOOST_TEST(*a);
  BOOST_TEST(*z);
  BOOST_TEST(p.server_end->bytes_written() == 40'004u + 6u);
}

COAX_CORO_TEST(no_data_follows_the_close_frame_of_a_hook) {
  conn* ours = nullptr;
  bool once = false;
  std::vector<int> sent;
  scripted s(ioc, role::server, options().on_frame([&](const frame_info& f) {
    if (f.way != frame_info::direction::sent) return;
    sent.push_back(f.opcode);
    if (!std::exchange(once, true)) ours->start_close();
  }));
  ours = &s.ours;
  auto w = co_await s.ours.writer(message_kind::binary);
  const std::string text = pattern(200'000);
  co_await code_of(w.write(asio::buffer(text)));
  co_await settle();
  BOOST_TEST(sent.size() > 2u);
  BOOST_TEST(std::ranges::count(sent, 8) == 1);
  BOOST_TEST(sent.back() == 8);
}

COAX_CORO_TEST(a_cancellation_between_waking_and_going_on_tears_no_part) {
  peers p(ioc, options().send_queue_limit(1000).read_limit(0).keepalive(0s), testing::faults().capacity(40'000));
  auto w = co_await p.server.writer(message_kind::binary);
  const std::string text = pattern(200'000);
  asio::cancellation_signal signal;
  error_code ec;
  bool done = false;
  auto body = [&]() -> task<> {
    try {
      co_await w.write(asio::buffer(text));
    } catch (const boost::system::system_error& e) {
      ec = e.code();
    }
    done = true;
  };
  asio::co_spawn(ioc.get_executor(), body, asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
  co_await settle();
  BOOST_TEST(!done);
  const auto before = p.server_end->bytes_written();
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.try_read(); });
  int turns = 0;
  while (p.server_end->bytes_written() == before && turns++ < 100) co_await settle(1);
  signal.emit(asio::cancellation_type::terminal);
  co_await settle();
  BOOST_TEST(done);
  BOOST_TEST((!ec || ec == errc::canceled || was_sent(ec)));
}

COAX_CORO_TEST(a_second_operation_of_a_writer_is_an_error_also_when_the_first_was_just_woken) {
  peers p(ioc, options().send_queue_limit(1000).read_limit(0).keepalive(0s), testing::faults().capacity(40'000));
  auto w = co_await p.server.writer(message_kind::binary);
  const std::string text(200'000, 'a'), other(100'000, 'b');
  error_code e1;
  bool refused = false;
  auto one = beside(ioc.get_executor(), [&]() -> task<> { e1 = co_await code_of(w.write(asio::buffer(text))); });
  co_await settle();
  const auto before = p.server_end->bytes_written();
  std::string got;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.client.try_read();
    if (m) got = m->str();
  });
  int turns = 0;
  while (p.server_end->bytes_written() == before && turns++ < 100) co_await settle(1);
  auto two = beside(ioc.get_executor(), [&]() -> task<> {
    try {
      co_await w.write(asio::buffer(other));
    } catch (const std::logic_error&) {
      refused = true;
    }
  });
  co_await settle(500);
  BOOST_TEST(*one);
  BOOST_TEST(*two);
  BOOST_TEST(refused);
}

COAX_CORO_TEST(a_pong_is_sent_once_whatever_a_hook_does) {
  conn* ours = nullptr;
  int pongs = 0;
  scripted s(ioc, role::server, options().on_frame([&](const frame_info& f) {
    if (f.way != frame_info::direction::sent || f.opcode != 10) return;
    if (++pongs < 3) ours->start_close();
  }));
  ours = &s.ours;
  co_await s.send(s.frame(opcode::ping, "p"));
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  co_await settle(10);
  BOOST_TEST(pongs == 1);
}

COAX_CORO_TEST(keepalive_leaves_a_close_its_time) {
  testing::virtual_clock clock;
  scripted s(ioc, role::server, options().keepalive(3s, 1s).close_timeout(60s));
  auto closer = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.close(); });
  co_await pass(clock, 20s);
  BOOST_TEST(!*closer);
}

COAX_CORO_TEST(a_queue_limit_of_nothing_still_takes_one_part) {
  peers p(ioc, options().keepalive(0s).send_queue_limit(0));
  auto w = co_await p.server.writer(message_kind::text);
  auto d = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(w.write(asio::buffer("a", 1))); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_queue_limit_of_nothing_still_takes_one_large_message) {
  peers p(ioc, options().keepalive(0s).send_queue_limit(0).read_limit(0));
  const std::string text = pattern(20'000);
  auto d = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(p.server.write_text(text)); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_writer_that_is_lost_with_its_callers_context_gives_up_its_turn) {
  peers p(ioc, options().keepalive(0s));
  auto w = co_await p.server.writer(message_kind::text);
  auto b = std::make_unique<asio::io_context>(1);
  auto ask = [&]() -> task<> {
    auto w2 = co_await p.server.writer(message_kind::text);
    co_await w2.finish();
  };
  asio::co_spawn(*b, ask, asio::detached);
  b->poll();
  co_await settle();
  b.reset();
  co_await w.finish();
  auto d = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(p.server.write_text("x")); });
  co_await settle(50);
  BOOST_TEST(*d);
}

COAX_CORO_TEST(a_part_is_not_read_into_the_memory_of_a_dead_context) {
  scripted s(ioc, role::server, options().keepalive(0s));
  co_await s.send(s.frame(opcode::text, "AAAA", false));
  auto r = co_await s.ours.reader();
  char few[10];
  const asio::mutable_buffer to = asio::buffer(few);
  co_await r.read_some(to);
  auto b = std::make_unique<asio::io_context>(1);
  auto ask = [&]() -> task<> {
    const auto chunk = std::make_unique<char[]>(100);
    const asio::mutable_buffer here(chunk.get(), 100);
    co_await r.read_some(here);
  };
  asio::co_spawn(*b, ask, asio::detached);
  b->poll();
  co_await settle();
  b.reset();
  co_await s.send(s.frame(opcode::continuation, "BBBB", false));
  co_await settle();
}

COAX_CORO_TEST(a_writer_that_has_written_nothing_may_be_dropped) {
  peers p(ioc, options().keepalive(0s));
  { auto w = co_await p.server.writer(message_kind::text); }
  BOOST_TEST(!(co_await code_of(p.server.write_text("x"))));
}

COAX_CORO_TEST(a_part_that_leaves_as_much_queued_as_there_was_is_sent) {
  peers p(ioc, options().send_queue_limit(32'000).read_limit(0).keepalive(0s), testing::faults().capacity(1'000'000));
  const std::string text = pattern(64 * 1024);
  auto w = co_await p.server.writer(message_kind::binary);
  p.server_end->stall();
  // fills the fragment, then one frame of 32 KiB is queued
  co_await w.write(asio::buffer(text.data(), 32 * 1024));
  co_await w.write(asio::buffer(text.data(), 32 * 1024));
  co_await settle();
  auto d = beside(ioc.get_executor(), [&]() -> task<> { co_await w.write(asio::buffer(text.data(), 32 * 1024)); });
  co_await settle();
  p.server_end->unstall();
  co_await settle();
  BOOST_TEST(*d);
  BOOST_TEST(p.server_end->bytes_written() == 2u * (32 * 1024 + 4));
}

COAX_CORO_TEST(the_counters_are_true_after_a_stop_and_after_the_end) {
  peers p(ioc, options().keepalive(0s).read_limit(0), testing::faults().capacity(1000));
  const std::string text = pattern(40'000);
  std::stop_source stop;
  error_code ec;
  auto stopped = beside(ioc.get_executor(),
                        [&]() -> task<> { ec = co_await code_of(p.server.write_text(text, stop.get_token())); });
  auto waiting = beside(ioc.get_executor(), [&]() -> task<> { co_await code_of(p.server.write_text(text)); });
  co_await settle();
  BOOST_TEST(p.server.stats().writers_waiting == 1u);
  stop.request_stop();
  co_await settle();
  BOOST_TEST((ec == errc::canceled_sent));
  BOOST_TEST(p.server.stats().messages_sent == 1u);
  p.server.close_now();
  co_await settle();
  BOOST_TEST(*waiting);
  BOOST_TEST(p.server.buffered_amount() == 0u);
  BOOST_TEST(p.server.stats().writers_waiting == 0u);
}

COAX_CORO_TEST(nothing_is_parsed_behind_the_frame_whose_hook_ended_the_connection) {
  conn* ours = nullptr;
  int frames = 0;
  scripted s(ioc, role::server, options().read_limit(0).on_frame([&](const frame_info& f) {
    if (f.way == frame_info::direction::received && ++frames == 9300) ours->close_now();
  }));
  ours = &s.ours;
  std::string all;
  while (all.size() < 65536) all += s.frame(opcode::pong, "p");
  all.resize(65536);
  co_await s.send(all);
  for (int i = 0; i < 2; ++i) {
    const auto r = co_await s.ours.try_read();
    BOOST_TEST((r.error() == errc::closed));
  }
}

COAX_CORO_TEST(a_hook_may_let_go_of_the_connection_that_is_being_read) {
  std::optional<conn> ours;
  auto [a, b] = testing::memory_pair(ioc.get_executor(), ioc.get_executor());
  const coax::detail::connection_settings settings(role::server, options().on_ping([&](std::span<const std::byte>) {
    ours.reset();
    return true;
  }));
  coax::detail::storage in;
  protocol::append_frame(in, role::client, {opcode::text, true}, std::as_bytes(std::span("x", 1)));
  protocol::append_frame(in, role::client, {opcode::ping, true}, std::as_bytes(std::span("p", 1)));
  ours.emplace(coax::detail::connection::create(a, settings, {in.data(), in.size()}));
  const auto m = co_await ours->read();
  BOOST_TEST(m.text() == "x");
  BOOST_TEST(!ours->try_next());
  BOOST_TEST(!ours);
}

COAX_CORO_TEST(a_read_that_is_cancelled_from_a_hook_leaves_nothing_behind) {
  asio::cancellation_signal signal;
  bool on = true;
  scripted s(ioc, role::server, options().keepalive(0s).on_ping([&](std::span<const std::byte>) {
    if (std::exchange(on, false)) signal.emit(asio::cancellation_type::terminal);
    return true;
  }));
  co_await s.send(s.frame(opcode::ping, "p"));
  bool done = false;
  auto body = [&]() -> task<> {
    co_await settle(1);
    try {
      co_await s.ours.try_read();
    } catch (const boost::system::system_error&) {
    }
    done = true;
  };
  asio::co_spawn(ioc.get_executor(), body, asio::bind_cancellation_slot(signal.slot(), [](std::exception_ptr) {}));
  co_await settle();
  BOOST_TEST(done);
  auto ping = beside(ioc.get_executor(),
                     [&]() -> task<> { co_await code_of([](conn& c) -> task<> { co_await c.ping(); }(s.ours)); });
  co_await settle();
  co_await s.send(s.frame(opcode::text, "x"));
  co_await settle();
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.text() == "x");
}

COAX_CORO_TEST(a_write_from_a_context_that_dies_sends_nothing_that_has_gone) {
  peers p(ioc, options().keepalive(0s).read_limit(0), testing::faults().capacity(1000));
  auto b = std::make_unique<asio::io_context>(1);
  auto ask = [&]() -> task<> {
    const std::string text = pattern(50'000);
    co_await p.server.write_text(text);
  };
  asio::co_spawn(*b, ask, asio::detached);
  b->poll();
  co_await settle();
  b.reset();
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.client.try_read();
    if (m) BOOST_TEST((m->text() == pattern(50'000)));
  });
  co_await settle(300);
  BOOST_TEST(*reading);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
