// permessage-deflate over a connection.
#include "protocol/wire_bytes.hpp"
#include "websocket/peers.hpp"
#include <coax/message_stream.hpp>
#include <coax/prepared_message.hpp>

#include <atomic>
#include <thread>

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(deflate)

using protocol::opcode;
using protocol::role;
using protocol::test::noise;
using protocol::test::prose;

options with(const deflate_options& o) { return options().deflate(o).read_limit(8 * 1024 * 1024); }
options takeover() { return with(deflate_mode::context_takeover); }
options alone() { return with(deflate_mode::no_context_takeover); }

task<> exchange_messages(conn& from, conn& to) {
  for (const std::size_t size : {0u, 1u, 127u, 128u, 600u, 5000u, 20'000u, 300'000u}) {
    const std::string text = prose(size), bytes = noise(size);
    const asio::const_buffer pieces[] = {buffer(std::string_view(text).substr(0, size / 3)), asio::const_buffer(),
                                         buffer(std::string_view(text).substr(size / 3))};
    const std::span<const asio::const_buffer> list(pieces);
    const auto sent = beside(from.get_executor(), [&]() -> task<> {
      co_await from.write(message_kind::text, list);
      co_await from.write(message_kind::binary, buffer(bytes));
    });
    const auto first = co_await to.read();
    const auto second = co_await to.read();
    BOOST_TEST((first.is_text() && first.text() == text), size << " bytes of text");
    BOOST_TEST((!second.is_text() && second.text() == bytes), size << " bytes of noise");
    while (!*sent) co_await asio::post(from.get_executor(), asio::use_awaitable);
  }
}

COAX_CORO_TEST(messages_of_all_sizes_come_through_in_each_mode) {
  for (const auto& o :
       {takeover(), alone(), with(deflate_options(deflate_mode::context_takeover).level(6)),
        with(deflate_options(deflate_mode::context_takeover).server_max_window_bits(8).client_max_window_bits(9))}) {
    peers p(ioc, o);
    co_await exchange_messages(p.client, p.server);
    co_await exchange_messages(p.server, p.client);
    const auto stats = p.server.stats();
    BOOST_TEST(stats.deflated_from > 0u);
    BOOST_TEST(stats.inflated_to > stats.inflated_from);
    BOOST_TEST(p.client.stats().inflated_to == stats.deflated_from);
    BOOST_TEST(p.client.stats().inflated_from == stats.deflated_to);
  }
}

COAX_SCENARIO_TEST(a_message_comes_through_compressed) {
  peers p(ioc, takeover());
  const auto text = prose(2000);
  for (int i = 0; i != 3; ++i) {
    co_await p.client.write_text(text);
    const auto there = co_await p.server.read();
    BOOST_TEST((there.text() == text));
    co_await p.server.write(there.kind(), there.data());
    const auto back = co_await p.client.read();
    BOOST_TEST((back.text() == text));
  }
  BOOST_TEST(p.client.stats().deflated_to < p.client.stats().deflated_from / 2);
}

COAX_SCENARIO_TEST(small_messages_go_as_they_are_and_each_may_be_told) {
  scripted s(ioc, role::server, takeover());
  const auto small = prose(127), enough = prose(128);

  co_await s.ours.write_text(small);
  auto f = co_await s.receive();
  BOOST_TEST(!f->head.rsv1);
  co_await s.ours.write_text(enough);
  f = co_await s.receive();
  BOOST_TEST(f->head.rsv1);
  co_await s.ours.write(message_kind::text, buffer(enough), compression::off);
  f = co_await s.receive();
  BOOST_TEST(!f->head.rsv1);
  co_await s.ours.write(message_kind::text, buffer("x"), compression::always);
  f = co_await s.receive();
  BOOST_TEST(f->head.rsv1);
}

COAX_SCENARIO_TEST(without_takeover_what_does_not_shrink_goes_as_it_is) {
  scripted s(ioc, role::server, alone());
  const auto bytes = noise(1000);

  co_await s.ours.write(message_kind::binary, buffer(bytes));

  const auto f = co_await s.receive();
  BOOST_TEST(!f->head.rsv1);
  BOOST_TEST((f->payload == bytes));
}

COAX_SCENARIO_TEST(corrupt_data_is_closed_with_1007) {
  scripted s(ioc, role::server, takeover());
  co_await s.send(s.frame(opcode::text, "\x06", true, true));

  const auto m = co_await s.ours.try_read();

  BOOST_TEST(m.has_error());
  BOOST_TEST((m.error() == errc::corrupt_data));
  const auto f = co_await s.receive();
  BOOST_TEST(f->status() == 1007u);
}

COAX_SCENARIO_TEST(the_read_limit_holds_after_inflating) {
  scripted s(ioc, role::server, takeover().read_limit(1000));
  protocol::deflater d({2, 15, 8}, true);
  co_await s.send(s.frame(opcode::text, protocol::test::deflate(d, std::string(1000, 'x')), true, true));
  co_await s.send(s.frame(opcode::text, protocol::test::deflate(d, std::string(100'000, 'x')), true, true));

  const auto fits = co_await s.ours.read();
  BOOST_TEST(fits.size() == 1000u);
  const auto m = co_await s.ours.try_read();

  BOOST_TEST((m.error() == errc::message_too_big));
  BOOST_TEST(s.ours.stats().inflated_to == 2001u);
  const auto f = co_await s.receive();
  BOOST_TEST(f->status() == 1009u);
}

task<std::string> read_all(message_reader& r) {
  std::string all, chunk(1000, '\0');
  for (;;) {
    const asio::mutable_buffer to = asio::buffer(chunk);
    const std::size_t n = co_await r.read_some(to);
    if (n == 0) co_return all;
    all.append(chunk, 0, n);
  }
}

COAX_SCENARIO_TEST(a_message_that_inflates_to_much_is_read_in_parts) {
  peers p(ioc, takeover());
  const std::string text(1'000'000, 'x');
  co_await p.client.write_text(text);
  co_await p.client.write_text("next");

  auto r = co_await p.server.reader();
  const auto all = co_await read_all(r);
  BOOST_TEST((all == text));
  const auto next = co_await p.server.read();
  BOOST_TEST(next.text() == "next");
}

COAX_SCENARIO_TEST(an_unread_rest_leaves_the_window_as_it_must_be) {
  peers p(ioc, takeover());
  const auto text = prose(200'000);
  co_await p.client.write_text(text);
  co_await p.client.write_text(text);

  {
    auto r = co_await p.server.reader();
    char some[10];
    const asio::mutable_buffer to = asio::buffer(some);
    const std::size_t n = co_await r.read_some(to);
    BOOST_TEST(n == 10u);
  }
  auto next = co_await p.server.read();
  BOOST_TEST((next.text() == text));
  BOOST_TEST(p.server.stats().inflated_to == 2 * text.size());

  // A rest that nothing comes behind counts as well.
  co_await p.client.write_text(text);
  { auto r = co_await p.server.reader(); }
  co_await p.client.write(message_kind::text, buffer("plain"), compression::off);
  next = co_await p.server.read();
  BOOST_TEST(next.text() == "plain");
  BOOST_TEST(p.server.stats().inflated_to == 3 * text.size());
}

// Every place of a compressed message's wire form, for both ways to read it.
COAX_CORO_TEST(a_read_that_is_cancelled_within_a_compressed_message_loses_nothing) {
  protocol::deflater d({2, 15, 8}, true);
  const auto text = prose(200'000);
  scripted s(ioc, role::server, takeover());
  for (int in_parts = 0; in_parts != 2; ++in_parts) {
    for (const std::size_t quarter : {0u, 1u, 2u, 3u, 4u}) {
      const auto bytes = s.frame(opcode::text, protocol::test::deflate(d, text), true, true);
      const auto cut = std::min(bytes.size() - 1, bytes.size() * quarter / 4 + 1);
      co_await s.send(bytes.substr(0, cut));
      std::stop_source stop;
      const context ctx(stop.get_token());
      error_code ec;
      const auto reading = beside(ioc.get_executor(), [&]() -> task<> {
        const auto r = co_await s.ours.try_read(ctx);
        if (r.has_error()) ec = r.error();
      });
      co_await settle();
      stop.request_stop();
      while (!*reading) co_await settle(1);
      BOOST_TEST((ec == errc::canceled));

      if (in_parts != 0) {
        auto r = beside(ioc.get_executor(), [&]() -> task<> {
          auto reader = co_await s.ours.reader();
          const auto all = co_await read_all(reader);
          BOOST_TEST((all == text));
        });
        co_await s.send(bytes.substr(cut));
        while (!*r) co_await settle(1);
      } else {
        co_await s.send(bytes.substr(cut));
        const auto m = co_await s.ours.read();
        BOOST_TEST((m.text() == text));
      }
    }
  }
}

COAX_SCENARIO_TEST(a_flush_of_a_writer_is_a_flush_of_the_compressor) {
  peers p(ioc, takeover());
  auto w = co_await p.client.writer(message_kind::text);
  const auto first = prose(3000);
  co_await w.write(buffer(first));
  co_await w.flush();

  auto r = co_await p.server.reader();
  std::string got, chunk(1000, '\0');
  while (got.size() < first.size()) {
    const asio::mutable_buffer to = asio::buffer(chunk);
    const std::size_t n = co_await r.read_some(to);
    got.append(chunk, 0, n);
  }
  BOOST_TEST((got == first));
  co_await w.write(buffer("end"));
  co_await w.finish();
  const auto rest = co_await read_all(r);
  BOOST_TEST(rest == "end");

  co_await p.client.write_text(first);
  const auto next = co_await p.server.read();
  BOOST_TEST((next.text() == first));
}

COAX_SCENARIO_TEST(a_writer_may_be_told_not_to_compress) {
  scripted s(ioc, role::server, takeover());
  auto w = co_await s.ours.writer(message_kind::binary, compression::off);
  co_await w.write(buffer("abc"));
  co_await w.finish();

  const auto f = co_await s.receive();
  BOOST_TEST(!f->head.rsv1);
  BOOST_TEST(f->payload == "abc");
}

COAX_SCENARIO_TEST(a_write_that_is_cancelled_in_the_queue_leaves_no_trace_in_the_window) {
  peers p(ioc, takeover().send_queue_limit(1000));
  const auto bytes = noise(200'000), text = prose(5000);
  // More than the pair takes: what comes next waits.
  co_await p.client.write(message_kind::binary, buffer(bytes));
  std::stop_source stop;
  error_code ec;
  const auto cancelled = beside(ioc.get_executor(), [&]() -> task<> {
    const context ctx(stop.get_token());
    const auto r = co_await p.client.try_write(message_kind::text, buffer(text), ctx);
    if (r.has_error()) ec = r.error();
  });
  co_await settle(2);
  BOOST_TEST(p.client.stats().writers_waiting == 1u);

  stop.request_stop();
  while (!*cancelled) co_await settle(1);

  BOOST_TEST((ec == errc::canceled));
  const auto after = beside(ioc.get_executor(), [&]() -> task<> { co_await p.client.write_text(text); });
  auto m = co_await p.server.read();
  BOOST_TEST((m.text() == bytes));
  m = co_await p.server.read();
  BOOST_TEST((m.text() == text));
  while (!*after) co_await settle(1);
  co_await p.client.write_text(text);
  m = co_await p.server.read();
  BOOST_TEST((m.text() == text));
}

// An operation in parts that ends before anything has left has never been.
COAX_SCENARIO_TEST(a_writer_that_is_dropped_before_its_first_frame_leaves_no_trace_in_the_window) {
  peers p(ioc, takeover());
  const auto text = prose(5000);
  co_await p.client.write_text(text);
  {
    auto w = co_await p.client.writer(message_kind::text);
    co_await w.write(buffer("never to be seen"));
  }
  co_await p.client.write_text(text);

  for (int i = 0; i != 2; ++i) {
    const auto m = co_await p.server.read();
    BOOST_TEST((m.text() == text));
  }
}

COAX_SCENARIO_TEST(prepared_messages_are_understood_between_others) {
  for (const auto& o : {takeover(), alone()}) {
    peers p(ioc, o);
    const auto text = prose(3000), other = prose(3000, 2);
    const prepared_message m(text);
    for (int i = 0; i != 3; ++i) {
      co_await p.server.write(m);
      co_await p.server.write_text(other);
      auto got = co_await p.client.read();
      BOOST_TEST((got.text() == text));
      got = co_await p.client.read();
      BOOST_TEST((got.text() == other));
      co_await p.client.write(m);
      got = co_await p.server.read();
      BOOST_TEST((got.text() == text));
    }
    const auto sent = p.server.stats();
    BOOST_TEST(sent.deflated_from == 18'000u);
    BOOST_TEST(p.client.stats().inflated_from == sent.deflated_to);
  }
}

COAX_CORO_TEST(a_prepared_message_is_compressed_once) {
  peers a(ioc, takeover()), b(ioc, alone());
  const auto text = prose(3000);
  const auto m = detail::encode(message_kind::text, buffer(text));
  const protocol::compressor_parameters p;

  BOOST_TEST(m->deflated_frame(p).size() < m->frame().size());
  BOOST_TEST(&m->deflated_frame(p) == &m->deflated_frame(p));
  protocol::compressor_parameters small = p;
  small.window_bits = 9;
  BOOST_TEST(&m->deflated_frame(p) != &m->deflated_frame(small));
  co_return;
}

BOOST_AUTO_TEST_CASE(threads_that_ask_at_once_share_one_compressed_form) {
  const auto text = prose(100'000);
  const auto m = detail::encode(message_kind::text, buffer(text));
  std::atomic<bool> go = false;
  std::vector<std::vector<const detail::storage*>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&m, &go, &mine] {
      while (!go) continue;
      for (unsigned bits = 15; bits >= 9; --bits) {
        protocol::compressor_parameters p;
        p.window_bits = static_cast<std::uint8_t>(bits);
        mine.push_back(&m->deflated_frame(p));
      }
    });
  }
  go = true;
  for (auto& t : threads) t.join();

  for (const auto& theirs : seen) BOOST_TEST((theirs == seen.front()));
}

COAX_CORO_TEST(what_has_ended_holds_no_contexts) {
  std::vector<std::unique_ptr<peers>> all;
  for (int i = 0; i != 12; ++i) {
    auto& p = *all.emplace_back(std::make_unique<peers>(ioc, takeover()));
    co_await p.client.write_text(prose(1000));
    co_await p.server.read();
    co_await p.server.write_text(prose(1000));
    co_await p.client.read();
  }
  const auto active = protocol::deflate_memory();

  for (auto& p : all) {
    p->client.close_now();
    p->server.close_now();
  }
  co_await settle();

  // But for the few that the thread keeps.
  BOOST_TEST(protocol::deflate_memory() < active / 2);
}

COAX_CORO_TEST(what_is_idle_gives_memory_back_and_goes_on) {
  testing::virtual_clock clock;
  peers p(ioc, takeover().keepalive(0s));
  const auto text = prose(3000);
  co_await p.client.write_text(text);
  auto m = co_await p.server.read();
  co_await p.server.write_text(text);
  m = co_await p.client.read();
  const auto active = protocol::deflate_memory();

  clock.advance(31s);
  co_await asio::post(ioc, asio::use_awaitable);
  clock.advance(31s);
  co_await asio::post(ioc, asio::use_awaitable);

  // What was given back is in the thread's pool, for the next who needs it.
  peers next(ioc, takeover());
  co_await next.client.write_text(text);
  m = co_await next.server.read();
  BOOST_TEST(protocol::deflate_memory() <= active);
  for (int i = 0; i != 2; ++i) {
    co_await p.client.write_text(text);
    m = co_await p.server.read();
    BOOST_TEST((m.text() == text));
    co_await p.server.write_text(text);
    m = co_await p.client.read();
    BOOST_TEST((m.text() == text));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
