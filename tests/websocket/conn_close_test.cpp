#include "websocket/peers.hpp"

#include <boost/asio/error.hpp>

namespace coax::test {
namespace {

using protocol::opcode;
using protocol::role;

COAX_SCENARIO_TEST(a_close_is_answered_and_both_ends_know_why) {
  peers p(ioc);
  auto served = beside(ioc.get_executor(), [&]() -> task<> {
    const auto m = co_await p.server.next();
    BOOST_TEST(!m);
  });
  co_await p.client.close(status::going_away, "enough");
  co_await settle();

  BOOST_TEST(*served);
  const auto ours = p.client.closed(), theirs = p.server.closed();
  BOOST_TEST((ours.initiator == close_initiator::local));
  BOOST_TEST((theirs.initiator == close_initiator::remote));
  for (const auto& info : {ours, theirs}) {
    BOOST_TEST((info.status == status::going_away));
    BOOST_TEST(info.reason == "enough");
    BOOST_TEST(info.clean);
    BOOST_TEST(!info.error);
  }
  BOOST_TEST(p.client.done().stop_requested());
  BOOST_TEST(p.server.done().stop_requested());
}

COAX_SCENARIO_TEST(close_is_idempotent_and_succeeds_when_the_peer_was_first) {
  peers p(ioc);
  auto both = beside(ioc.get_executor(), [&]() -> task<> {
    co_await p.server.close(status::normal, "first");
    co_await p.server.close(status::going_away, "second");
  });
  const auto m = co_await p.client.next();
  BOOST_TEST(!m);
  co_await p.client.close();
  co_await p.client.close();
  co_await settle();
  BOOST_TEST(*both);
  BOOST_TEST(p.client.closed().reason == "first");
  BOOST_TEST(p.server.closed().reason == "first");
}

COAX_SCENARIO_TEST(both_ends_may_close_at_once) {
  peers p(ioc);
  auto other = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.close(status{4001}); });
  co_await p.client.close(status{4002});
  co_await settle();
  BOOST_TEST(*other);
  BOOST_TEST(p.client.closed().clean);
  BOOST_TEST(p.server.closed().clean);
}

COAX_SCENARIO_TEST(a_close_waits_behind_what_is_queued) {
  peers p(ioc, options().read_limit(0).send_queue_limit(2000), testing::faults().capacity(1000));
  auto writer = beside(ioc.get_executor(), [&]() -> task<> {
    for (int i = 0; i < 3; ++i) {
      const std::string text = pattern(30000);
      const auto r = co_await p.server.try_write(message_kind::text, buffer(text));
      BOOST_TEST((i == 0 || r.error() == errc::closed));
    }
  });
  auto closer = beside(ioc.get_executor(), [&]() -> task<> { co_await p.server.close(); });
  const auto m = co_await p.client.read();
  BOOST_TEST((m.text() == pattern(30000)));
  const auto end = co_await p.client.next();
  BOOST_TEST(!end);
  co_await settle();
  BOOST_TEST(*writer);
  BOOST_TEST(*closer);
}

COAX_SCENARIO_TEST(reads_and_writes_after_the_end_all_give_the_same_error) {
  peers p(ioc);
  p.server.start_close(status{4000}, "private");
  for (int i = 0; i < 3; ++i) {
    bool thrown = false;
    try {
      co_await p.client.read();
    } catch (const close_error& e) {
      thrown = true;
      BOOST_TEST((e.status() == status{4000}));
      BOOST_TEST(e.reason() == "private");
      BOOST_TEST(e.clean());
      BOOST_TEST((e.code() == errc::closed));
      BOOST_TEST((e.code() == std::errc::not_connected));
    }
    BOOST_TEST(thrown);
    const auto w = co_await p.client.try_write(message_kind::text, buffer("x"));
    BOOST_TEST((w.error() == errc::closed));
  }
}

COAX_SCENARIO_TEST(next_ends_quietly_only_for_1000_and_1001) {
  for (const auto code :
       {status::normal, status::going_away, status::internal_error, status{3000}, status::no_status}) {
    peers p(ioc);
    p.server.start_close(code);
    bool quiet = false, thrown = false;
    try {
      const auto m = co_await p.client.next();
      quiet = !m;
    } catch (const close_error& e) {
      thrown = e.status() == code;
    }
    BOOST_TEST(quiet == (code == status::normal || code == status::going_away));
    BOOST_TEST(thrown == !quiet);
  }
}

COAX_CORO_TEST(what_may_not_be_sent_is_refused_and_changes_nothing) {
  peers p(ioc);
  const std::string long_reason(124, 'x');
  const std::pair<unsigned, std::string_view> bad[] = {{999, ""},
                                                       {1004, ""},
                                                       {1006, ""},
                                                       {1015, ""},
                                                       {1016, ""},
                                                       {2999, ""},
                                                       {5000, ""},
                                                       {0, ""},
                                                       {1000, long_reason},
                                                       {1000, "\xff"},
                                                       {1005, "a reason needs a status"}};
  for (const auto& [code, reason] : bad)
    BOOST_CHECK_THROW(p.client.start_close(status{static_cast<std::uint16_t>(code)}, reason), std::invalid_argument);
  co_await p.client.write_text("alive");
  const auto m = co_await p.server.read();
  BOOST_TEST(m.text() == "alive");
}

COAX_CORO_TEST(the_answer_echoes_the_status_and_an_empty_frame_for_an_empty_one) {
  for (const bool empty : {false, true}) {
    scripted s(ioc, role::server);
    const std::string closing = empty ? s.frame(opcode::close, "") : s.close_frame(3456, "reason");
    co_await s.send(closing);
    const auto r = co_await s.ours.try_read();
    BOOST_TEST((r.error() == errc::closed));
    const auto answer = co_await s.receive();
    BOOST_REQUIRE(answer);
    BOOST_TEST((answer->head.op == opcode::close));
    BOOST_TEST(answer->payload.size() == (empty ? 0u : 2u));
    if (!empty) BOOST_TEST(answer->status() == 3456u);
    BOOST_TEST((s.ours.closed().status == (empty ? status::no_status : status{3456})));
    const auto end = co_await s.receive();
    BOOST_TEST(!end);  // the server ends the stream first
  }
}

COAX_SCENARIO_TEST(close_now_ends_everything_at_once) {
  peers p(ioc, options().send_queue_limit(100), testing::faults().capacity(10));
  int ended = 0;
  auto note = [&](error_code ec) {
    BOOST_TEST((ec == errc::closed));
    ++ended;
  };
  const auto ex = ioc.get_executor();
  beside(ex, [&]() -> task<> {
    const auto r = co_await p.server.try_read();
    note(r.error());
  });
  beside(ex, [&]() -> task<> {
    const std::string text = pattern(5000);
    co_await p.server.try_write(message_kind::text, buffer(text));
    const auto r = co_await p.server.try_write(message_kind::text, buffer(text));
    note(r.error());
  });
  beside(ex, [&]() -> task<> {
    try {
      co_await p.server.ping();
    } catch (const close_error& e) {
      note(e.code());
    }
  });
  co_await settle();
  p.server.close_now();
  co_await settle();
  BOOST_TEST(ended == 3);
  BOOST_TEST((p.server.closed().initiator == close_initiator::local));
  BOOST_TEST(!p.server.closed().clean);
  const auto r = co_await p.client.try_read();
  BOOST_TEST((r.error() == errc::closed));
  BOOST_TEST((p.client.closed().initiator == close_initiator::transport));
  BOOST_TEST((p.client.closed().status == status::abnormal));
}

COAX_SCENARIO_TEST(the_end_of_the_handle_is_close_now) {
  peers p(ioc);
  { const conn gone = std::move(p.server); }
  const auto r = co_await p.client.try_read();
  BOOST_TEST((r.error() == errc::closed));
  BOOST_TEST(!p.client.closed().clean);
}

COAX_SCENARIO_TEST(a_close_under_way_survives_its_handle) {
  peers p(ioc);
  {
    conn gone = std::move(p.server);
    gone.start_close(status::normal, "in the background");
  }
  const auto m = co_await p.client.next();
  BOOST_TEST(!m);
  BOOST_TEST(p.client.closed().clean);
  BOOST_TEST(p.client.closed().reason == "in the background");
}

COAX_SCENARIO_TEST(the_end_of_the_transport_is_told_apart_from_a_close) {
  for (const bool reset : {false, true}) {
    scripted s(ioc, role::server);
    co_await s.send(s.frame(opcode::text, "whole") + s.frame(opcode::text, "half of it").substr(0, 9));
    const auto m = co_await s.ours.read();
    BOOST_TEST(m.text() == "whole");
    if (reset)
      s.raw_end->reset();
    else
      s.shut();
    bool thrown = false;
    try {
      co_await s.ours.read();
    } catch (const close_error& e) {
      thrown = true;
      BOOST_TEST((e.status() == status::abnormal));
      BOOST_TEST(!e.clean());
      BOOST_TEST((e.cause() == (reset ? error_code(asio::error::connection_reset) : error_code(asio::error::eof))));
    }
    BOOST_TEST(thrown);
    const auto info = s.ours.closed();
    BOOST_TEST((info.initiator == close_initiator::transport));
  }
}

COAX_SCENARIO_TEST(messages_that_had_arrived_before_a_reset_of_a_write_are_still_read) {
  scripted s(ioc, role::server);
  co_await s.send(s.frame(opcode::text, "first") + s.frame(opcode::text, "second") + s.close_frame(1000, "bye"));
  const auto a = co_await s.ours.read();
  BOOST_TEST(a.text() == "first");
  const auto b = co_await s.ours.read();
  BOOST_TEST(b.text() == "second");
  const auto end = co_await s.ours.next();
  BOOST_TEST(!end);
}

COAX_SCENARIO_TEST(a_breach_of_the_protocol_is_told_to_the_peer_and_the_reader) {
  scripted s(ioc, role::server);
  auto bad = s.frame(opcode::text, "x");
  bad[0] |= 0x20;  // RSV2
  co_await s.send(bad + pattern(100000).substr(0, 20000));
  for (int i = 0; i < 2; ++i) {
    bool thrown = false;
    try {
      co_await s.ours.read();
    } catch (const system_error& e) {
      thrown = true;
      BOOST_TEST((e.code() == errc::protocol_error));
      BOOST_TEST(std::string(e.what()).find("RSV2") != std::string::npos);
    }
    BOOST_TEST(thrown);
  }
  const auto f = co_await s.receive();
  BOOST_REQUIRE(f);
  BOOST_TEST(f->status() == 1002u);
  BOOST_TEST(f->payload.find("RSV2") != std::string::npos);
  const auto end = co_await s.receive();
  BOOST_TEST(!end);
  BOOST_TEST((s.ours.closed().initiator == close_initiator::protocol));
}

COAX_SCENARIO_TEST(a_message_over_the_limit_is_refused_before_it_is_received) {
  scripted s(ioc, role::server, options().read_limit(10));
  co_await s.send(s.frame(opcode::text, "0123456789") + s.frame(opcode::text, pattern(20)).substr(0, 6));
  const auto m = co_await s.ours.read();
  BOOST_TEST(m.size() == 10u);
  bool thrown = false;
  try {
    co_await s.ours.read();
  } catch (const system_error& e) {
    thrown = true;
    BOOST_TEST((e.code() == errc::message_too_big));
    BOOST_TEST(std::string(e.what()).find("10") != std::string::npos);
  }
  BOOST_TEST(thrown);
  const auto f = co_await s.receive();
  BOOST_REQUIRE(f);
  BOOST_TEST(f->status() == 1009u);
}

COAX_CORO_TEST(the_limit_can_be_changed_while_open) {
  peers p(ioc, options().read_limit(10));
  p.server.read_limit(100);
  co_await p.client.write_text(pattern(100));
  const auto m = co_await p.server.read();
  BOOST_TEST(m.size() == 100u);
}

COAX_SCENARIO_TEST(close_read_answers_control_frames_and_refuses_data) {
  scripted s(ioc, role::server);
  const auto token = s.ours.close_read();
  s.ours.close_read();
  co_await s.send(s.frame(opcode::ping, "still there?"));
  const auto pong = co_await s.receive();
  BOOST_REQUIRE(pong);
  BOOST_TEST(pong->payload == "still there?");
  const auto r = co_await s.ours.try_read();
  BOOST_TEST((r.error() == errc::concurrent_read));
  BOOST_TEST(!token.stop_requested());
  co_await s.send(s.frame(opcode::text, "data"));
  const auto f = co_await s.receive();
  BOOST_REQUIRE(f);
  BOOST_TEST(f->status() == 1008u);
  co_await settle();
  BOOST_TEST(token.stop_requested());
}

COAX_SCENARIO_TEST(the_token_of_close_read_follows_its_context_and_the_peer) {
  peers p(ioc);
  std::stop_source source;
  const auto first = p.server.close_read(source.get_token());
  const auto second = p.server.close_read();
  source.request_stop();
  co_await settle();
  BOOST_TEST(first.stop_requested());
  BOOST_TEST(!second.stop_requested());
  co_await p.client.close();
  co_await settle();
  BOOST_TEST(second.stop_requested());
  BOOST_TEST(p.client.closed().clean);
}

BOOST_AUTO_TEST_CASE(every_failing_io_call_ends_in_a_clear_error) {
  for (std::uint64_t n = 0;; ++n) {
    bool completed = false;
    run([&](asio::io_context& ioc) -> task<> {
      peers p(ioc, options().read_limit(0));
      p.server_end->set_faults(testing::faults().fail_after(n));
      beside(ioc.get_executor(), [&]() -> task<> {
        for (;;) {
          const auto m = co_await p.server.try_read();
          if (!m) break;
          const auto w = co_await p.server.try_write(m->kind(), m->data());
          if (!w) break;
        }
        p.server.start_close();
      });
      const std::string text = pattern(20000);
      error_code ec;
      for (int i = 0; i < 3 && !ec; ++i) {
        const auto w = co_await p.client.try_write(message_kind::text, buffer(text));
        if (!w) ec = w.error();
        const auto r = co_await p.client.try_read();
        if (!r) ec = r.error();
      }
      co_await p.client.close();
      completed = !ec && p.client.closed().clean;
      if (!completed) {
        BOOST_TEST((!ec || ec == errc::closed));
        BOOST_TEST((p.client.closed().status == status::abnormal));
      }
    });
    if (completed) break;
    BOOST_REQUIRE(n < 1000);
  }
}

}  // namespace
}  // namespace coax::test
