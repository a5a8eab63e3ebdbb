#include "adapters/sockets.hpp"
#include "websocket/peers.hpp"
#include <coax/pipe.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

BOOST_AUTO_TEST_SUITE(pipes)

using namespace coax;
using namespace coax::test;

namespace {

/// left <-> a | pipe | b <-> right
struct plumbing {
  explicit plumbing(asio::io_context& ioc) : plumbing(unix_pair(ioc), unix_pair(ioc)) {}
  plumbing(std::pair<unix_socket, unix_socket> l, std::pair<unix_socket, unix_socket> r)
      : left(std::move(l.first)), a(std::move(l.second)), b(std::move(r.first)), right(std::move(r.second)) {}

  unix_socket left, a, b, right;
};

void end_output(unix_socket& s) { s.shutdown(unix_socket::shutdown_send); }

task<std::string> send_and_end(unix_socket& s, std::string bytes) {
  const auto ec = co_await send_all(s, bytes);
  BOOST_TEST(!ec, ec.message());
  end_output(s);
  co_return bytes;
}

/// Runs a pipe beside the test.
struct running {
  running(asio::io_context& ioc, plumbing& p, pipe_options options = {}, context ctx = {}) {
    auto run = [this, &p, options, ctx]() -> task<> { result = co_await pipe(p.a, p.b, options, ctx); };
    ended = beside(ioc.get_executor(), std::move(run));
  }
  task<> wait() {
    while (!*ended) co_await settle(1);
  }

  pipe_result result;
  std::shared_ptr<bool> ended;
};

}  // namespace

COAX_SCENARIO_TEST(bytes_go_both_ways_to_the_end) {
  plumbing p(ioc);
  running moved(ioc, p);
  co_await send_and_end(p.left, "question");
  const auto question = co_await receive_all(p.right);
  co_await send_and_end(p.right, "the answer");
  const auto answer = co_await receive_all(p.left);
  co_await moved.wait();

  BOOST_TEST(question == "question");
  BOOST_TEST(answer == "the answer");
  BOOST_TEST(moved.result.forth.bytes == 8u);
  BOOST_TEST(moved.result.back.bytes == 10u);
  for (const auto* flow : {&moved.result.forth, &moved.result.back}) {
    BOOST_TEST((flow->outcome == pipe_outcome::finished));
    BOOST_TEST(!flow->error);
    BOOST_TEST(flow->unsent.empty());
  }
}

COAX_CORO_TEST(large_transfers_arrive_whole_with_any_size_of_buffer) {
  for (const std::size_t size : {std::size_t(1), std::size_t(1000), std::size_t(64 * 1024), std::size_t(1024 * 1024)}) {
    plumbing p(ioc);
    const auto forth = pattern(size == 1 ? 20'000 : 3'000'000, 1);
    const auto back = pattern(size == 1 ? 10'000 : 2'000'000, 2);
    running moved(ioc, p, pipe_options().buffer_size(size));
    std::string at_right, at_left;
    co_await all([](unix_socket& s, std::string b) -> task<> { co_await send_and_end(s, b); }(p.left, forth),
                 [](unix_socket& s, std::string b) -> task<> { co_await send_and_end(s, b); }(p.right, back),
                 [](unix_socket& s, std::string& b) -> task<> { b = co_await receive_all(s); }(p.right, at_right),
                 [](unix_socket& s, std::string& b) -> task<> { b = co_await receive_all(s); }(p.left, at_left));
    co_await moved.wait();
    BOOST_TEST((at_right == forth));
    BOOST_TEST((at_left == back));
    BOOST_TEST(moved.result.forth.bytes == forth.size());
  }
}

COAX_SCENARIO_TEST(the_end_of_one_direction_leaves_the_other_open) {
  plumbing p(ioc);
  running moved(ioc, p);
  end_output(p.right);
  const auto nothing = co_await receive_all(p.left);
  BOOST_TEST(nothing.empty());

  co_await send_and_end(p.left, "still flows");
  const auto got = co_await receive_all(p.right);
  BOOST_TEST(got == "still flows");
  co_await moved.wait();
}

COAX_SCENARIO_TEST(stopping_a_pipe_leaves_both_streams_open) {
  plumbing p(ioc);
  std::stop_source stop;
  running moved(ioc, p, {}, stop.get_token());
  co_await send_all(p.left, "one");
  const auto one = co_await receive(p.right, 3);
  stop.request_stop();
  co_await moved.wait();
  BOOST_TEST(one == "one");
  for (const auto* flow : {&moved.result.forth, &moved.result.back}) {
    BOOST_TEST((flow->outcome == pipe_outcome::stopped));
    BOOST_TEST((flow->error == errc::canceled));
  }

  co_await send_all(p.left, "two");
  const auto two = co_await receive(p.a, 3);
  BOOST_TEST(two == "two");
}

COAX_CORO_TEST(no_byte_is_lost_over_many_stops) {
  plumbing p(ioc);
  const auto sent = pattern(4'000'000);
  const auto writer = beside(ioc.get_executor(), [&]() -> task<> { co_await send_and_end(p.left, sent); });
  std::string got;
  const auto reader = beside(ioc.get_executor(), [&]() -> task<> { got = co_await receive_all(p.right); });
  int stops = 0;
  for (bool finished = false; !finished; ++stops) {
    std::stop_source stop;
    running moved(ioc, p, {}, stop.get_token());
    co_await settle(stops % 40);
    stop.request_stop();
    co_await moved.wait();
    const auto& rest = moved.result.forth.unsent;
    const auto ec = co_await send_all(p.b, rest);
    BOOST_TEST(!ec);
    finished = moved.result.forth.outcome == pipe_outcome::finished;
  }
  while (!*reader) co_await settle(1);
  BOOST_TEST((got == sent));
  BOOST_TEST(stops > 10);
}

COAX_CORO_TEST(a_deadline_and_cancellation_by_asio_end_a_pipe_as_well) {
  using namespace asio::experimental::awaitable_operators;
  plumbing p(ioc);
  const auto late = context().with_timeout(1ms);
  const auto r = co_await pipe(p.a, p.b, late);
  BOOST_TEST((r.forth.error == errc::deadline_exceeded));
  BOOST_TEST((r.back.error == errc::deadline_exceeded));

  asio::steady_timer soon(ioc, 1ms);
  const auto first = co_await (pipe(p.a, p.b) || soon.async_wait(asio::use_awaitable));
  BOOST_TEST(first.index() == 1u);

  co_await send_all(p.left, "here");
  const auto got = co_await receive(p.a, 4);
  BOOST_TEST(got == "here");
}

COAX_SCENARIO_TEST(a_context_that_has_stopped_moves_nothing) {
  plumbing p(ioc);
  co_await send_all(p.left, "here");
  std::stop_source stop;
  stop.request_stop();
  const auto r = co_await pipe(p.a, p.b, stop.get_token());
  BOOST_TEST((r.forth.error == errc::canceled));
  const auto got = co_await receive(p.a, 4);
  BOOST_TEST(got == "here");
}

COAX_CORO_TEST(a_slow_sink_holds_the_source_back) {
  plumbing p(ioc);
  std::stop_source stop;
  running moved(ioc, p, pipe_options().buffer_size(1000), stop.get_token());
  const auto writer = beside(ioc.get_executor(), [&]() -> task<> { co_await send_all(p.left, pattern(3'000'000)); });
  co_await settle(5000);
  BOOST_TEST(!*writer);
  stop.request_stop();
  co_await moved.wait();
  BOOST_TEST(moved.result.forth.unsent.size() <= 1000u);
  p.left.close();
}

COAX_CORO_TEST(a_source_that_fails_stops_the_other_direction) {
  auto l = tcp_pair(ioc);
  auto r = unix_pair(ioc);
  l.first.set_option(asio::socket_base::linger(true, 0));
  l.first.close();  // a reset
  const auto moved = co_await pipe(l.second, r.first);
  BOOST_TEST((moved.forth.outcome == pipe_outcome::read_failed));
  BOOST_TEST((moved.forth.error == asio::error::connection_reset));
  BOOST_TEST((moved.back.outcome == pipe_outcome::stopped));
  BOOST_TEST((moved.back.error == errc::canceled));
}

COAX_CORO_TEST(the_last_words_of_a_sink_that_fails_are_passed_on) {
  plumbing p(ioc);
  // No more than a socket takes of a peer that does not read, whatever the reactor.
  const auto words = pattern(30'000);
  co_await send_all(p.right, words);
  p.right.shutdown(unix_socket::shutdown_receive);
  co_await send_all(p.left, "too late");
  const auto moved = co_await pipe(p.a, p.b);
  BOOST_TEST((moved.forth.outcome == pipe_outcome::write_failed));
  BOOST_TEST((moved.forth.error == asio::error::broken_pipe));
  BOOST_TEST(moved.forth.unsent == "too late");
  BOOST_TEST((moved.back.outcome == pipe_outcome::stopped));
  BOOST_TEST(moved.back.bytes == words.size());
  const auto got = co_await receive(p.left, words.size());
  BOOST_TEST((got == words));
}

COAX_CORO_TEST(progress_tells_the_bytes_of_both_directions) {
  plumbing p(ioc);
  std::uint64_t forth = 0, back = 0;
  running moved(ioc, p, pipe_options().on_progress([&](std::uint64_t f, std::uint64_t b) {
    BOOST_TEST(f >= forth);
    BOOST_TEST(b >= back);
    forth = f;
    back = b;
  }));
  co_await send_and_end(p.right, "123");
  co_await send_and_end(p.left, pattern(100'000));
  const auto got = co_await receive_all(p.right);
  co_await moved.wait();
  BOOST_TEST(forth == 100'000u);
  BOOST_TEST(back == 3u);
}

// A descriptor has no half-close; a program's two standard streams have: closing the one that is written.
struct stdio {
  explicit stdio(asio::io_context& ioc) : in(ioc), out(ioc) {}
  auto get_executor() { return in.get_executor(); }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& to, Token&& token) {
    return in.async_read_some(to, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& from, Token&& token) {
    return out.async_write_some(from, std::forward<Token>(token));
  }
  void close_write() { out.close(); }

  asio::posix::stream_descriptor in, out;
};

COAX_SCENARIO_TEST(a_stream_of_ones_own_says_its_end_by_close_write) {
  int input[2], output[2];
  BOOST_REQUIRE(::pipe(input) == 0 && ::pipe(output) == 0);
  stdio program(ioc);
  program.in.assign(input[0]);
  program.out.assign(output[1]);
  asio::posix::stream_descriptor typed(ioc, input[1]), shown(ioc, output[0]);
  auto socket = unix_pair(ioc);

  auto run = [&]() -> task<> { co_await coax::pipe(program, socket.first); };
  const auto ended = beside(ioc.get_executor(), run);
  co_await send_all(typed, "typed");
  typed.close();
  const auto arrived = co_await receive_all(socket.second);
  co_await send_and_end(socket.second, "shown");
  const auto read = co_await receive_all(shown);
  while (!*ended) co_await settle(1);
  BOOST_TEST(arrived == "typed");
  BOOST_TEST(read == "shown");
}

BOOST_AUTO_TEST_SUITE_END()
