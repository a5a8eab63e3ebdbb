#include "core/clock.hpp"
#include <coax/context.hpp>

#include <boost/test/unit_test.hpp>

#include <thread>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(contexts)

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// The clock stands where it is put.
class standing_clock final : public detail::clock_source {
 public:
  standing_clock() { detail::current_clock = this; }
  standing_clock(const standing_clock&) = delete;
  standing_clock& operator=(const standing_clock&) = delete;
  ~standing_clock() { detail::current_clock = nullptr; }
  detail::steady::time_point now() const noexcept override { return at; }
  detail::steady::time_point at = detail::steady::time_point(1h);
};

BOOST_AUTO_TEST_CASE(the_default_never_stops) {
  const context ctx;
  BOOST_CHECK(!ctx.has_deadline());
  BOOST_CHECK(!ctx.deadline());
  BOOST_CHECK(!ctx.stop_token().stop_possible());
  BOOST_CHECK(!ctx.stopped());
  BOOST_CHECK(!ctx.stopped(context::time_point::max() - 1ns));
}

BOOST_AUTO_TEST_CASE(the_earlier_deadline_holds) {
  const standing_clock clock;
  const auto at = [&](nanoseconds d) { return std::optional(clock.at + d); };
  const context later = context().with_timeout(10s);
  BOOST_CHECK(later.deadline() == at(10s));
  BOOST_CHECK(later.with_timeout(5s).deadline() == at(5s));
  BOOST_CHECK(later.with_timeout(20s).deadline() == at(10s));
  BOOST_CHECK(later.with_deadline(clock.at + 3s).deadline() == at(3s));
  BOOST_CHECK(later.with_deadline(clock.at + 30s).deadline() == at(10s));
  BOOST_CHECK(later.with_timeout(5s).with_deadline(clock.at + 7s).with_timeout(6s).deadline() == at(5s));
  BOOST_CHECK(later.deadline() == at(10s));
}

BOOST_AUTO_TEST_CASE(a_deadline_passes_when_its_time_has_come) {
  standing_clock clock;
  const context ctx = context().with_timeout(10s);
  BOOST_CHECK(!ctx.stopped());
  clock.at += 10s - 1ns;
  BOOST_CHECK(!ctx.stopped());
  clock.at += 1ns;
  BOOST_CHECK_EQUAL(ctx.stopped(), make_error_code(errc::deadline_exceeded));
  BOOST_CHECK_EQUAL(ctx.stopped(clock.at + 1h), make_error_code(errc::deadline_exceeded));
  BOOST_CHECK(!ctx.stopped(clock.at - 1ns));
}

BOOST_AUTO_TEST_CASE(no_time_and_negative_time_are_over_at_once) {
  const standing_clock clock;
  for (const nanoseconds d : {0ns, -1ns, nanoseconds(-10s)})
    BOOST_CHECK_EQUAL(context().with_timeout(d).stopped(), make_error_code(errc::deadline_exceeded));
}

BOOST_AUTO_TEST_CASE(the_most_negative_time_is_over_at_once) {
  BOOST_CHECK_EQUAL(context().with_timeout(nanoseconds::min()).stopped(), make_error_code(errc::deadline_exceeded));
  BOOST_CHECK_EQUAL(context().with_deadline(context::time_point::min()).stopped(),
                    make_error_code(errc::deadline_exceeded));
}

BOOST_AUTO_TEST_CASE(a_timeout_beyond_the_end_of_the_clock_is_none) {
  const standing_clock clock;
  const auto rest = context::time_point::max() - clock.at;
  BOOST_CHECK(!context().with_timeout(nanoseconds::max()).has_deadline());
  BOOST_CHECK(!context().with_timeout(rest).has_deadline());
  BOOST_CHECK(context().with_timeout(rest - 1ns).has_deadline());
  BOOST_CHECK(!context().with_deadline(context::time_point::max()).has_deadline());
  const context soon = context().with_timeout(1s).with_timeout(nanoseconds::max());
  BOOST_CHECK(soon.deadline() == clock.at + 1s);
}

BOOST_AUTO_TEST_CASE(a_stop_token_stops_it_and_goes_before_the_deadline) {
  std::stop_source source;
  const context ctx = source.get_token();
  const context timed = ctx.with_timeout(0s);
  BOOST_CHECK(!ctx.stopped());
  BOOST_CHECK_EQUAL(timed.stopped(), make_error_code(errc::deadline_exceeded));
  source.request_stop();
  BOOST_CHECK_EQUAL(ctx.stopped(), make_error_code(errc::canceled));
  BOOST_CHECK_EQUAL(timed.stopped(), make_error_code(errc::canceled));
  BOOST_CHECK_EQUAL(ctx.stopped(context::time_point::min()), make_error_code(errc::canceled));
}

BOOST_AUTO_TEST_CASE(copies_share_the_token_and_keep_their_own_deadline) {
  const standing_clock clock;
  std::stop_source source;
  context a = context(source.get_token()).with_timeout(1s);
  const context b = a;
  a = a.with_timeout(500ms);
  BOOST_CHECK(b.deadline() == clock.at + 1s);
  BOOST_CHECK(b.stop_token() == a.stop_token());
  source.request_stop();
  BOOST_CHECK_EQUAL(b.stopped(), make_error_code(errc::canceled));
}

BOOST_AUTO_TEST_CASE(a_token_may_be_stopped_from_another_thread) {
  std::stop_source source;
  const context ctx = source.get_token();
  std::thread([&] { source.request_stop(); }).join();
  BOOST_CHECK_EQUAL(ctx.stopped(), make_error_code(errc::canceled));
}

BOOST_AUTO_TEST_CASE(without_a_replacement_the_clock_is_the_steady_one) {
  const auto before = std::chrono::steady_clock::now();
  const auto now = detail::now();
  BOOST_CHECK(before <= now && now <= std::chrono::steady_clock::now());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
