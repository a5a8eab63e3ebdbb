#include "io/stream.hpp"
#include "support/run.hpp"
#include <coax/testing.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <string>
#include <thread>

namespace coax {
namespace {

using namespace test;
using detail::stream;
using testing::faults;
using testing::memory_pair;

std::size_t put(transport& t, std::string_view s, error_code& ec) {
  const asio::const_buffer b(s.data(), s.size());
  return t.write_some(std::span(&b, 1), ec);
}

std::string take(transport& t, error_code& ec, std::size_t most = 1000) {
  std::string s(most, '\0');
  s.resize(t.read_some(asio::buffer(s), ec));
  return s;
}

struct pair_fixture {
  explicit pair_fixture(const faults& f = {})
      : ends(memory_pair(ioc.get_executor(), ioc.get_executor(), f)), a(*ends.first), b(*ends.second) {}
  asio::io_context ioc{1};
  std::pair<std::shared_ptr<testing::memory_end>, std::shared_ptr<testing::memory_end>> ends;
  testing::memory_end& a;
  testing::memory_end& b;
  error_code ec;
};

struct count_ready final : transport::observer {
  void on_ready(transport::direction) override { ++count; }
  int count = 0;
};

BOOST_AUTO_TEST_SUITE(memory_pairs)

BOOST_AUTO_TEST_CASE(reads_and_writes_are_as_small_as_told) {
  pair_fixture f(faults().max_read(2).max_write(3));
  BOOST_CHECK_EQUAL(put(f.a, "hello", f.ec), 3u);
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "he");
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "l");
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "");
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::would_block));
}

BOOST_AUTO_TEST_CASE(random_sizes_repeat_with_their_seed) {
  const std::string much(10'000, 'x');
  std::vector<std::size_t> sizes[2];
  for (auto& seen : sizes) {
    pair_fixture f(faults().random_sizes(3));
    for (int i = 0; i < 50; ++i) {
      seen.push_back(put(f.a, much, f.ec));
      seen.push_back(take(f.b, f.ec, 20'000).size());
    }
  }
  BOOST_TEST(sizes[0] == sizes[1], boost::test_tools::per_element());
  BOOST_CHECK_LT(*std::ranges::min_element(sizes[0]), 10u);
  BOOST_CHECK_GT(*std::ranges::max_element(sizes[0]), 1000u);
}

BOOST_AUTO_TEST_CASE(a_full_pipe_takes_nothing) {
  pair_fixture f(faults().capacity(4));
  BOOST_CHECK_EQUAL(put(f.a, "hello", f.ec), 4u);
  BOOST_CHECK_EQUAL(put(f.a, "o", f.ec), 0u);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::would_block));
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "hell");
  BOOST_CHECK_EQUAL(put(f.a, "o", f.ec), 1u);
}

BOOST_AUTO_TEST_CASE(a_stalled_end_goes_on_when_told) {
  pair_fixture f;
  const auto ready = std::make_shared<count_ready>();
  f.a.observe(ready);
  f.a.stall();
  BOOST_CHECK_EQUAL(put(f.a, "x", f.ec), 0u);
  f.a.wait(transport::direction::write);
  f.ioc.poll();
  BOOST_CHECK_EQUAL(ready->count, 0);

  f.a.unstall();
  f.ioc.poll();

  BOOST_CHECK_EQUAL(ready->count, 1);
  BOOST_CHECK_EQUAL(put(f.a, "x", f.ec), 1u);
}

BOOST_AUTO_TEST_CASE(delayed_bytes_arrive_by_the_virtual_clock) {
  testing::virtual_clock clock;
  pair_fixture f(faults().delay(std::chrono::milliseconds(100)));
  const auto ready = std::make_shared<count_ready>();
  f.b.observe(ready);
  f.b.wait(transport::direction::read);
  put(f.a, "x", f.ec);
  f.ioc.poll();
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "");

  clock.advance(std::chrono::milliseconds(99));
  f.ioc.poll();
  BOOST_CHECK_EQUAL(ready->count, 0);
  clock.advance(std::chrono::milliseconds(1));
  f.ioc.poll();

  BOOST_CHECK_EQUAL(ready->count, 1);
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "x");
}

BOOST_AUTO_TEST_CASE(delayed_bytes_arrive_by_the_real_clock) {
  run([](asio::io_context& ioc) -> task<> {
    auto [a, b] = memory_pair(ioc.get_executor(), ioc.get_executor(), faults().delay(std::chrono::milliseconds(5)));
    const auto s = stream::create(b);
    error_code ec;
    put(*a, "x", ec);
    char c;
    const auto n = co_await s->read_some(asio::buffer(&c, 1), context());
    BOOST_CHECK_EQUAL(n.value(), 1u);
  });
}

BOOST_AUTO_TEST_CASE(a_reset_shows_at_both_ends) {
  pair_fixture f;
  f.a.set_faults(faults().reset_after(10));
  BOOST_CHECK_EQUAL(put(f.a, "123456789", f.ec), 9u);
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "123456789");
  BOOST_CHECK_EQUAL(put(f.a, "0", f.ec), 1u);
  for (auto* end : {&f.a, &f.b}) {
    take(*end, f.ec);
    BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::connection_reset));
    put(*end, "x", f.ec);
    BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::connection_reset));
  }
}

BOOST_AUTO_TEST_CASE(the_call_behind_the_last_good_one_fails) {
  pair_fixture f;
  f.a.set_faults(faults().fail_after(2));
  BOOST_CHECK_EQUAL(put(f.a, "x", f.ec), 1u);
  take(f.a, f.ec);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::would_block));
  put(f.a, "x", f.ec);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::connection_reset));
  BOOST_CHECK_EQUAL(f.a.calls(), 3u);
}

BOOST_AUTO_TEST_CASE(bytes_before_an_end_are_still_read) {
  pair_fixture f;
  put(f.a, "last words", f.ec);
  f.a.shutdown_send();
  BOOST_CHECK_EQUAL(take(f.b, f.ec), "last words");
  take(f.b, f.ec);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::eof));
  put(f.a, "x", f.ec);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::broken_pipe));
  BOOST_CHECK_EQUAL(put(f.b, "reply", f.ec), 5u);
  f.b.close();
  BOOST_CHECK_EQUAL(take(f.a, f.ec), "reply");
}

BOOST_AUTO_TEST_CASE(writing_to_a_closed_end_fails) {
  pair_fixture f;
  f.b.close();
  put(f.a, "x", f.ec);
  BOOST_CHECK_EQUAL(f.ec, error_code(asio::error::broken_pipe));
}

BOOST_AUTO_TEST_CASE(a_waiting_end_keeps_its_io_context_running) {
  pair_fixture f;
  f.a.wait(transport::direction::read);
  BOOST_CHECK_EQUAL(f.ioc.poll(), 0u);
  BOOST_CHECK(!f.ioc.stopped());
  f.a.close();
  f.ioc.poll();
  BOOST_CHECK(f.ioc.stopped());
}

BOOST_AUTO_TEST_CASE(an_end_may_outlive_its_io_context) {
  auto ioc = std::make_unique<asio::io_context>(1);
  asio::io_context other(1);
  auto [a, b] = memory_pair(ioc->get_executor(), other.get_executor());
  a->wait(transport::direction::read);
  b->wait(transport::direction::read);

  ioc.reset();

  error_code ec;
  take(*b, ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::eof));
  put(*b, "x", ec);
  BOOST_CHECK_EQUAL(ec, error_code(asio::error::broken_pipe));
  a->wait(transport::direction::write);
}

// Boost.Test is not for several threads: these throw.
task<> count_to(std::shared_ptr<stream> s, int n) {
  for (int i = 0; i < n; ++i) {
    const std::string text(static_cast<std::size_t>(1 + i % 40), static_cast<char>('a' + i % 26));
    const asio::const_buffer bytes = asio::buffer(text);
    const error_code ec = co_await s->write(bytes, context());
    if (ec) throw system_error(ec);
  }
  s->lower().shutdown_send();
}

task<> expect_count(std::shared_ptr<stream> s, int n) {
  std::string got, expected;
  for (int i = 0; i < n; ++i) expected.append(static_cast<std::size_t>(1 + i % 40), static_cast<char>('a' + i % 26));
  char buffer[100];
  for (;;) {
    const auto r = co_await s->read_some(asio::buffer(buffer), context());
    if (!r) break;
    got.append(buffer, *r);
  }
  if (got != expected) throw std::runtime_error("bytes were lost or mixed");
}

BOOST_AUTO_TEST_CASE(the_ends_may_live_on_two_threads) {
  asio::io_context one(1), two(1);
  auto [a, b] = memory_pair(one.get_executor(), two.get_executor(), faults().random_sizes(5).capacity(300));
  const auto left = stream::create(a);
  const auto right = stream::create(b);

  std::exception_ptr error;
  std::thread thread([&two, &right, &error] {
    try {
      run(two, [&right]() -> task<> { co_await all(count_to(right, 3000), expect_count(right, 3000)); });
    } catch (...) {
      error = std::current_exception();
    }
  });
  run(one, [&left = left]() -> task<> { co_await all(count_to(left, 3000), expect_count(left, 3000)); });
  thread.join();

  BOOST_CHECK(!error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(there_is_one_virtual_clock_at_a_time) {
  testing::virtual_clock clock;
  const auto before = clock.now();
  BOOST_CHECK_THROW(testing::virtual_clock(), std::logic_error);
  const auto ctx = context().with_timeout(std::chrono::hours(1));
  BOOST_CHECK_EQUAL(ctx.stopped(), error_code());
  clock.advance(std::chrono::hours(1));
  BOOST_CHECK_EQUAL(ctx.stopped(), error_code(errc::deadline_exceeded));
  BOOST_CHECK(clock.now() - before == std::chrono::hours(1));
}

}  // namespace
}  // namespace coax
