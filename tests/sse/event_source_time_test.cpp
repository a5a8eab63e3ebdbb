/// When an event source waits, and how long.
#include "sse/event_site.hpp"
#include "sse/reconnection.hpp"

#include <boost/asio/error.hpp>

#include <set>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_source_times)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_change;
using sse::event_source_options;
using sse::reconnection;
using std::chrono::nanoseconds;
using time_point = detail::steady::time_point;

const time_point start{1h};

BOOST_AUTO_TEST_CASE(the_first_wait_is_at_least_the_reconnection_time_and_the_row_grows_to_the_cap) {
  std::set<nanoseconds> seen;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    reconnection r(event_source_options().retry(1s).backoff(2, 20s), seed);
    reconnection same(event_source_options().retry(1s).backoff(2, 20s), seed);
    auto most = 2s;
    for (int i = 0; i < 10; ++i) {
      const auto d = r.failed(start);
      BOOST_CHECK(d >= 1s && d <= most);
      BOOST_CHECK(d == same.failed(start));
      seen.insert(d);
      most = std::min<std::chrono::seconds>(2 * most, 20s);
    }
    BOOST_CHECK_EQUAL(r.failures(), 10u);
  }
  // Full jitter: hardly two alike, and both ends of the range are reached.
  BOOST_CHECK_GT(seen.size(), 1900u);
  BOOST_CHECK(*seen.begin() < 1100ms);
  BOOST_CHECK(*seen.rbegin() > 19s);
}

// Whoever means "never" says the largest duration there is.
BOOST_AUTO_TEST_CASE(the_longest_durations_are_long) {
  const auto longest = nanoseconds::max();
  reconnection r(event_source_options().retry(longest).max_retry(longest).backoff(2, longest), 1);
  for (int i = 0; i < 5; ++i) BOOST_CHECK(r.failed(start, std::chrono::seconds::max()) > 24h * 365);
  r.retry(std::chrono::milliseconds::max());
  BOOST_CHECK(r.failed(start) > 24h * 365);
  BOOST_CHECK(detail::after(start, longest) == time_point::max());
  BOOST_CHECK(detail::after(start, 1s) == start + 1s);
}

BOOST_AUTO_TEST_CASE(without_growth_the_wait_is_the_reconnection_time) {
  reconnection r(event_source_options().retry(3s).backoff(1, 60s), 1);
  for (int i = 0; i < 5; ++i) BOOST_CHECK(r.failed(start) == 3s);
}

BOOST_AUTO_TEST_CASE(only_an_event_or_a_stable_stream_ends_the_row) {
  reconnection r(event_source_options().retry(1s).backoff(2, 60s, 10s), 1);
  r.failed(start);
  r.opened(start);
  r.failed(start + 9s);
  BOOST_CHECK_EQUAL(r.failures(), 2u);
  r.opened(start);
  r.failed(start + 10s);
  BOOST_CHECK_EQUAL(r.failures(), 1u);
  // The time of a stream does not count for the attempts that follow it.
  r.failed(start + 1h);
  BOOST_CHECK_EQUAL(r.failures(), 2u);
  r.event();
  r.failed(start);
  BOOST_CHECK_EQUAL(r.failures(), 1u);
}

BOOST_AUTO_TEST_CASE(a_server_that_wants_no_wait_gets_one_while_it_is_away) {
  bool waited = false;
  for (std::uint32_t seed = 1; seed < 20; ++seed) {
    reconnection r(event_source_options().retry(0s).backoff(2, 60s), seed);
    BOOST_CHECK(r.failed(start) == 0s);
    waited = r.failed(start) > 10ms || waited;
  }
  BOOST_CHECK(waited);
}

BOOST_AUTO_TEST_CASE(what_a_server_asks_for_is_a_floor_and_capped) {
  const auto options = event_source_options().retry(1s).backoff(1, 60s).max_retry(5min);
  reconnection r(options, 1);
  BOOST_CHECK(r.failed(start, 30s) == 30s);
  BOOST_CHECK(r.failed(start, 0s) == 1s);
  BOOST_CHECK(r.failed(start, std::chrono::seconds::max()) == 5min);
  r.event();
  r.retry(7ms);
  BOOST_CHECK(r.failed(start) == 7ms);
  r.retry(std::chrono::milliseconds::max());
  BOOST_CHECK(r.failed(start) == 5min);
}

BOOST_AUTO_TEST_CASE(retry_after_is_seconds_or_a_date) {
  struct row {
    const char* value;
    const char* date;
    std::optional<std::chrono::seconds> is;
  };
  const row rows[] = {
      {"120", "", 120s},
      {"0", "", 0s},
      {"99999999999999999999", "", std::chrono::seconds::max()},
      {"", "", std::nullopt},
      {"-1", "", std::nullopt},
      {"1.5", "", std::nullopt},
      {"soon", "", std::nullopt},
      {"Thu, 01 Jan 1970 00:01:40 GMT", "", 90s},  // it is ten seconds past the epoch
      {"Thu, 01 Jan 1970 00:00:05 GMT", "", 0s},
      {"Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 60s},
  };
  for (const auto& r : rows) {
    headers answer;
    if (*r.value) answer.add("Retry-After", r.value);
    if (*r.date) answer.add("Date", r.date);
    BOOST_CHECK_MESSAGE(sse::retry_after(answer, 10) == r.is, r.value);
  }
}

// The waits that the hook is told of.
struct delays {
  event_source_options with(event_source_options options) {
    return options.on_change([this](const event_source_change& c) {
      if (c.what == event_source_change::kind::failed) all.push_back(c.delay);
      last = c;
    });
  }
  std::vector<nanoseconds> all;
  event_source_change last;
};

COAX_SCENARIO_TEST(a_source_waits_as_long_as_it_says) {
  testing::virtual_clock clock;
  const event_site site(ioc, says({ok + "data: a\n\n", ok + "retry: 8000\n\n", answer_503, ok + "data: b\n\n"}));
  delays told;
  const auto options = told.with(site.options().retry(3s).backoff(1, 60s));
  event_source es(ioc.get_executor(), "http://h/", options);
  std::string got;
  auto reader = [&]() -> task<> {
    got = co_await next_data(es);
    got = co_await next_data(es);
  };
  auto time = [&]() -> task<> {
    const nanoseconds waits[] = {3s, 8s, 20s};
    for (int i = 0; i < 3; ++i) {
      co_await settle();
      BOOST_CHECK_EQUAL(site.connections(), i + 1);
      clock.advance(waits[i] - 1ns);
      co_await settle();
      BOOST_CHECK_EQUAL(site.connections(), i + 1);
      clock.advance(1ns);
    }
  };
  co_await all(reader(), time());
  BOOST_CHECK_EQUAL(got, "b");
  BOOST_CHECK((told.all == std::vector<nanoseconds>{3s, 8s, 20s}));
}

COAX_SCENARIO_TEST(a_stopped_next_keeps_its_place_in_the_wait) {
  testing::virtual_clock clock;
  const event_site site(ioc, says({answer_503, ok + "data: x\n\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options().backoff(1, 60s));
  for (int i = 0; i < 4; ++i) {
    error_code ec;
    const auto ctx = context().with_timeout(5s);
    auto reader = [&]() -> task<> { ec = co_await next_failure(es, ctx); };
    auto time = [&]() -> task<> {
      co_await settle();
      clock.advance(5s);
    };
    co_await all(reader(), time());
    BOOST_CHECK(ec == errc::deadline_exceeded);
    BOOST_CHECK_EQUAL(site.connections(), 1);
  }
  const auto got = co_await next_data(es);  // the 20 s have passed
  BOOST_CHECK_EQUAL(got, "x");
}

// A server that is ahead of its reader must not take the whole thread.
COAX_CORO_TEST(others_have_their_turn_while_events_are_there) {
  const std::string event = "data: " + std::string(1000, 'x') + "\n\n";
  std::string history = ok;
  while (history.size() < 8 * 1024 * 1024) history += event;
  event_site site(ioc, says({history}));
  site.faults(testing::faults().capacity(16 * 1024 * 1024));
  event_source es(ioc.get_executor(), "http://h/", site.options());
  bool in_turn = false;
  int events = 0;
  while (!in_turn) {
    const auto e = co_await es.next();
    if (!e || ++events == 8000) break;
    if (events == 1) asio::post(ioc, [&] { in_turn = true; });
  }
  BOOST_TEST(in_turn);
  BOOST_TEST(events < 8000);
}

COAX_SCENARIO_TEST(a_silent_stream_is_opened_again) {
  testing::virtual_clock clock;
  const event_site site(ioc, [&](stream_ptr s, std::string, int n) -> task<> {
    co_await send(s, ok + "id: " + std::to_string(n) + "\n: comment\n");
    if (n == 2) co_await send(s, "data: x\n\n");
    co_await wait_for_end(s);
  });
  delays told;
  event_source es(ioc.get_executor(), "http://h/", told.with(site.options().read_timeout(30s)));
  std::string got;
  auto reader = [&]() -> task<> {
    // The time of silence runs on over stopped calls.
    const auto ctx = context().with_timeout(20s);
    const auto ec = co_await next_failure(es, ctx);
    BOOST_CHECK(ec == errc::deadline_exceeded);
    got = co_await next_data(es);
  };
  auto time = [&]() -> task<> {
    co_await settle();
    clock.advance(20s);
    co_await settle();
    clock.advance(9s);
    co_await settle();
    BOOST_CHECK_EQUAL(site.connections(), 1);
    clock.advance(1s);
  };
  co_await all(reader(), time());
  BOOST_CHECK_EQUAL(got, "x");
  BOOST_REQUIRE_EQUAL(told.all.size(), 1u);
  BOOST_CHECK(told.last.what == event_source_change::kind::opened);
}

COAX_SCENARIO_TEST(bytes_that_have_come_while_nobody_asked_are_no_silence) {
  testing::virtual_clock clock;
  const event_site site(ioc, [](stream_ptr s, std::string, int n) -> task<> {
    co_await send(s, ok + "data: a\n\n");
    co_await settle();
    co_await send(s, n == 1 ? "data: b\n\n" : "");
    co_await wait_for_end(s);
  });
  event_source es(ioc.get_executor(), "http://h/", site.options().read_timeout(30s));
  co_await next_data(es);
  co_await settle(40);
  clock.advance(1h);
  const auto got = co_await next_data(es);
  BOOST_CHECK_EQUAL(got, "b");
  BOOST_CHECK_EQUAL(site.connections(), 1);
}

COAX_SCENARIO_TEST(an_attempt_that_gets_no_answer_is_given_up) {
  testing::virtual_clock clock;
  const event_site site(ioc, [](stream_ptr s, std::string, int n) -> task<> {
    if (n == 2) co_await send(s, ok + "data: x\n\n");
    co_await wait_for_end(s);
  });
  std::vector<error_code> errors;
  const auto options = site.options().handshake_timeout(10s).on_change([&](const event_source_change& c) {
    if (c.what == event_source_change::kind::failed) errors.push_back(c.error);
  });
  event_source es(ioc.get_executor(), "http://h/", options);
  std::string got;
  auto reader = [&]() -> task<> { got = co_await next_data(es); };
  auto time = [&]() -> task<> {
    co_await settle();
    clock.advance(10s);
  };
  co_await all(reader(), time());
  BOOST_CHECK_EQUAL(got, "x");
  BOOST_REQUIRE_EQUAL(errors.size(), 1u);
  BOOST_CHECK(errors[0] == errc::handshake_timeout);
}

COAX_SCENARIO_TEST(a_row_of_failures_may_be_the_end) {
  testing::virtual_clock clock;
  const event_site site(ioc, says({answer_503}));
  event_source es(ioc.get_executor(), "http://h/", site.options().max_failures(3));
  error_code ec;
  std::string text;
  auto reader = [&]() -> task<> { ec = co_await next_failure(es, {}, &text); };
  auto time = [&]() -> task<> {
    for (int i = 0; i < 2; ++i) {
      co_await settle();
      clock.advance(1min);
    }
  };
  co_await all(reader(), time());
  BOOST_CHECK(ec == errc::handshake_failed);
  BOOST_CHECK(text.find("answered 503") != text.npos);
  BOOST_CHECK_EQUAL(site.connections(), 3);
  BOOST_CHECK(es.ready_state() == sse::ready_state::closed);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
