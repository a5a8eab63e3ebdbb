#include "websocket/peers.hpp"

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <thread>

// Operations called from executors other than the connection's, and stops that come from foreign threads.

namespace coax::test {
namespace {

// An io_context with a thread of its own.
class loop {
 public:
  loop() : work_(asio::make_work_guard(ioc_)), thread_([this] { ioc_.run(); }) {}
  ~loop() { stop(); }
  void stop() {
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }
  asio::io_context& context() { return ioc_; }
  asio::any_io_executor executor() { return ioc_.get_executor(); }

 private:
  asio::io_context ioc_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

template <class T>
T get(std::future<T> f) {
  if (f.wait_for(watchdog) != std::future_status::ready) throw std::runtime_error("a coroutine has not ended in time");
  return f.get();
}

BOOST_AUTO_TEST_CASE(every_operation_works_from_a_foreign_executor_and_returns_to_it) {
  loop home, away;
  // Boost.Test is for one thread at a time: what is found elsewhere is told at the end.
  std::string wrong;
  const auto check = [&](bool right, const char* what) {
    if (!right) wrong.append(what).append("; ");
  };
  peers p(home.executor(), home.executor());
  auto echo = asio::co_spawn(
      home.context(),
      [&]() -> task<> {
        while (auto m = co_await p.server.next()) co_await p.server.write(m->kind(), m->data());
      },
      asio::use_future);
  get(asio::co_spawn(
      away.context(),
      [&]() -> task<> {
        const auto here = std::this_thread::get_id();
        for (const std::size_t n : {0u, 10u, 20000u}) {
          const std::string text = pattern(n);
          co_await p.client.write_text(text);
          check(std::this_thread::get_id() == here, "resumed elsewhere");
          const auto m = co_await p.client.read();
          check(std::this_thread::get_id() == here, "resumed elsewhere");
          check(m.text() == text, "the echo");
        }
        const auto rtt = co_await p.client.ping();
        check(rtt.count() > 0, "the round trip");
        const auto nothing = co_await p.client.try_read(context().with_timeout(1ms));
        check(nothing.error() == errc::deadline_exceeded, "the deadline");
        std::stop_source source;
        source.request_stop();
        const auto stopped = co_await p.client.try_read(source.get_token());
        check(stopped.error() == errc::canceled, "the stop");
        co_await p.client.close(status::normal, "from away");
        check(std::this_thread::get_id() == here, "resumed elsewhere");
        check(p.client.closed().clean, "the close");
      },
      asio::use_future));
  get(std::move(echo));
  BOOST_TEST(wrong == "");
  // Either thread may still be inside its last post to the other.
  away.stop();
  home.stop();
}

BOOST_AUTO_TEST_CASE(writers_on_many_threads_keep_their_order) {
  loop home;
  asio::thread_pool pool(4);
  peers p(home.executor(), home.executor(), options().read_limit(0).send_queue_limit(5000),
          testing::faults().random_sizes(5).capacity(4000));
  constexpr int writers = 4, each = 200;
  for (int w = 0; w < writers; ++w)
    asio::co_spawn(
        asio::make_strand(pool),
        [&, w]() -> task<> {
          for (int i = 0; i < each; ++i) {
            const std::string text =
                std::to_string(w) + ":" + std::to_string(i) + ":" + pattern(static_cast<std::size_t>(i % 40 * 10));
            co_await p.client.write_text(text);
          }
        },
        asio::detached);
  auto reader = asio::co_spawn(
      home.context(),
      [&]() -> task<bool> {
        int next[writers] = {};
        for (int n = 0; n < writers * each; ++n) {
          const auto m = co_await p.server.read();
          const int w = m.text()[0] - '0', i = std::stoi(m.str().substr(2));
          if (i != next[w]++) co_return false;
        }
        co_return true;
      },
      asio::use_future);
  BOOST_TEST(get(std::move(reader)));
  pool.join();
  p.client.close_now();
  p.server.close_now();
  home.stop();
}

BOOST_AUTO_TEST_CASE(a_thousand_writers_on_each_of_eight_threads_keep_their_order) {
  loop home;
  constexpr int threads = 8, writers = 1000, each = 3;
  peers p(home.executor(), home.executor(), options().read_limit(0).send_queue_limit(50'000).keepalive(0s));
  std::vector<std::unique_ptr<loop>> away;
  for (int t = 0; t < threads; ++t) away.push_back(std::make_unique<loop>());
  for (int t = 0; t < threads; ++t)
    for (int w = 0; w < writers; ++w)
      asio::co_spawn(
          away[static_cast<std::size_t>(t)]->context(),
          [&p, id = t * writers + w]() -> task<> {
            for (int i = 0; i < each; ++i) {
              const std::string text = std::to_string(id) + ":" + std::to_string(i);
              co_await p.client.write_text(text);
            }
          },
          asio::detached);
  auto reader = asio::co_spawn(
      home.context(),
      [&]() -> task<bool> {
        std::vector<int> next(threads * writers);
        for (int n = 0; n < threads * writers * each; ++n) {
          const auto m = co_await p.server.read();
          const auto id = std::stoul(m.str());
          const int i = std::stoi(m.str().substr(m.str().find(':') + 1));
          if (next.at(id)++ != i) co_return false;
        }
        co_return true;
      },
      asio::use_future);
  BOOST_TEST(get(std::move(reader)));
  away.clear();
  p.client.close_now();
  p.server.close_now();
  home.stop();
}

BOOST_AUTO_TEST_CASE(a_connection_on_a_strand_of_a_pool_is_safe) {
  asio::thread_pool pool(3);
  peers p(asio::make_strand(pool), asio::make_strand(pool), options(), testing::faults().random_sizes(9));
  auto echo = asio::co_spawn(
      pool,
      [&]() -> task<> {
        while (auto m = co_await p.server.next()) co_await p.server.write(m->kind(), m->data());
      },
      asio::use_future);
  get(asio::co_spawn(
      p.client.get_executor(),
      [&]() -> task<> {
        for (int i = 0; i < 300; ++i) {
          const std::string text = std::to_string(i);
          co_await p.client.write_text(text);
          const auto m = co_await p.client.read();
          if (m.text() != text) BOOST_ERROR("wrong echo");
        }
        co_await p.client.close();
      },
      asio::use_future));
  get(std::move(echo));
  pool.join();
}

BOOST_AUTO_TEST_CASE(stops_from_a_foreign_thread_lose_nothing) {
  loop home;
  peers p(home.executor(), home.executor(), options(), testing::faults().random_sizes(3));
  std::atomic<std::stop_source*> current{nullptr};
  std::atomic<bool> done{false};
  std::thread stopper([&] {
    while (!done) {
      if (auto* s = current.exchange(nullptr)) {
        s->request_stop();
        delete s;
      }
      std::this_thread::yield();
    }
    delete current.exchange(nullptr);
  });
  auto writer = asio::co_spawn(
      home.context(),
      [&]() -> task<> {
        for (int i = 0; i < 2000; ++i) {
          const std::string text = std::to_string(i);
          co_await p.client.write_text(text);
          if (i % 7 == 0) co_await settle(1);
        }
      },
      asio::use_future);
  int stops = 0;
  get(asio::co_spawn(
      home.context(),
      [&]() -> task<> {
        for (int i = 0; i < 2000;) {
          auto source = std::make_unique<std::stop_source>();
          const auto token = source->get_token();
          delete current.exchange(source.release());
          const auto m = co_await p.server.try_read(token);
          if (!m) {
            if (m.error() != errc::canceled) throw system_error(m.error());
            ++stops;
            continue;
          }
          if (m->text() != std::to_string(i++)) throw std::runtime_error("lost, doubled or out of order: " + m->str());
        }
      },
      asio::use_future));
  get(std::move(writer));
  done = true;
  stopper.join();
  BOOST_TEST_MESSAGE(stops << " reads were stopped");
  p.client.close_now();
  p.server.close_now();
  home.stop();
}

BOOST_AUTO_TEST_CASE(close_and_close_now_may_come_from_any_thread) {
  for (int i = 0; i < 50; ++i) {
    loop home;
    peers p(home.executor(), home.executor());
    auto reader = asio::co_spawn(
        home.context(),
        [&]() -> task<error_code> {
          const auto r = co_await p.server.try_read();
          co_return r.error();
        },
        asio::use_future);
    std::thread a([&] { i % 2 ? p.client.start_close() : p.client.close_now(); });
    std::thread b([&] { p.server.close_now(); });
    a.join();
    b.join();
    BOOST_TEST((get(std::move(reader)) == errc::closed));
    home.stop();
  }
}

}  // namespace
}  // namespace coax::test
