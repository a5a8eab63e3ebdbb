#include "websocket/peers.hpp"
#include <coax/message_stream.hpp>

#include <boost/asio/thread_pool.hpp>

#include <random>

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(message_stream)

using protocol::opcode;
using protocol::role;

task<std::string> read_all(message_reader& r, std::size_t step = 1000) {
  std::string all;
  std::string chunk(step, '\0');
  for (;;) {
    const asio::mutable_buffer to = asio::buffer(chunk);
    const std::size_t n = co_await r.read_some(to);
    if (n == 0) co_return all;
    all.append(chunk, 0, n);
  }
}

COAX_SCENARIO_TEST(a_message_is_read_in_parts_as_they_come) {
  scripted s(ioc, role::server);
  co_await s.send(s.frame(opcode::text, "one ", false));

  auto r = co_await s.ours.reader();
  BOOST_TEST((r.kind() == message_kind::text));
  char chunk[100];
  const asio::mutable_buffer to = asio::buffer(chunk);
  std::size_t n = co_await r.read_some(to);
  BOOST_TEST(std::string(chunk, n) == "one ");
  BOOST_TEST(!r.done());
  co_await s.send(s.frame(opcode::ping, "p") + s.frame(opcode::continuation, "two"));
  n = co_await r.read_some(to);
  BOOST_TEST(std::string(chunk, n) == "two");
  BOOST_TEST(r.done());
  n = co_await r.read_some(to);
  BOOST_TEST(n == 0u);
  const auto pong = co_await s.receive();
  BOOST_TEST((pong->head.op == opcode::pong));
  co_await s.send(s.frame(opcode::binary, "next"));
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.text() == "next");
}

COAX_SCENARIO_TEST(parts_are_cut_by_the_readers_buffer) {
  peers p(ioc);
  co_await p.client.write_text("abcdefghij");
  co_await p.client.write_text("");
  auto r = co_await p.server.reader();
  BOOST_TEST(co_await read_all(r, 3) == "abcdefghij");
  auto empty = co_await p.server.reader();
  BOOST_TEST(co_await read_all(empty, 3) == "");
  BOOST_TEST(empty.done());
}

COAX_SCENARIO_TEST(an_unread_rest_is_dropped_by_the_next_read) {
  peers p(ioc);
  const std::string large = pattern(20000);
  for (int i = 0; i < 2; ++i) {
    co_await p.client.write_text(large);
    co_await p.client.write_text("behind");
  }
  char few[5];
  const asio::mutable_buffer to = asio::buffer(few);
  auto first = co_await p.server.reader();
  co_await first.read_some(to);
  const auto m = co_await p.server.read();
  BOOST_TEST(m.text() == "behind");
  auto second = co_await p.server.reader();
  co_await second.read_some(to);
  auto third = co_await p.server.reader();
  BOOST_TEST(co_await read_all(third) == "behind");
  BOOST_CHECK_THROW(co_await first.read_some(to), std::logic_error);
}

COAX_CORO_TEST(a_rest_that_has_not_come_yet_is_dropped_as_it_comes) {
  scripted s(ioc, role::server, options().read_limit(0));
  co_await s.send(s.frame(opcode::binary, "begin", false));
  char few[2];
  const asio::mutable_buffer to = asio::buffer(few);
  auto r = co_await s.ours.reader();
  co_await r.read_some(to);
  std::string text;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await s.ours.read();
    text = m.text();
  });
  for (int i = 0; i < 20; ++i) co_await s.send(s.frame(opcode::continuation, pattern(10000), false));
  co_await s.send(s.frame(opcode::continuation, "end") + s.frame(opcode::text, "next"));
  co_await settle();
  BOOST_TEST(*reading);
  BOOST_TEST(text == "next");
}

COAX_CORO_TEST(a_stopped_reader_leaves_the_message_whole) {
  scripted s(ioc, role::server);
  for (const bool some_came : {false, true}) {
    std::stop_source stop;
    const auto bytes = s.frame(opcode::text, "hello");
    co_await s.send(bytes.substr(0, some_came ? 4 : 0));
    error_code ec;
    auto waiting = beside(ioc.get_executor(), [&]() -> task<> {
      try {
        co_await s.ours.reader(stop.get_token());
      } catch (const system_error& e) {
        ec = e.code();
      }
    });
    co_await settle();
    stop.request_stop();
    co_await settle();
    BOOST_TEST(*waiting);
    BOOST_TEST((ec == errc::canceled));
    co_await s.send(bytes.substr(some_came ? 4 : 0));
    const auto m = co_await s.ours.read();
    BOOST_TEST(m.text() == "hello");
  }
}

COAX_CORO_TEST(a_part_that_comes_together_with_the_stop_is_not_lost) {
  scripted s(ioc, role::server);
  const auto bytes = s.frame(opcode::text, "hello");
  std::stop_source stop;
  auto waiting = beside(ioc.get_executor(), [&]() -> task<> {
    const auto ec =
        co_await code_of([](conn& c, context ctx) -> task<> { co_await c.reader(ctx); }(s.ours, stop.get_token()));
    BOOST_TEST((ec == errc::canceled));
  });
  co_await settle();
  co_await s.send(bytes.substr(0, 8));
  stop.request_stop();
  co_await settle();
  BOOST_TEST(*waiting);
  co_await s.send(bytes.substr(8));
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.text() == "hello");
}

COAX_CORO_TEST(a_stopped_part_loses_no_byte) {
  scripted s(ioc, role::server);
  co_await s.send(s.frame(opcode::text, "ab", false));
  auto r = co_await s.ours.reader();
  char chunk[10];
  const asio::mutable_buffer to = asio::buffer(chunk);
  std::string text;
  for (int i = 0; i < 5; ++i) {
    std::stop_source stop;
    auto waiting = beside(ioc.get_executor(), [&]() -> task<> {
      for (;;) {
        const auto n = co_await r.try_read_some(to, stop.get_token());
        if (!n) break;
        text.append(chunk, *n);
      }
    });
    co_await settle();
    co_await s.send(s.frame(opcode::continuation, std::string(1, static_cast<char>('c' + i)), false));
    stop.request_stop();
    co_await settle();
    BOOST_TEST(*waiting);
  }
  co_await s.send(s.frame(opcode::continuation, "z"));
  text += co_await read_all(r);
  BOOST_TEST(text == "abcdefgz");
}

COAX_CORO_TEST(a_message_that_ends_with_the_connection_is_an_error) {
  scripted s(ioc, role::server);
  co_await s.send(s.frame(opcode::text, "half", false));
  auto r = co_await s.ours.reader();
  s.shut();
  BOOST_CHECK_THROW(co_await read_all(r), close_error);
}

COAX_CORO_TEST(the_limit_holds_for_the_whole_message) {
  scripted s(ioc, role::server, options().read_limit(10));
  co_await s.send(s.frame(opcode::text, "12345678", false));
  auto r = co_await s.ours.reader();
  co_await s.send(s.frame(opcode::continuation, "90a"));
  error_code ec;
  try {
    co_await read_all(r);
  } catch (const system_error& e) {
    ec = e.code();
  }
  BOOST_TEST((ec == errc::message_too_big));
}

COAX_SCENARIO_TEST(a_message_is_written_in_fragments) {
  scripted s(ioc, role::server);
  auto w = co_await s.ours.writer(message_kind::text);
  co_await w.write(asio::buffer("ab", 2));
  co_await w.write(asio::buffer("cd", 2));
  co_await w.flush();
  const auto first = co_await s.receive();
  BOOST_TEST((first->head.op == opcode::text));
  BOOST_TEST(!first->head.fin);
  BOOST_TEST(first->payload == "abcd");
  co_await w.flush();  // there is nothing: no frame
  co_await w.write(asio::buffer("e", 1));
  co_await w.finish();
  const auto last = co_await s.receive();
  BOOST_TEST((last->head.op == opcode::continuation));
  BOOST_TEST(last->head.fin);
  BOOST_TEST(last->payload == "e");
  BOOST_TEST(s.ours.stats().messages_sent == 1u);
  BOOST_CHECK_THROW(co_await w.write(asio::buffer("x", 1)), std::logic_error);
}

COAX_CORO_TEST(the_end_of_a_message_has_no_frame_of_its_own) {
  scripted s(ioc, role::client);
  const std::string text = pattern(64 * 1024);
  auto w = co_await s.ours.writer(message_kind::binary);
  for (std::size_t at = 0; at < text.size(); at += 1024) co_await w.write(asio::buffer(text.data() + at, 1024));
  co_await w.finish();
  std::string got;
  int frames = 0;
  for (bool fin = false; !fin; ++frames) {
    const auto f = co_await s.receive();
    BOOST_TEST(!f->payload.empty());
    got += f->payload;
    fin = f->head.fin;
  }
  BOOST_TEST(frames == 2);
  BOOST_TEST((got == text));
  auto one = co_await s.ours.writer(message_kind::text);
  co_await one.finish();
  const auto empty = co_await s.receive();
  BOOST_TEST(empty->head.fin);
  BOOST_TEST((empty->head.op == opcode::text));
}

COAX_CORO_TEST(other_messages_wait_for_the_end_of_one_in_parts_and_pings_do_not) {
  scripted s(ioc, role::server);
  auto w = co_await s.ours.writer(message_kind::text);
  co_await w.write(asio::buffer("a", 1));
  co_await w.flush();
  auto other = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.write_text("other"); });
  auto second = beside(ioc.get_executor(), [&]() -> task<> {
    auto w2 = co_await s.ours.writer(message_kind::binary);
    co_await w2.write(asio::buffer("second", 6));
    co_await w2.finish();
  });
  auto ping = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.ping(); });
  co_await settle();
  BOOST_TEST(!*other);
  co_await w.write(asio::buffer("b", 1));
  co_await w.finish();
  co_await settle();
  BOOST_TEST(*other);
  BOOST_TEST(*second);
  const char* wanted[] = {"a", nullptr, "b", "other", "second"};
  for (const char* payload : wanted) {
    const auto f = co_await s.receive();
    if (payload) BOOST_TEST(f->payload == payload);
    if (!payload) {
      BOOST_TEST((f->head.op == opcode::ping));
      co_await s.send(s.frame(opcode::pong, f->payload));
    }
  }
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await s.ours.try_read(); });
  co_await settle();
  BOOST_TEST(*ping);
}

COAX_CORO_TEST(a_writer_waits_when_the_queue_is_full_and_may_be_stopped) {
  peers p(ioc, options().send_queue_limit(1000).read_limit(0).keepalive(0s), testing::faults().capacity(1000));
  const std::string text = pattern(300'000);
  auto w = co_await p.server.writer(message_kind::binary);
  std::size_t added = 0;
  // Until the first part that is not taken at all.
  for (;;) {
    std::stop_source stop;
    error_code ec;
    auto writing = beside(ioc.get_executor(), [&]() -> task<> {
      ec = co_await code_of(w.write(asio::buffer(text.data() + added, 100'000), stop.get_token()));
    });
    co_await settle();
    stop.request_stop();
    co_await settle();
    BOOST_REQUIRE(*writing);
    if (ec == errc::canceled) break;
    BOOST_TEST((!ec || ec == errc::canceled_sent));
    added += 100'000;
    BOOST_REQUIRE(added < text.size());
  }
  BOOST_TEST(added > 0u);
  std::string got;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.client.read();
    got = m.str();
  });
  co_await w.write(asio::buffer(text.data() + added, text.size() - added));
  co_await w.finish();
  co_await settle(2000);
  BOOST_TEST(*reading);
  BOOST_TEST((got == text));
}

COAX_SCENARIO_TEST(a_writer_that_is_dropped_closes_with_1011) {
  peers p(ioc);
  {
    auto w = co_await p.server.writer(message_kind::text);
    co_await w.write(asio::buffer("unfinished", 10));
    co_await w.flush();
  }
  BOOST_CHECK_THROW(co_await p.server.write_text("x"), close_error);
  const auto r = co_await p.client.try_read();
  BOOST_TEST((r.error() == errc::closed));
  BOOST_TEST((p.client.closed().status == status::internal_error));
  BOOST_TEST(p.client.closed().reason == "a message was left unfinished");
  co_await p.server.close();
  BOOST_TEST((p.server.closed().status == status::internal_error));
  BOOST_TEST((p.server.closed().initiator == close_initiator::local));
  BOOST_TEST(p.server.closed().clean);
}

COAX_CORO_TEST(a_writer_that_has_finished_may_go) {
  peers p(ioc);
  {
    auto w = co_await p.server.writer(message_kind::text);
    co_await w.write(asio::buffer("done", 4));
    co_await w.finish();
  }
  co_await p.server.write_text("more");
  for (const char* wanted : {"done", "more"}) {
    const auto m = co_await p.client.read();
    BOOST_TEST(m.text() == wanted);
  }
}

COAX_CORO_TEST(a_close_cuts_off_a_message_in_parts_and_those_that_wait_for_it) {
  peers p(ioc);
  auto w = co_await p.server.writer(message_kind::text);
  co_await w.write(asio::buffer("cut", 3));
  co_await w.flush();
  error_code other_code;
  auto other = beside(ioc.get_executor(), [&]() -> task<> { other_code = co_await code_of(p.server.write_text("x")); });
  co_await settle();
  p.server.start_close();
  co_await settle();
  BOOST_TEST(*other);
  BOOST_TEST((other_code == errc::closed));
  BOOST_CHECK_THROW(co_await w.write(asio::buffer("x", 1)), close_error);
  BOOST_CHECK_THROW(co_await w.finish(), close_error);
  const auto r = co_await p.client.try_read();
  BOOST_TEST((r.error() == errc::closed));
  BOOST_TEST(p.client.closed().clean);
  co_await p.server.close();
  BOOST_TEST(p.server.closed().clean);
}

COAX_CORO_TEST(a_close_does_not_wait_for_what_nobody_reads) {
  testing::virtual_clock clock;
  peers p(ioc, options().keepalive(0s));
  co_await p.client.write_text("unread");
  // The ping reads by itself, up to the message.
  auto ping = beside(ioc.get_executor(),
                     [&]() -> task<> { co_await code_of([](conn& c) -> task<> { co_await c.ping(); }(p.server)); });
  co_await settle();
  auto closing = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.close(); });
  auto reading = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.try_read(); });
  co_await settle();
  BOOST_TEST(*closing);
  BOOST_TEST(p.server.closed().clean);
}

COAX_CORO_TEST(messages_can_be_read_as_one_stream) {
  peers p(ioc);
  co_await p.client.write_text("one");
  co_await p.client.write_text("");
  co_await p.client.write_binary(std::as_bytes(std::span("two", 3)));
  joined_messages lines(p.server, "\r\n");
  std::string all;
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    char chunk[2];
    const asio::mutable_buffer to = asio::buffer(chunk);
    for (;;) {
      const std::size_t n = co_await lines.read_some(to);
      if (n == 0) co_return;
      all.append(chunk, n);
    }
  });
  co_await settle();
  BOOST_TEST(all == "one\r\n\r\ntwo\r\n");
  co_await p.client.close();
  co_await settle();
  BOOST_TEST(*reading);
}

// Random messages, written in random parts with random flushes and stops, read in random parts, now whole, now dropped.
COAX_CORO_TEST(whatever_the_parts_the_messages_are_the_same) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 20; ++round) {
    peers p(ioc, options().read_limit(0).send_queue_limit(5000),
            testing::faults().capacity(700 + below(5000)).max_read(1 + below(3000)).max_write(1 + below(3000)));
    std::vector<std::string> sent;
    for (int i = 0; i < 20; ++i) sent.push_back(pattern(below(i % 4 == 0 ? 100'000 : 300)));
    auto writing = beside(ioc.get_executor(), [&]() -> task<> {
      for (const auto& text : sent) {
        auto w = co_await p.client.writer(message_kind::binary);
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t n = std::min(text.size() - at, 1 + below(40'000));
          const error_code ec = co_await code_of(w.write(
              asio::buffer(text.data() + at, n), context().with_timeout(std::chrono::microseconds(below(300)))));
          if (!ec || was_sent(ec)) at += n;
          if (below(3) == 0) co_await w.flush();
        }
        co_await w.finish();
      }
    });
    for (const auto& text : sent) {
      if (below(3) == 0) {
        const auto m = co_await p.server.read();
        BOOST_REQUIRE((m.text() == text));
        continue;
      }
      auto r = co_await p.server.reader();
      std::string got;
      std::string chunk(1 + below(5000), '\0');
      const bool drop = below(4) == 0;
      while (!r.done() && !(drop && got.size() > 50)) {
        const asio::mutable_buffer to = asio::buffer(chunk);
        const auto n = co_await r.try_read_some(to, context().with_timeout(std::chrono::microseconds(below(300))));
        if (n) got.append(chunk, 0, *n);
        if (!n) BOOST_REQUIRE((n.error() == errc::deadline_exceeded));
      }
      BOOST_REQUIRE((got == text.substr(0, got.size())));
      if (!drop) BOOST_REQUIRE((got == text));
    }
    co_await settle();
    BOOST_TEST(*writing);
  }
}

COAX_CORO_TEST(readers_and_writers_work_from_other_executors) {
  asio::thread_pool elsewhere(1);
  peers p(ioc, options().read_limit(0));
  const std::string text = pattern(200'000);
  auto reading = beside(ioc.get_executor(), [&]() -> task<> {
    auto r = co_await p.client.reader();
    BOOST_TEST((co_await read_all(r) == text));
  });
  bool written = false;
  auto write = [&]() -> task<> {
    auto w = co_await p.server.writer(message_kind::text);
    co_await w.write(asio::buffer(text));
    co_await w.flush();
    co_await w.finish();
    written = true;
  };
  co_await asio::co_spawn(elsewhere, write, asio::use_awaitable);
  BOOST_TEST(written);
  while (!*reading) co_await settle(1);
  elsewhere.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
