// Sending, and the ends of a stream, over a pipe in memory.

#include "sse/streams.hpp"

BOOST_AUTO_TEST_SUITE(sse_event_stream)

using namespace coax;
using namespace coax::test;
using sse::event;
using sse::stream_options;

COAX_SCENARIO_TEST(events_of_one_turn_leave_in_one_chunk) {
  far_stream s(ioc, stream_setup(stream_options().retry(2s)));
  co_await settle();
  BOOST_TEST(s.text() == "retry: 2000\n\n");

  const auto calls = s.near->calls();
  co_await s.stream.send(event("a\r\nb").type("tick").id("1"));
  co_await s.stream.comment("note");
  co_await s.stream.send(event("c"));
  co_await s.stream.retry(5s);
  co_await settle();
  s.receive();
  BOOST_TEST(s.near->calls() - calls == 1U);
  BOOST_TEST(s.raw.starts_with("41\r\n"));
  BOOST_TEST(s.text() ==
             "event: tick\ndata: a\ndata: b\nid: 1\n\n"
             ": note\n\n"
             "data: c\n\n"
             "retry: 5000\n\n");
}

COAX_SCENARIO_TEST(nothing_is_framed_for_a_client_of_http_1_0) {
  stream_setup o;
  o.how = http::framing::until_end;
  far_stream s(ioc, o);
  co_await s.stream.send(event("a"));
  s.stream.start_close();
  co_await settle();
  s.receive();
  BOOST_TEST(s.raw == "data: a\n\n");
  BOOST_TEST(s.over);
  BOOST_TEST(s.how_over == asio::error::eof);
}

COAX_SCENARIO_TEST(a_close_sends_what_is_queued_and_waits_for_the_client) {
  far_stream s(ioc);
  co_await s.stream.send(event("last"));
  const beside closing(ioc, [&]() -> task<> { co_await s.stream.close(3s); });
  co_await settle();
  BOOST_TEST(s.text() == "data: last\n\nretry: 3000\n\n<end>");
  BOOST_TEST((s.over && s.how_over == asio::error::eof));
  BOOST_TEST(!closing.ended());
  BOOST_TEST(s.stream.done().stop_requested());
  BOOST_TEST((s.stream.ended() == error_code()));
  const auto late = co_await code_of(s.stream.send(event("late")));
  BOOST_TEST((late == errc::closed));

  s.far->close();
  co_await settle();
  BOOST_TEST(closing.ended());
  BOOST_TEST(!closing.code());
}

COAX_SCENARIO_TEST(a_dropped_handle_ends_the_stream_without_an_end) {
  far_stream s(ioc);
  co_await s.stream.send(event("a"));
  co_await settle();
  s.stream = sse::event_stream();
  co_await settle();
  BOOST_TEST(s.text() == "data: a\n\n");
  BOOST_TEST(s.over);
}

COAX_SCENARIO_TEST(a_close_goes_on_without_its_handle) {
  far_stream s(ioc);
  co_await s.stream.send(event("a"));
  s.stream.start_close();
  s.stream = sse::event_stream();
  s.core.reset();
  co_await settle();
  BOOST_TEST(s.text() == "data: a\n\n<end>");
}

COAX_SCENARIO_TEST(the_departure_of_the_client_is_noticed_by_reading) {
  far_stream s(ioc);
  bool told = false;
  std::stop_callback on_done(s.stream.done(), [&] { told = true; });
  s.far->close();
  co_await settle();
  BOOST_TEST(told);
  BOOST_TEST((s.stream.ended() == make_error_code(asio::error::eof)));
  const auto late = co_await code_of(s.stream.send(event("late")));
  BOOST_TEST((late == errc::closed));
}

COAX_SCENARIO_TEST(what_a_client_sends_is_dropped_up_to_a_bound) {
  far_stream s(ioc);
  error_code ec;
  const std::string some(16 * 1024, 'x');
  const asio::const_buffer bytes = asio::buffer(some);
  for (int i = 0; i < 4; ++i) {
    s.far->write_some(std::span(&bytes, 1), ec);
    co_await settle(4);
  }
  BOOST_TEST(!s.stream.ended());
  co_await s.stream.send(event("a"));
  co_await settle();
  BOOST_TEST(s.text() == "data: a\n\n");

  s.far->write_some(std::span(&bytes, 1), ec);
  co_await settle();
  BOOST_TEST((s.stream.ended() == make_error_code(errc::unexpected_data)));
}

COAX_CORO_TEST(an_event_of_any_size_arrives_through_any_pipe) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 70'000U, 300'000U}) {
    for (const std::uint64_t seed : {1U, 2U}) {
      stream_setup o;
      o.faults.max_write(size < 100 ? 1 : 5000).random_sizes(seed).capacity(3000);
      far_stream s(ioc, o);
      const std::string data(size, 'd');
      for (int i = 0; i < 3; ++i) co_await s.stream.send(event(data).id(std::to_string(i)));
      const std::string first = "data: " + data + "\nid: 0\n\n";
      const auto got = co_await s.wait_for_text(3 * first.size());
      BOOST_TEST((got.substr(0, first.size()) == first));
      BOOST_TEST(got.size() == 3 * first.size());
      BOOST_TEST(got.ends_with("\nid: 2\n\n"));
      BOOST_TEST(s.raw.empty());
    }
  }
}

COAX_SCENARIO_TEST(every_step_of_a_stream_may_fail) {
  for (std::uint64_t n = 0; n < 20; ++n) {
    far_stream s(ioc);
    s.near->set_faults(testing::faults().fail_after(n));
    const auto sent = co_await code_of(s.stream.send(event("a")));
    co_await settle();
    const auto again = co_await code_of(s.stream.send(event("b")));
    s.stream.start_close();
    co_await settle();
    BOOST_TEST(!sent);
    BOOST_TEST((!again || again == errc::closed));
    s.receive();
    if (n < 1) BOOST_TEST((again == errc::closed));
    s.far->close();
    co_await settle();
    BOOST_TEST(s.stream.done().stop_requested());
  }
}

BOOST_AUTO_TEST_SUITE_END()
