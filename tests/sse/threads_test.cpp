// Streams on one thread, senders on others.

#include "sse/streams.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <thread>

BOOST_AUTO_TEST_SUITE(sse_threads)

using namespace coax;
using namespace coax::test;
using sse::event;
using sse::stream_options;

namespace {

/// Joins first what is declared last: the io_contexts live longer than the threads that run them.
struct lane {
  lane() = default;
  ~lane() { end(); }
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  void end() {
    work.reset();
    if (thread.joinable()) thread.join();
  }
  asio::io_context ioc{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{ioc.get_executor()};
  std::thread thread{[this] { ioc.run(); }};
};

}  // namespace

BOOST_AUTO_TEST_CASE(senders_on_all_threads_keep_their_order_and_break_no_event) {
  constexpr int senders = 4, events = 300;
  lane home, others[2];
  asio::io_context reader(1);
  stream_setup o(stream_options().send_queue_limit(500));
  o.faults.capacity(2000).random_sizes(3);
  far_stream s(home.ioc.get_executor(), reader.get_executor(), o);
  std::atomic<int> left{senders};
  std::atomic<int> sent{0};
  for (int n = 0; n < senders; ++n) {
    auto body = [&, n]() -> task<> {
      for (int i = 0; i < events; ++i) {
        std::stop_source stop;
        if (i % 7 == 3) stop.request_stop();
        const event e(std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), '.'));
        const auto r = co_await s.stream.try_send(event(e).type("s" + std::to_string(n)), stop.get_token());
        if (r.has_value()) ++sent;
      }
    };
    asio::co_spawn(others[n % 2].ioc, std::move(body), [&](std::exception_ptr) { --left; });
  }
  std::string text;
  const auto end = std::chrono::steady_clock::now() + watchdog;
  const auto count = [&text] {
    std::size_t n = 0;
    for (auto at = text.find("\n\n"); at != std::string::npos; at = text.find("\n\n", at + 2)) ++n;
    return n;
  };
  while ((left != 0 || count() < static_cast<std::size_t>(sent)) && std::chrono::steady_clock::now() < end) {
    reader.restart();
    reader.poll();
    text += s.text();
  }
  BOOST_TEST(left == 0);
  BOOST_TEST(count() == static_cast<std::size_t>(sent));

  std::vector<int> last(senders, -1);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto stop = text.find("\n\n", at);
    BOOST_REQUIRE(stop != std::string::npos);
    int n = -1, i = -1;
    BOOST_REQUIRE(std::sscanf(text.substr(at, stop - at).c_str(), "event: s%d\ndata: %d", &n, &i) == 2);
    BOOST_REQUIRE((n >= 0 && n < senders));
    BOOST_TEST(i > last[static_cast<std::size_t>(n)]);
    last[static_cast<std::size_t>(n)] = i;
    at = stop + 2;
  }
  s.core.reset();
  s.stream.close_now();
  s.stream = sse::event_stream();
  for (auto& l : others) l.end();
  home.end();
}

BOOST_AUTO_TEST_CASE(a_stream_may_end_while_others_send) {
  for (int round = 0; round < 30; ++round) {
    lane home, other;
    asio::io_context reader(1);
    far_stream s(home.ioc.get_executor(), reader.get_executor());
    std::atomic<bool> over{false};
    auto body = [&]() -> task<> {
      const event e("x");
      for (bool open = true; open;) {
        const auto r = co_await s.stream.try_send(e);
        open = r.has_value();
      }
    };
    asio::co_spawn(other.ioc, std::move(body), [&](std::exception_ptr) { over = true; });
    std::this_thread::yield();
    if (round % 3 == 0) s.stream.close_now();
    if (round % 3 == 1) s.stream.start_close(1s);
    if (round % 3 == 2) s.near->reset();
    const auto end = std::chrono::steady_clock::now() + watchdog;
    while (!over && std::chrono::steady_clock::now() < end) {
      reader.restart();
      reader.poll();
      s.receive();
      s.raw.clear();
    }
    BOOST_TEST(over);
    s.far->close();
    s.core.reset();
    s.stream = sse::event_stream();
    other.end();
    home.end();
  }
}

BOOST_AUTO_TEST_SUITE_END()
