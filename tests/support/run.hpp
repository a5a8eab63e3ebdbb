/// Runs a coroutine as a test, or waits for what others do: it ends, or the test fails.
#pragma once

#include <coax/context.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace coax::test {

/// Only there to make a failure of a hang; sanitizers on a busy machine are slow.
inline constexpr std::chrono::seconds watchdog{120};

/// Looks every `pause` whether something holds that other threads or processes make true.
/// @throws std::runtime_error  it does not in time.
inline void wait_until(const std::function<bool()>& condition, const std::string& what,
                       std::chrono::milliseconds pause = std::chrono::milliseconds(1)) {
  const auto end = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("not in time: " + what);
    std::this_thread::sleep_for(pause);
  }
}

namespace runner {

/// Spawns a callable that returns a task, with or without the io_context as its argument, or a task.
template <class Body>
void spawn(asio::io_context& ioc, Body& body, bool& finished, std::exception_ptr& error) {
  auto done = [&finished, &error](std::exception_ptr e) {
    finished = true;
    error = e;
  };
  if constexpr (std::is_invocable_v<Body&, asio::io_context&>)
    asio::co_spawn(
        ioc, [&ioc, &body] { return body(ioc); }, done);
  else if constexpr (std::is_invocable_v<Body&>)
    asio::co_spawn(
        ioc, [&body] { return body(); }, done);
  else
    asio::co_spawn(ioc, std::move(body), done);
}

/// Runs at most `limit` handlers; how many there were. A scenario in memory never waits; one with real time does.
template <class Scenario>
std::size_t run_cut(Scenario& scenario, std::size_t limit, bool& finished) {
  asio::io_context ioc(1);
  std::exception_ptr error;
  spawn(ioc, scenario, finished, error);
  std::size_t steps = 0;
  while (steps < limit && !finished && (ioc.poll_one() != 0 || ioc.run_one_for(watchdog) != 0)) ++steps;
  // What is left behind the end, such as a close in the background.
  while (finished && steps < limit && ioc.poll_one() != 0) ++steps;
  if (error) std::rethrow_exception(error);
  return steps;
}

}  // namespace runner

/// Runs `body` (a task, or a callable `task<>()` or `task<>(asio::io_context&)`) on `ioc` until it has ended, rethrows
/// what it throws, and throws itself when it does not end in time.
template <class Body>
void run(asio::io_context& ioc, Body body, std::chrono::nanoseconds limit = watchdog) {
  bool finished = false;
  std::exception_ptr error;
  runner::spawn(ioc, body, finished, error);
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!finished && ioc.run_one_until(end) != 0) {
  }
  if (error) std::rethrow_exception(error);
  if (!finished) throw std::runtime_error("the coroutine has not ended in time");
}

/// The same on an io_context of its own, which is destroyed at the end with whatever is still parked on it.
template <class Body>
void run(Body body, std::chrono::nanoseconds limit = watchdog) {
  asio::io_context ioc(1);
  run(ioc, std::move(body), limit);
}

namespace runner {

struct crowd {
  explicit crowd(const asio::any_io_executor& ex) : gate(ex, asio::steady_timer::time_point::max()) {}
  asio::steady_timer gate;
  std::size_t running = 0;
  std::exception_ptr error;
};

inline task<> run_all(std::vector<task<>> tasks) {
  const auto ex = co_await asio::this_coro::executor;
  const auto shared = std::make_shared<crowd>(ex);
  shared->running = tasks.size();
  for (auto& t : tasks) {
    auto done = [shared](std::exception_ptr e) {
      if (e && !shared->error) shared->error = e;
      if (--shared->running == 0 || e) shared->gate.cancel();
    };
    asio::co_spawn(ex, std::move(t), done);
  }
  while (shared->running != 0 && !shared->error) co_await shared->gate.async_wait(asio::as_tuple(asio::use_awaitable));
  if (shared->error) std::rethrow_exception(shared->error);
}

}  // namespace runner

/// Runs tasks side by side until all have ended, or one has thrown.
template <class... Tasks>
task<> all(Tasks... tasks) {
  std::vector<task<>> v;
  (v.push_back(std::move(tasks)), ...);
  return runner::run_all(std::move(v));
}

/// Lets everything that is ready go on, from inside a coroutine: `turns` trips through the scheduler.
inline task<> settle(int turns = 20) {
  const auto ex = co_await asio::this_coro::executor;
  for (int i = 0; i < turns; ++i) co_await asio::post(ex, asio::use_awaitable);
}

/// How many descriptors this process has open.
inline std::size_t open_descriptors() {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
  return n;
}

/// Runs a scenario (`task<>(asio::io_context&)`, in memory) to its end, and then again and again, each time destroying
/// the io_context with everything on it after one more handler: whatever is parked there must die without a leak or a
/// use after free, which the sanitizers watch for.
template <class Scenario>
void cut_run(Scenario scenario) {
  bool finished = false;
  const std::size_t whole = runner::run_cut(scenario, SIZE_MAX, finished);
  BOOST_REQUIRE_MESSAGE(finished, "the scenario has not ended");
  // Long scenarios are cut at 300 places.
  const std::size_t stride = std::max<std::size_t>(1, whole / 300);
  const std::size_t descriptors = open_descriptors();
  for (std::size_t n = 0; n < whole; n += stride) {
    bool ignored = false;
    runner::run_cut(scenario, n, ignored);
    BOOST_REQUIRE_MESSAGE(open_descriptors() == descriptors, "cut after " << n << " handlers, it leaves a descriptor");
  }
}

}  // namespace coax::test

/// A test whose body is a coroutine, with `ioc` at hand.
#define COAX_CORO_TEST(name)                                                      \
  static coax::task<> name##_body([[maybe_unused]] boost::asio::io_context& ioc); \
  BOOST_AUTO_TEST_CASE(name) { coax::test::run(&name##_body); }                   \
  static coax::task<> name##_body([[maybe_unused]] boost::asio::io_context& ioc)

/// The same, and again with every cut of `coax::test::cut_run`.
#define COAX_SCENARIO_TEST(name)                                                  \
  static coax::task<> name##_body([[maybe_unused]] boost::asio::io_context& ioc); \
  BOOST_AUTO_TEST_CASE(name) { coax::test::cut_run(&name##_body); }               \
  static coax::task<> name##_body([[maybe_unused]] boost::asio::io_context& ioc)
