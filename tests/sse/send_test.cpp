// Sends that wait, give up, or find the client slow; and what the hub does with a stream.

#include "sse/streams.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

BOOST_AUTO_TEST_SUITE(sse_send)

using namespace coax;
using namespace coax::test;
using sse::event;
using sse::stream_options;

namespace {

stream_setup narrow() {
  stream_setup o(stream_options().send_queue_limit(1000).heartbeat(0s));
  o.faults.capacity(100);
  return o;
}

/// Sends until the pipe is full, and the queue above its limit.
task<std::string> fill(far_stream& s) {
  std::string sent;
  for (int i = 0; i < 2; ++i) {
    const std::string data(i == 0 ? 300 : 1000 - s.stream.buffered_amount(), 'f');
    const event e(data);
    co_await s.stream.send(e);
    sent += "data: " + data + "\n\n";
    co_await settle(2);
  }
  co_return sent;
}

coax::detail::shared_bytes block(std::string_view text) {
  const auto b = std::make_shared<coax::detail::storage>();
  b->append(text.data(), text.size());
  return b;
}

struct observer final : coax::detail::drain_observer {
  void on_drained() override { ++drained; }
  void on_ended() override { ++ended; }
  int drained = 0, ended = 0;
};

}  // namespace

COAX_CORO_TEST(a_sender_that_never_has_to_wait_lets_others_have_their_turn) {
  stream_setup wide;
  wide.faults.capacity(std::size_t{1} << 30);
  far_stream s(ioc, wide);
  bool others = false;
  asio::post(ioc, [&others] { others = true; });
  const event e(std::string(1000, 'e'));
  std::size_t sent = 0;
  for (; !others && sent < 10'000; ++sent) co_await s.stream.send(e);
  BOOST_TEST(others);
  BOOST_TEST(sent < 10'000u);
}

COAX_SCENARIO_TEST(a_send_waits_while_the_queue_is_full_and_keeps_its_place) {
  far_stream s(ioc, narrow());
  const auto sent = co_await fill(s);
  const beside first(ioc, [&]() -> task<> { co_await s.stream.send(event("first")); });
  const beside second(ioc, [&]() -> task<> { co_await s.stream.comment("second"); });
  const beside third(ioc, [&]() -> task<> { co_await s.stream.send(event(std::string(3000, 'x'))); });
  co_await settle();
  BOOST_TEST(!first.ended());
  BOOST_TEST(s.stream.buffered_amount() > 500U);

  const auto rest = "data: first\n\n: second\n\ndata: " + std::string(3000, 'x') + "\n\n";
  const auto got = co_await s.wait_for_text(sent.size() + rest.size());
  BOOST_TEST(got == sent + rest);
  BOOST_TEST((first.ended() && second.ended() && third.ended()));
  BOOST_TEST(s.stream.buffered_amount() == 0U);
}

COAX_SCENARIO_TEST(a_stopped_send_has_sent_nothing_and_the_next_one_is_not_hit) {
  far_stream s(ioc, narrow());
  std::stop_source before;
  before.request_stop();
  const auto at_once = co_await code_of(s.stream.send(event("before"), before.get_token()));
  BOOST_TEST((at_once == errc::canceled));

  const auto sent = co_await fill(s);
  std::stop_source parked;
  const beside waits(ioc, [&]() -> task<> { co_await s.stream.send(event("parked"), parked.get_token()); });
  const beside stays(ioc, [&]() -> task<> { co_await s.stream.send(event("stays")); });
  co_await settle();
  parked.request_stop();
  co_await settle();
  BOOST_TEST(waits.ended());
  BOOST_TEST((waits.code() == errc::canceled));
  BOOST_TEST(!stays.ended());

  // A stop behind the end of the operation hits nothing.
  std::stop_source late;
  const beside ends(ioc, [&]() -> task<> { co_await s.stream.send(event("ends"), late.get_token()); });
  co_await settle();
  std::string got = co_await s.wait_for_text(sent.size());
  co_await settle();
  BOOST_TEST(ends.ended());
  late.request_stop();
  co_await s.stream.send(event("next"));
  const auto whole = sent + "data: stays\n\ndata: ends\n\ndata: next\n\n";
  got += co_await s.wait_for_text(whole.size() - got.size());
  co_await settle();
  got += s.text();
  BOOST_TEST(got == whole);
  BOOST_TEST(!ends.code());
}

COAX_SCENARIO_TEST(asios_cancellation_of_a_send_is_a_stop) {
  far_stream s(ioc, narrow());
  const auto sent = co_await fill(s);
  asio::cancellation_signal signal;
  error_code ec;
  bool ended = false;
  auto body = [&]() -> task<> { co_await s.stream.send(event("gone")); };
  asio::co_spawn(ioc, body, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                   ended = true;
                   try {
                     if (e) std::rethrow_exception(e);
                   } catch (const boost::system::system_error& x) {
                     ec = x.code();
                   }
                 }));
  co_await settle();
  signal.emit(asio::cancellation_type::terminal);
  co_await settle();
  BOOST_TEST(ended);
  BOOST_TEST((ec == errc::canceled || ec == asio::error::operation_aborted));
  const auto got = co_await s.wait_for_text(sent.size());
  co_await settle();
  BOOST_TEST(got + s.text() == sent);
}

COAX_SCENARIO_TEST(a_close_waits_for_the_sends_before_it) {
  far_stream s(ioc, narrow());
  const auto sent = co_await fill(s);
  const beside waits(ioc, [&]() -> task<> { co_await s.stream.send(event("before")); });
  co_await settle();
  s.stream.start_close();
  const auto late = co_await code_of(s.stream.send(event("late")));
  BOOST_TEST((late == errc::closed));
  const auto got = co_await s.wait_for_text(SIZE_MAX);
  BOOST_TEST(got == sent + "data: before\n\n<end>");
  BOOST_TEST(!waits.code());
}

COAX_SCENARIO_TEST(an_end_frees_those_that_wait) {
  far_stream s(ioc, narrow());
  co_await fill(s);
  const beside waits(ioc, [&]() -> task<> { co_await s.stream.send(event("never")); });
  const beside trying(ioc, [&]() -> task<> {
    const auto r = co_await s.stream.try_send(event("never"));
    BOOST_TEST((r.error() == errc::closed));
  });
  co_await settle();
  s.near->reset();
  co_await settle();
  BOOST_TEST((waits.ended() && trying.ended()));
  BOOST_TEST((waits.code() == errc::closed));
  BOOST_TEST((s.stream.ended() == make_error_code(asio::error::connection_reset)));
}

COAX_CORO_TEST(a_client_that_takes_nothing_is_cut_after_the_stall_time) {
  testing::virtual_clock clock;
  auto o = narrow();
  o.options.write_stall_timeout(4s);
  far_stream s(ioc, o);
  co_await fill(s);
  const beside waits(ioc, [&]() -> task<> { co_await s.stream.send(event(std::string(500, 'n'))); });
  co_await pass(clock, 3900ms);
  BOOST_TEST(!s.stream.ended());

  // A byte that is taken is a sign of life.
  s.receive();
  co_await settle();
  co_await pass(clock, 3900ms);
  BOOST_TEST(!s.stream.ended());
  co_await pass(clock, 300ms);
  BOOST_TEST((s.stream.ended() == make_error_code(errc::write_stalled)));
  BOOST_TEST((waits.code() == errc::write_stalled));
  const auto late = co_await code_of(s.stream.send(event("late")));
  BOOST_TEST((late == errc::write_stalled));
}

COAX_CORO_TEST(a_close_has_its_time) {
  testing::virtual_clock clock;
  far_stream s(ioc, stream_setup(stream_options().close_timeout(2s).heartbeat(0s)));
  const beside closing(ioc, [&]() -> task<> { co_await s.stream.close(); });
  co_await pass(clock, 1900ms);
  BOOST_TEST(!closing.ended());
  co_await pass(clock, 200ms);
  BOOST_TEST(closing.ended());
  BOOST_TEST((s.stream.ended() == error_code()));
}

COAX_CORO_TEST(the_heartbeat_is_pushed_back_by_traffic) {
  testing::virtual_clock clock;
  far_stream s(ioc, stream_setup(stream_options().heartbeat(10s)));
  co_await pass(clock, 8900ms);
  BOOST_TEST(s.text() == "");
  co_await pass(clock, 2200ms);
  BOOST_TEST(s.text() == ":\n\n");

  for (int i = 0; i < 5; ++i) {
    co_await s.stream.send(event("x"));
    co_await pass(clock, 8s);
    BOOST_TEST(s.text() == "data: x\n\n");
  }
  co_await pass(clock, 900ms);
  BOOST_TEST(s.text() == "");
  co_await pass(clock, 2200ms);
  BOOST_TEST(s.text() == ":\n\n");

  s.core->heartbeat(block("id: 9\n\n"));
  co_await pass(clock, 11100ms);
  BOOST_TEST(s.text() == "id: 9\n\n");
}

COAX_CORO_TEST(without_a_heartbeat_there_is_silence) {
  testing::virtual_clock clock;
  far_stream s(ioc, stream_setup(stream_options().heartbeat(0s)));
  co_await pass(clock, 100s, 1s);
  BOOST_TEST(s.text() == "");
  BOOST_TEST(!s.stream.ended());
}

COAX_SCENARIO_TEST(a_send_from_another_executor_is_a_send) {
  asio::io_context other(1);
  far_stream s(other.get_executor(), ioc.get_executor());
  const beside all(ioc, [&]() -> task<> {
    co_await s.stream.send(event("a"));
    co_await s.stream.retry(1s);
    const auto r = co_await s.stream.try_send(event("b"));
    BOOST_TEST(!r.has_error());
  });
  for (int i = 0; i < 30; ++i) {
    other.poll();
    co_await settle(1);
  }
  BOOST_TEST(all.ended());
  BOOST_TEST(s.text() == "data: a\n\nretry: 1000\n\ndata: b\n\n");
}

COAX_SCENARIO_TEST(the_hub_appends_blocks_and_hears_when_there_is_room_again) {
  stream_setup o(stream_options().heartbeat(0s));
  o.faults.capacity(1000);
  far_stream s(ioc, o);
  const auto watches = std::make_shared<observer>();
  s.core->observe_drain(watches);
  const auto small = block("data: small\n\n");
  const auto large = block("data: " + std::string(50'000, 'l') + "\n\n");
  std::string offered;
  error_code ec;
  for (int i = 0; s.core->append_encoded(small, {}, ec) && s.core->append_encoded(large, {}, ec) && i < 100; ++i)
    offered += "data: small\n\ndata: " + std::string(50'000, 'l') + "\n\n";
  BOOST_TEST(!ec);
  BOOST_TEST(offered.size() >= 100'000U);
  s.core->send_appended();
  BOOST_TEST(watches->drained == 0);

  auto got = co_await s.wait_for_text(offered.size());
  co_await settle();
  got += s.text();
  BOOST_TEST(watches->drained == 1);
  BOOST_TEST((got == offered || got == offered + "data: small\n\n"));
  BOOST_TEST(s.core->queued() == 0U);

  s.core->abandon();
  co_await settle();
  BOOST_TEST(watches->ended == 1);
  BOOST_TEST(!s.core->append_encoded(small, {}, ec));
  BOOST_TEST((ec == errc::closed));
}

BOOST_AUTO_TEST_SUITE_END()
