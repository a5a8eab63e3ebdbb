#include "io/parking_lot.hpp"

#include "io/completion.hpp"
#include "io/elsewhere.hpp"
#include "support/run.hpp"
#include <coax/testing.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace coax {
namespace {

using namespace test;
using namespace std::chrono_literals;
using detail::parking_lot;
using detail::plain_waiter;
using detail::self_linked_waiter;
using detail::waiter;

struct lot final : parking_lot {
  using parking_lot::parking_lot;
  waiter* last = nullptr;
};

task<error_code> park(std::shared_ptr<lot> l, context ctx) {
  plain_waiter w(ctx);
  l->last = &w;
  co_await l->park(w);
  const error_code ec = w.result();
  co_return ec;
}

task<> park_into(std::shared_ptr<lot> l, context ctx, std::optional<error_code>* out) {
  *out = co_await park(std::move(l), std::move(ctx));
}

std::shared_ptr<lot> make_lot(asio::io_context& ioc) { return std::make_shared<lot>(ioc.get_executor()); }

BOOST_AUTO_TEST_SUITE(parking)

COAX_SCENARIO_TEST(a_stop_requested_before_ends_the_wait) {
  const auto l = make_lot(ioc);
  std::stop_source stop;
  stop.request_stop();
  const error_code ec = co_await park(l, context(stop.get_token()));
  BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
}

COAX_SCENARIO_TEST(a_stop_while_parked_ends_the_wait) {
  const auto l = make_lot(ioc);
  std::stop_source stop;
  std::optional<error_code> ec;
  asio::co_spawn(ioc, park_into(l, context(stop.get_token()), &ec), asio::detached);
  co_await settle();
  BOOST_CHECK(!ec);
  stop.request_stop();
  co_await settle();
  BOOST_REQUIRE(ec);
  BOOST_CHECK_EQUAL(*ec, error_code(errc::canceled));
}

COAX_SCENARIO_TEST(a_stop_from_the_own_executor_does_not_resume_inside) {
  const auto l = make_lot(ioc);
  std::stop_source stop;
  std::optional<error_code> ec;
  asio::co_spawn(ioc, park_into(l, context(stop.get_token()), &ec), asio::detached);
  co_await settle();
  stop.request_stop();
  BOOST_CHECK(!ec);
  co_await settle();
  BOOST_CHECK(ec);
}

COAX_SCENARIO_TEST(who_is_woken_first_is_not_stopped) {
  const auto l = make_lot(ioc);
  std::stop_source stop;
  std::optional<error_code> ec;
  asio::co_spawn(ioc, park_into(l, context(stop.get_token()), &ec), asio::detached);
  co_await settle();
  l->wake(*l->last);
  stop.request_stop();
  co_await settle();
  BOOST_REQUIRE(ec);
  BOOST_CHECK_EQUAL(*ec, error_code());
}

COAX_SCENARIO_TEST(a_late_stop_does_not_hit_the_next_wait) {
  const auto l = make_lot(ioc);
  std::stop_source first, second;
  std::optional<error_code> ec1, ec2;
  asio::co_spawn(ioc, park_into(l, context(first.get_token()), &ec1), asio::detached);
  co_await settle();
  first.request_stop();
  l->wake(*l->last);
  asio::co_spawn(ioc, park_into(l, context(second.get_token()), &ec2), asio::detached);
  co_await settle();
  BOOST_REQUIRE(ec1);
  BOOST_CHECK_EQUAL(*ec1, error_code());
  BOOST_CHECK(!ec2);
  second.request_stop();
  co_await settle();
  BOOST_CHECK(ec2);
}

COAX_SCENARIO_TEST(deadlines_pass_in_their_order) {
  testing::virtual_clock clock;
  const auto l = make_lot(ioc);
  std::optional<error_code> late, early, none;
  asio::co_spawn(ioc, park_into(l, context().with_timeout(2s), &late), asio::detached);
  asio::co_spawn(ioc, park_into(l, context().with_timeout(1s), &early), asio::detached);
  asio::co_spawn(ioc, park_into(l, context(), &none), asio::detached);
  co_await settle();

  clock.advance(999ms);
  co_await settle();
  BOOST_CHECK(!early && !late);
  clock.advance(1ms);
  co_await settle();
  BOOST_CHECK(early && !late);
  clock.advance(1s);
  co_await settle();
  BOOST_CHECK(late && !none);
  if (late) BOOST_CHECK_EQUAL(*late, error_code(errc::deadline_exceeded));
}

COAX_CORO_TEST(deadlines_pass_by_the_real_clock_over_many_lots) {
  std::vector<std::shared_ptr<lot>> lots;
  std::vector<int> order;
  auto wait = [&order](std::shared_ptr<lot> l, context ctx, int ms) -> task<> {
    co_await park(std::move(l), std::move(ctx));
    order.push_back(ms);
  };
  const auto now = context::clock::now();
  std::vector<task<>> waits;
  for (const int ms : {40, 5, 25, 10, 35, 20, 15, 30}) {
    lots.push_back(make_lot(ioc));
    waits.push_back(wait(lots.back(), context().with_deadline(now + std::chrono::milliseconds(ms)), ms));
  }
  co_await runner::run_all(std::move(waits));
  BOOST_CHECK(std::ranges::is_sorted(order));
}

COAX_SCENARIO_TEST(a_slot_of_asio_ends_the_wait) {
  const auto l = make_lot(ioc);
  asio::cancellation_signal signal;
  std::optional<error_code> ec;
  bool ended = false;
  auto done = [&ended](std::exception_ptr) { ended = true; };
  asio::co_spawn(ioc, park_into(l, context(), &ec), asio::bind_cancellation_slot(signal.slot(), done));
  co_await settle();
  signal.emit(asio::cancellation_type::terminal);
  co_await settle();
  BOOST_CHECK(ended);
}

COAX_SCENARIO_TEST(a_wake_resumes_later_or_inside) {
  const auto l = make_lot(ioc);
  std::optional<error_code> ec;
  asio::co_spawn(ioc, park_into(l, context(), &ec), asio::detached);
  co_await settle();
  l->wake(*l->last, asio::error::eof);
  BOOST_CHECK(!ec);
  co_await settle();
  BOOST_CHECK(ec == error_code(asio::error::eof));

  ec.reset();
  asio::co_spawn(ioc, park_into(l, context(), &ec), asio::detached);
  co_await settle();
  l->wake_inline(*l->last);
  BOOST_CHECK(ec == error_code());
}

// An operation that cannot be left before it is through.
struct stayer final : self_linked_waiter {
  using self_linked_waiter::self_linked_waiter;
  error_code leaving(error_code why) override {
    asked = why;
    return {};
  }
  error_code asked;
};

COAX_SCENARIO_TEST(a_waiter_may_stay_when_its_context_stops) {
  const auto l = make_lot(ioc);
  std::stop_source stop;
  asio::post(ioc, [stop]() mutable { stop.request_stop(); });
  asio::post(ioc, [&ioc, l] { asio::post(ioc, [&ioc, l] { asio::post(ioc, [l] { l->wake_all(errc::closed); }); }); });
  const context ctx(stop.get_token());
  stayer w(ctx);
  co_await l->park(w);
  const error_code ec = w.result();
  BOOST_CHECK_EQUAL(w.asked, error_code(errc::canceled));
  BOOST_CHECK_EQUAL(ec, error_code(errc::closed));
}

// The frame keeps the lot alive that holds the frame.
BOOST_AUTO_TEST_CASE(parked_coroutines_die_with_the_io_context) {
  auto count = std::make_shared<int>(0);
  {
    asio::io_context ioc(1);
    const std::stop_source stop;
    for (int i = 0; i < 10; ++i)
      asio::co_spawn(
          ioc,
          [&ioc, count, token = stop.get_token()]() -> task<> {
            const auto held = count;
            const auto l = make_lot(ioc);
            const context ctx = context(token).with_timeout(1h);
            co_await park(l, ctx);
            ++*held;
          },
          asio::detached);
    ioc.poll();
    BOOST_CHECK_GT(count.use_count(), 10);
  }
  BOOST_CHECK_EQUAL(count.use_count(), 1);
  BOOST_CHECK_EQUAL(*count, 0);
}

BOOST_AUTO_TEST_CASE(a_lot_may_outlive_its_io_context) {
  std::shared_ptr<lot> l;
  std::stop_source stop;
  {
    asio::io_context ioc(1);
    l = make_lot(ioc);
    std::optional<error_code> ignored;
    asio::co_spawn(ioc, park_into(l, context(stop.get_token()).with_timeout(1h), &ignored), asio::detached);
    ioc.poll();
  }
  stop.request_stop();
  BOOST_CHECK(l->shut_down());
}

// Stops come from another thread before, while and after the wait; woken by a third party at the same time.
BOOST_AUTO_TEST_CASE(stops_from_other_threads_end_each_wait_once) {
  asio::io_context ioc(1);
  constexpr int rounds = 5000;
  std::mutex mutex;
  std::optional<std::stop_source> target;
  std::atomic<bool> over{false};
  std::thread stopper([&] {
    while (!over) {
      std::optional<std::stop_source> s;
      {
        const std::lock_guard lock(mutex);
        s.swap(target);
      }
      if (s) s->request_stop();
    }
  });
  int stopped = 0;
  run(ioc, [&](asio::io_context& c) -> task<> {
    const auto l = make_lot(c);
    for (int i = 0; i < rounds; ++i) {
      const std::stop_source stop;
      {
        const std::lock_guard lock(mutex);
        target = stop;
      }
      asio::post(c, [l] { asio::post(l->executor(), [l] { l->wake_all({}); }); });
      const error_code ec = co_await park(l, context(stop.get_token()));
      stopped += ec == errc::canceled;
    }
  });
  over = true;
  stopper.join();
  BOOST_TEST_MESSAGE(stopped << " of " << rounds << " stopped");
}

COAX_SCENARIO_TEST(an_operation_can_be_left_alone) {
  struct operation final : detail::completion {
    using completion::completion;
  };
  const auto op = std::make_shared<operation>(ioc.get_executor());
  std::stop_source stop;
  asio::post(ioc, [stop]() mutable { stop.request_stop(); });
  const error_code left = co_await op->wait(context(stop.get_token()));
  BOOST_CHECK_EQUAL(left, error_code(errc::canceled));

  op->finish(asio::error::eof);
  const error_code found = co_await op->wait(context());
  BOOST_CHECK_EQUAL(found, error_code(asio::error::eof));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stop_scopes)

COAX_CORO_TEST(fire_by_hand_by_time_and_by_their_parent) {
  testing::virtual_clock clock;
  std::stop_source parent;
  stop_scope by_hand(ioc.get_executor());
  stop_scope by_time(ioc.get_executor());
  stop_scope by_parent(ioc.get_executor(), context(parent.get_token()));
  stop_scope by_parents_deadline(ioc.get_executor(), context().with_timeout(3s));

  by_hand.request_stop();
  by_time.expires_after(2s);
  parent.request_stop();
  BOOST_CHECK(by_hand.stop_requested() && by_parent.stop_requested() && !by_time.stop_requested());
  clock.advance(2s);
  co_await settle();
  BOOST_CHECK(by_time.stop_requested() && !by_parents_deadline.stop_requested());
  clock.advance(1s);
  co_await settle();
  BOOST_CHECK(by_parents_deadline.stop_requested());
}

COAX_CORO_TEST(do_not_fire_at_a_time_beyond_the_end_of_the_clock) {
  testing::virtual_clock clock;
  stop_scope s(ioc.get_executor());
  s.expires_after(std::chrono::nanoseconds::max());
  clock.advance(1h);
  co_await settle();
  BOOST_CHECK(!s.stop_requested());
}

COAX_CORO_TEST(end_their_link_when_another_takes_their_place) {
  std::stop_source parent;
  stop_scope s(ioc.get_executor(), context(parent.get_token()));
  const auto token = s.get_token();
  s = stop_scope(ioc.get_executor());
  parent.request_stop();
  BOOST_CHECK(!token.stop_requested() && !s.stop_requested());
  auto& same = s;
  s = std::move(same);
  s.request_stop();
  BOOST_CHECK(s.stop_requested());
  co_return;
}

COAX_CORO_TEST(do_not_fire_after_their_end) {
  testing::virtual_clock clock;
  std::stop_token token;
  {
    stop_scope s(ioc.get_executor());
    s.expires_after(1s);
    token = s.get_token();
  }
  clock.advance(2s);
  co_await settle();
  BOOST_CHECK(!token.stop_requested());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(calls_to_another_executor)

COAX_SCENARIO_TEST(run_there_and_come_back) {
  const auto home = asio::make_strand(ioc);
  auto work = [home](context) -> task<int> {
    BOOST_CHECK(home.running_in_this_thread());
    co_return 42;
  };
  const int n = co_await detail::elsewhere<int>(home, context(), work);
  BOOST_CHECK_EQUAL(n, 42);
  BOOST_CHECK(!home.running_in_this_thread());
}

COAX_CORO_TEST(bring_exceptions_back) {
  const auto home = asio::make_strand(ioc);
  auto work = [](context) -> task<> {
    throw system_error(errc::closed);
    co_return;
  };
  error_code ec;
  try {
    co_await detail::elsewhere<void>(home, context(), work);
  } catch (const system_error& e) {
    ec = e.code();
  }
  BOOST_CHECK_EQUAL(ec, error_code(errc::closed));
}

COAX_SCENARIO_TEST(carry_the_stop_there) {
  const auto home = asio::make_strand(ioc);
  const auto l = std::make_shared<lot>(home);
  std::stop_source stop;
  asio::post(ioc, [&ioc, stop] { asio::post(ioc, [stop]() mutable { stop.request_stop(); }); });
  auto work = [&l](context ctx) -> task<error_code> { return park(l, std::move(ctx)); };
  const error_code ec = co_await detail::elsewhere<error_code>(home, context(stop.get_token()), work);
  BOOST_CHECK_EQUAL(ec, error_code(errc::canceled));
}

BOOST_AUTO_TEST_CASE(cross_threads) {
  // The other thread may still be inside its last post when the answer is here already: `here` is to outlive it.
  asio::io_context here(1), there(1);
  auto guard = asio::make_work_guard(there);
  std::thread thread([&there] { there.run(); });
  auto body = [&there](asio::io_context&) -> task<> {
    auto work = [](context) -> task<std::thread::id> { co_return std::this_thread::get_id(); };
    for (int i = 0; i < 500; ++i) {
      const auto id = co_await detail::elsewhere<std::thread::id>(there.get_executor(), context(), work);
      BOOST_CHECK(id != std::this_thread::get_id());
    }
  };
  BOOST_CHECK_NO_THROW(run(here, body));
  guard.reset();
  thread.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
