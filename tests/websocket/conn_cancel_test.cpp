#include "websocket/peers.hpp"
#include <coax/message_stream.hpp>
#include <coax/prepared_message.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <functional>

// For every operation: stopped before it begins, while it is parked, after it has ended, and from its own executor; by
// token, by deadline and by Asio's slot. A late stop of one operation never hits the next.

namespace coax::test {
namespace {

using protocol::role;

// An operation that waits when it is called on `p.server`, and proof afterwards that the connection is unharmed.
struct operation {
  const char* name;
  std::function<task<error_code>(peers&, context)> start;
};

const std::string large = pattern(200000);

const operation operations[] = {
    {"read",
     [](peers& p, context ctx) -> task<error_code> {
       const auto r = co_await p.server.try_read(ctx);
       co_return r ? error_code() : r.error();
     }},
    {"next",
     [](peers& p, context ctx) -> task<error_code> {
       try {
         co_await p.server.next(ctx);
       } catch (const system_error& e) {
         co_return e.code();
       }
       co_return error_code();
     }},
    {"ping",
     [](peers& p, context ctx) -> task<error_code> {
       try {
         co_await p.server.ping(ctx);
       } catch (const system_error& e) {
         co_return e.code();
       }
       co_return error_code();
     }},
    {"reader",
     [](peers& p, context ctx) -> task<error_code> {
       return code_of([](conn& c, context inner) -> task<> { co_await c.reader(inner); }(p.server, ctx));
     }},
    {"writer behind a full queue",
     [](peers& p, context ctx) -> task<error_code> {
       return code_of(
           [](conn& c, context inner) -> task<> { co_await c.writer(message_kind::text, inner); }(p.server, ctx));
     }},
    {"prepared write behind a full queue",
     [](peers& p, context ctx) -> task<error_code> {
       static const prepared_message never_sent("never sent");
       return code_of(p.server.write(never_sent, ctx));
     }},
    {"drained", [](peers& p, context ctx) -> task<error_code> { return code_of(p.server.drained(ctx)); }},
    {"write behind a full queue",
     [](peers& p, context ctx) -> task<error_code> { return code_of(p.server.write_text("never sent", ctx)); }},
};

// Fills the way to the client, so that a write has to wait.
task<> fill(peers& p) {
  p.server_end->stall();
  co_await p.server.write_text(pattern(1000));
}

// Everything written before and after arrives, nothing else does.
task<> check_intact(asio::io_context& ioc, peers& p, std::size_t expected_before) {
  p.server_end->unstall();
  for (std::size_t i = 0; i < expected_before; ++i) {
    const auto m = co_await p.client.read();
    BOOST_TEST((m.text() == pattern(1000)));
  }
  co_await p.server.write_text("from the server");
  const auto a = co_await p.client.read();
  BOOST_TEST(a.text() == "from the server");
  co_await p.client.write_text("from the client");
  auto keep_reading = beside(ioc.get_executor(), [&]() -> task<> {
    const auto b = co_await p.server.read();
    BOOST_TEST(b.text() == "from the client");
  });
  co_await settle();
  BOOST_TEST(*keep_reading);
  BOOST_TEST((p.server.closed().initiator == close_initiator::none));
}

options small_queue() { return options().send_queue_limit(500).read_limit(0); }

void for_each_operation(const std::function<task<>(asio::io_context&, peers&, const operation&)>& body) {
  for (const auto& op : operations)
    BOOST_TEST_CONTEXT(op.name)
      cut_run([&](asio::io_context& ioc) -> task<> {
        peers p(ioc, small_queue());
        co_await fill(p);
        co_await body(ioc, p, op);
        co_await check_intact(ioc, p, 1);
      });
}

BOOST_AUTO_TEST_CASE(stopped_before_it_begins) {
  for_each_operation([](asio::io_context&, peers& p, const operation& op) -> task<> {
    std::stop_source source;
    source.request_stop();
    const error_code a = co_await op.start(p, source.get_token());
    BOOST_TEST((a == errc::canceled));
    const context late = context().with_timeout(-1ms);
    const error_code b = co_await op.start(p, late);
    BOOST_TEST((b == errc::deadline_exceeded));
    BOOST_TEST((b == std::errc::timed_out));
  });
}

BOOST_AUTO_TEST_CASE(stopped_while_parked) {
  for_each_operation([](asio::io_context& ioc, peers& p, const operation& op) -> task<> {
    std::stop_source source;
    error_code ec;
    auto ended = beside(ioc.get_executor(), [&]() -> task<> { ec = co_await op.start(p, source.get_token()); });
    co_await settle();
    BOOST_TEST(!*ended);
    source.request_stop();  // from the strand of the operation itself
    BOOST_TEST(!*ended);    // a stop only posts
    co_await settle();
    BOOST_TEST(*ended);
    BOOST_TEST((ec == errc::canceled));
  });
}

BOOST_AUTO_TEST_CASE(the_deadline_passes_while_parked) {
  for (const auto& op : operations)
    BOOST_TEST_CONTEXT(op.name)
      run([&](asio::io_context& ioc) -> task<> {
        testing::virtual_clock clock;
        peers p(ioc, small_queue());
        co_await fill(p);
        error_code ec;
        const auto ctx = context().with_timeout(3s);
        auto ended = beside(ioc.get_executor(), [&]() -> task<> { ec = co_await op.start(p, ctx); });
        co_await settle();
        clock.advance(2999ms);
        co_await settle();
        BOOST_TEST(!*ended);
        clock.advance(1ms);
        co_await settle();
        BOOST_TEST(*ended);
        BOOST_TEST((ec == errc::deadline_exceeded));
        co_await check_intact(ioc, p, 1);
      });
}

BOOST_AUTO_TEST_CASE(canceled_through_its_asio_slot) {
  for_each_operation([](asio::io_context& ioc, peers& p, const operation& op) -> task<> {
    asio::cancellation_signal signal;
    error_code ec;
    bool ended = false;
    auto body = [&]() -> task<> { ec = co_await op.start(p, context()); };
    asio::co_spawn(ioc, body, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ended = true; }));
    co_await settle();
    BOOST_TEST(!ended);
    signal.emit(asio::cancellation_type::terminal);
    co_await settle();
    BOOST_TEST(ended);
    BOOST_TEST((ec == errc::canceled));
  });
}

BOOST_AUTO_TEST_CASE(a_late_stop_does_not_hit_the_next_operation) {
  for_each_operation([](asio::io_context& ioc, peers& p, const operation& op) -> task<> {
    std::stop_source first, second;
    error_code a, b;
    auto ended = beside(ioc.get_executor(), [&]() -> task<> {
      a = co_await op.start(p, first.get_token());
      b = co_await op.start(p, second.get_token());
    });
    co_await settle();
    first.request_stop();
    first.request_stop();
    co_await settle();
    BOOST_TEST((a == errc::canceled));
    BOOST_TEST(!*ended);  // the second is parked, whatever is still under way of the first's stop
    second.request_stop();
    co_await settle();
    BOOST_TEST(*ended);
    BOOST_TEST((b == errc::canceled));
  });
}

COAX_SCENARIO_TEST(a_stop_after_completion_is_nothing) {
  peers p(ioc);
  std::stop_source source;
  co_await p.client.write_text("one");
  const auto m = co_await p.server.read(source.get_token());
  BOOST_TEST(m.text() == "one");
  source.request_stop();
  co_await settle();
  co_await check_intact(ioc, p, 0);
}

COAX_SCENARIO_TEST(a_stopped_read_loses_no_byte_of_a_half_received_message) {
  scripted s(ioc, role::server);
  const std::string bytes = s.frame(protocol::opcode::text, pattern(300));
  std::size_t sent = 0;
  for (const std::size_t cut : {1u, 2u, 5u, 8u, 9u, 150u, 307u}) {
    std::stop_source source;
    error_code ec;
    auto ended = beside(ioc.get_executor(), [&]() -> task<> {
      const auto r = co_await s.ours.try_read(source.get_token());
      ec = r.error();
    });
    co_await s.send(bytes.substr(sent, cut - sent));
    sent = cut;
    co_await settle();
    source.request_stop();
    co_await settle();
    BOOST_TEST(*ended);
    BOOST_TEST((ec == errc::canceled));
  }
  co_await s.send(bytes.substr(sent));
  const auto m = co_await s.ours.read();
  BOOST_TEST((m.text() == pattern(300)));
}

COAX_SCENARIO_TEST(a_stopped_read_leaves_a_message_that_came_at_the_same_time) {
  peers p(ioc);
  for (int i = 0; i < 4; ++i) {
    std::stop_source source;
    error_code ec;
    std::string got;
    auto ended = beside(ioc.get_executor(), [&]() -> task<> {
      const auto r = co_await p.server.try_read(source.get_token());
      if (r) got = r->text();
      ec = r ? error_code() : r.error();
    });
    co_await settle();
    co_await p.client.write_text("same turn");
    co_await settle(i);  // the message is at one stage or another of its way
    source.request_stop();
    co_await settle();
    BOOST_TEST(*ended);
    if (ec) {
      const auto m = co_await p.server.read();
      got = m.text();
    }
    BOOST_TEST(got == "same turn");
  }
}

COAX_SCENARIO_TEST(a_write_stopped_half_way_is_finished_by_the_connection) {
  for (auto r : {role::server, role::client}) {
    peers p(ioc, options().read_limit(0), testing::faults().capacity(5000));
    conn& from = r == role::server ? p.server : p.client;
    conn& to = r == role::server ? p.client : p.server;
    std::stop_source source;
    error_code ec;
    {
      // The bytes die with the write: what is still to leave must have been copied.
      auto text = std::make_unique<std::string>(large);
      auto ended = beside(ioc.get_executor(), [&]() -> task<> {
        const auto w = co_await from.try_write(message_kind::text, buffer(*text), source.get_token());
        ec = w.error();
        text->assign(text->size(), '?');
        text.reset();
      });
      co_await settle();
      BOOST_TEST(!*ended);
      source.request_stop();
      co_await settle();
      BOOST_TEST(*ended);
    }
    BOOST_TEST((ec == errc::canceled_sent));
    BOOST_TEST(was_sent(ec));
    BOOST_TEST((ec == std::errc::operation_canceled));
    auto after = beside(ioc.get_executor(), [&]() -> task<> { co_await from.write_text("after"); });
    const auto a = co_await to.read();
    BOOST_TEST((a.text() == large));
    const auto b = co_await to.read();
    BOOST_TEST(b.text() == "after");
  }
}

COAX_SCENARIO_TEST(a_stopped_wait_for_close_leaves_the_close_going_on) {
  peers p(ioc);
  std::stop_source source;
  error_code ec;
  auto ended = beside(ioc.get_executor(), [&]() -> task<> {
    ec = co_await code_of(p.client.close(status::normal, "bye", source.get_token()));
  });
  co_await settle();
  BOOST_TEST(!*ended);  // nobody reads at the server yet
  source.request_stop();
  co_await settle();
  BOOST_TEST((ec == errc::canceled));
  const auto m = co_await p.server.next();
  BOOST_TEST(!m);
  BOOST_TEST(p.server.closed().reason == "bye");
  co_await p.client.close();
  BOOST_TEST(p.client.closed().clean);
}

COAX_SCENARIO_TEST(the_same_token_for_many_reads_stops_the_one_that_waits) {
  peers p(ioc);
  std::stop_source source;
  int reads = 0;
  error_code ec;
  auto ended = beside(ioc.get_executor(), [&]() -> task<> {
    for (;;) {
      const auto r = co_await p.server.try_read(source.get_token());
      if (!r) {
        ec = r.error();
        co_return;
      }
      ++reads;
    }
  });
  for (int i = 0; i < 5; ++i) {
    co_await p.client.write_text("m");
    co_await settle();
  }
  source.request_stop();
  co_await settle();
  BOOST_TEST(*ended);
  BOOST_TEST(reads == 5);
  BOOST_TEST((ec == errc::canceled));
}

COAX_SCENARIO_TEST(a_stop_scope_passes_on_its_parent_and_its_own_stop) {
  std::stop_source parent;
  stop_scope a(ioc.get_executor(), parent.get_token());
  stop_scope b(ioc.get_executor(), a);
  BOOST_TEST(!b.stop_requested());
  parent.request_stop();
  BOOST_TEST(a.stop_requested());
  BOOST_TEST(b.stop_requested());
  stop_scope c(ioc.get_executor());
  c.request_stop();
  BOOST_TEST(c.stop_requested());
  co_return;
}

COAX_CORO_TEST(a_stop_scope_fires_in_time_and_not_after_its_end) {
  testing::virtual_clock clock;
  stop_scope scope(ioc.get_executor());
  scope.expires_after(2s);
  std::stop_token orphan;
  {
    stop_scope gone(ioc.get_executor());
    gone.expires_after(1s);
    orphan = gone.get_token();
  }
  clock.advance(1999ms);
  co_await settle();
  BOOST_TEST(!scope.stop_requested());
  clock.advance(1ms);
  co_await settle();
  BOOST_TEST(scope.stop_requested());
  BOOST_TEST(!orphan.stop_requested());
}

}  // namespace
}  // namespace coax::test
