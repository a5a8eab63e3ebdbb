// What it costs to publish through Redis, next to redis-benchmark with the same script, and how long it takes to
// subscribe to 100,000 topics, and again when the connection is lost.
//
//     redis-server --port 7777 --save '' &
//     redis_publish 7777        a line of JSON for each row
#include "bench/load/posix.hpp"
#include "redis/redis_wire.hpp"
#include "redis/scripts.hpp"
#include <coax/redis_broker.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t publications = 300'000;
constexpr std::size_t in_flight = 64;
constexpr std::size_t subscriptions = 100'000;

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

/// Counts what is still to come.
class countdown {
 public:
  void add(std::size_t most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return left_ < most; });
    ++left_;
  }
  void done() {
    {
      const std::lock_guard lock(mutex_);
      --left_;
    }
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t left_ = 0;
};

class listener : public coax::broker_events {
 public:
  void on_entry(std::string_view, std::string_view, const coax::entry_ptr&) override {}
  void on_reset(std::string_view, const coax::position&) override {}
  void on_presence(std::string_view, const coax::presence_change&) override {}
  void on_link(coax::link_state state) override {
    {
      const std::lock_guard lock(mutex_);
      state_ = state;
    }
    changed_.notify_one();
  }
  void wait(coax::link_state state) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return state_ == state; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  coax::link_state state_ = coax::link_state::degraded;
};

void publish(coax::broker_session& session, std::size_t topics, std::size_t history, std::size_t window) {
  const coax::prepared_message message(std::string(128, 'x'));
  countdown left;
  std::size_t failed = 0;
  const auto start = clock_type::now();
  const double cpu = bench::cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  for (std::size_t i = 0; i != publications; ++i) {
    left.add(window);
    coax::publication what(message);
    what.history(coax::history_limits().size(history));
    session.publish("bench/" + std::to_string(i % topics), std::move(what), [&](const auto& at) {
      if (!at) ++failed;
      left.done();
    });
  }
  left.wait();
  const double took = seconds_since(start);
  const double spent = bench::cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  std::printf(
      "{\"name\": \"redis_broker\", \"topics\": %zu, \"history\": %zu, \"in_flight\": %zu, \"per_second\": %.0f, "
      "\"client_cpu_ns\": %.0f, \"failed\": %zu}\n",
      topics, history, window, publications / took, spent / publications, failed);
}

// The script is loaded by then. A random key for its memory makes that nothing is found there.
void run_redis_benchmark(const std::string& port, std::size_t history) {
  const auto body = coax::detail::pack(coax::publication(coax::prepared_message(std::string(128, 'x'))));
  std::string printable;
  for (const char c : body) printable += c == '\0' ? '0' : c;
  const auto command = "redis-benchmark -p " + port + " -P 64 -c 1 -q -r 1000000000 -n " +
                       std::to_string(publications) + " EVALSHA " + coax::redis::publish_script().sha1() +
                       " 4 '{b}at' '{b}log' '{b}sent:__rand_int__' '{b}topic' epoch0123456789 00000000000000aa '" +
                       printable + "' " + std::to_string(history) + " 3600000 1 86400000 20000 PUBLISH 1 1" +
                       " | tr '\\r' '\\n' | grep -a 'requests per second' | tail -1";
  std::printf("redis-benchmark, history %zu: ", history);
  std::fflush(stdout);
  if (std::system(command.c_str()) != 0) std::printf("failed\n");
}

void subscribe(coax::broker_session& session, listener& link, const std::string& port) {
  countdown left;
  auto start = clock_type::now();
  for (std::size_t i = 0; i != subscriptions; ++i) {
    left.add(SIZE_MAX);
    session.subscribe("many/" + std::to_string(i), [&](const auto&) { left.done(); });
  }
  left.wait();
  const double first = seconds_since(start);
  const auto kill = "redis-cli -p " + port + " client kill type pubsub >/dev/null";
  if (std::system(kill.c_str()) != 0) return;
  link.wait(coax::link_state::degraded);
  start = clock_type::now();
  link.wait(coax::link_state::ready);
  std::printf("{\"name\": \"subscriptions\", \"topics\": %zu, \"first_s\": %.3f, \"again_s\": %.3f}\n", subscriptions,
              first, seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string port = argv[1];
  boost::asio::io_context ioc(1);
  auto work = boost::asio::make_work_guard(ioc);
  std::thread thread([&] { ioc.run(); });
  {
    coax::redis_broker broker(ioc.get_executor(), "redis://127.0.0.1:" + port,
                              coax::redis_broker_options().queue(1'000'000, std::size_t{1} << 30));
    const auto events = std::make_shared<listener>();
    const auto session = broker.open(events);
    events->wait(coax::link_state::ready);
    for (const std::size_t history : {0, 100}) {
      publish(*session, 1, history, in_flight);
      publish(*session, 64, history, in_flight);
      publish(*session, 64, history, 4096);
      run_redis_benchmark(port, history);
    }
    subscribe(*session, *events, port);
  }
  work.reset();
  thread.join();
}
