/// What stopping `next` does: it ends the wait and nothing else.
#include "sse/event_site.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <random>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_source_cancellation)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;

// Says as many events as the test wants; answers when it wants.
class paced {
 public:
  paced() = default;
  paced(const paced&) = delete;
  paced& operator=(const paced&) = delete;
  ~paced() { state_->over = true; }

  void answer(bool on) { state_->answer = on; }
  void one_more() { ++state_->events; }

  event_site::script script() const {
    return [state = state_](stream_ptr s, std::string, int) -> task<> {
      const auto p = state;
      while (!p->answer && !p->over) co_await settle(1);
      co_await send(s, ok);
      while (!p->over) {
        if (p->sent == p->events) {
          co_await settle(1);
          continue;
        }
        const auto n = std::to_string(++p->sent);
        co_await send(s, "id: " + n + "\ndata: " + n + "\n\n");
      }
    };
  }

 private:
  struct state {
    bool answer = true;
    bool over = false;
    int events = 0;
    int sent = 0;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

// What becomes of a `next` that is stopped where it waits.
task<error_code> stop_while_it_waits(event_source& es) {
  std::stop_source stop;
  error_code ec;
  auto reader = [&]() -> task<> { ec = co_await next_failure(es, stop.get_token()); };
  auto stopper = [&]() -> task<> {
    co_await settle();
    stop.request_stop();
  };
  co_await all(reader(), stopper());
  co_return ec;
}

COAX_SCENARIO_TEST(a_next_that_is_stopped_before_it_begins_does_nothing) {
  paced p;
  p.one_more();
  p.one_more();
  const event_site site(ioc, p.script());
  event_source es(ioc.get_executor(), "http://h/", site.options());
  std::stop_source stop;
  stop.request_stop();
  auto ec = co_await next_failure(es, stop.get_token());
  BOOST_CHECK(ec == errc::canceled);
  BOOST_CHECK_EQUAL(site.connections(), 0);
  const auto first = co_await next_data(es);
  BOOST_CHECK_EQUAL(first, "1");
  co_await settle();
  // The second event is there, and must not be taken.
  ec = co_await next_failure(es, stop.get_token());
  BOOST_CHECK(ec == errc::canceled);
  const auto second = co_await next_data(es);
  BOOST_CHECK_EQUAL(second, "2");
}

COAX_SCENARIO_TEST(a_next_that_is_stopped_while_it_waits_loses_nothing) {
  paced p;
  const event_site site(ioc, p.script());
  event_source es(ioc.get_executor(), "http://h/", site.options());
  for (int i = 1; i <= 3; ++i) {
    const auto ec = co_await stop_while_it_waits(es);
    BOOST_CHECK(ec == errc::canceled);
    p.one_more();
    const auto got = co_await next_data(es);
    BOOST_CHECK_EQUAL(got, std::to_string(i));
  }
  BOOST_CHECK_EQUAL(site.connections(), 1);
}

COAX_SCENARIO_TEST(an_attempt_goes_on_without_the_next_that_began_it) {
  paced p;
  p.answer(false);
  p.one_more();
  const event_site site(ioc, p.script());
  event_source es(ioc.get_executor(), "http://h/", site.options());
  for (int i = 0; i < 3; ++i) {
    const auto ec = co_await stop_while_it_waits(es);
    BOOST_CHECK(ec == errc::canceled);
  }
  p.answer(true);
  co_await settle(60);
  BOOST_CHECK(es.ready_state() == sse::ready_state::open);  // and nobody has called
  const auto got = co_await next_data(es);
  BOOST_CHECK_EQUAL(got, "1");
  BOOST_CHECK_EQUAL(site.connections(), 1);
}

COAX_SCENARIO_TEST(a_late_stop_does_not_hit_the_following_next) {
  paced p;
  p.one_more();
  const event_site site(ioc, p.script());
  event_source es(ioc.get_executor(), "http://h/", site.options());
  std::stop_source stop;
  const auto first = co_await next_data(es, stop.get_token());
  BOOST_CHECK_EQUAL(first, "1");
  stop.request_stop();  // its poke is under way
  std::string second;
  auto reader = [&]() -> task<> { second = co_await next_data(es); };
  auto server = [&]() -> task<> {
    co_await settle();
    p.one_more();
  };
  co_await all(reader(), server());
  BOOST_CHECK_EQUAL(second, "2");
}

COAX_SCENARIO_TEST(cancellation_of_asio_loses_nothing) {
  for (const bool open : {false, true}) {
    paced p;
    p.answer(open);
    const event_site site(ioc, p.script());
    event_source es(ioc.get_executor(), "http://h/", site.options());
    asio::cancellation_signal signal;
    bool ended = false;
    std::exception_ptr error;
    auto reader = [&]() -> task<> { co_await es.next(); };
    asio::co_spawn(ioc, reader, asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e) {
                     ended = true;
                     error = e;
                   }));
    co_await settle();
    signal.emit(asio::cancellation_type::terminal);
    co_await settle();
    BOOST_CHECK(ended && error);
    p.answer(true);
    p.one_more();
    const auto got = co_await next_data(es);
    BOOST_CHECK_EQUAL(got, "1");
    BOOST_CHECK_EQUAL(site.connections(), 1);
  }
}

// The server cuts its connections at random bytes and goes on behind the last id; stops hit `next` at random. Every
// event comes once and in order.
COAX_CORO_TEST(cuts_and_stops_at_random_lose_and_double_nothing) {
  constexpr int events = 3000;
  std::minstd_rand random(7);
  event_site site(ioc, [&random](stream_ptr s, std::string request, int) -> task<> {
    const auto last = field(request, "Last-Event-ID");
    std::string text = ok;
    for (int i = last.empty() ? 1 : std::stoi(last) + 1; i <= events && text.size() < 700; ++i)
      text += "id: " + std::to_string(i) + "\ndata: " + std::to_string(i) + "\n\n";
    text.resize(random() % (text.size() + 1));
    std::size_t sent = 0;
    while (sent < text.size()) {
      auto piece = text.substr(sent, 1 + random() % 200);
      sent += piece.size();
      co_await send(s, piece);
      co_await settle(static_cast<int>(random() % 4));
    }
    if (random() % 2 == 0)
      s->lower().shutdown_send();
    else
      static_cast<testing::memory_end&>(s->lower()).reset();
  });
  site.faults(testing::faults().random_sizes(3));
  event_source es(ioc.get_executor(), "http://h/", site.options().backoff(1, 0s, 0s));
  int expected = 1;
  int stops = 0;
  int doomed = 0;
  while (expected <= events) {
    std::stop_source stop;
    auto reader = [&]() -> task<> {
      for (;;) {
        std::optional<sse::event> e;
        try {
          e = co_await es.next(stop.get_token());
        } catch (const system_error& failure) {
          BOOST_REQUIRE(failure.code() == errc::canceled);
          ++stops;
          co_return;
        }
        BOOST_REQUIRE_EQUAL(e->data(), std::to_string(expected));
        if (++expected > events) co_return;
      }
    };
    auto stopper = [&]() -> task<> {
      co_await settle(static_cast<int>(random() % 60));
      stop.request_stop();
    };
    co_await all(reader(), stopper());
    ++doomed;
  }
  BOOST_CHECK_EQUAL(es.stats().events, static_cast<std::uint64_t>(events));
  BOOST_TEST_MESSAGE(stops << " stops in " << doomed << " rounds, " << site.connections() << " connections");
  BOOST_CHECK_GT(stops, 50);
  BOOST_CHECK_GT(site.connections(), 50);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
