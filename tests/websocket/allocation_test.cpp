#include "io/socket_transport.hpp"
#include "protocol/wire_bytes.hpp"
#include "websocket/peers.hpp"

#include <boost/asio/local/connect_pair.hpp>

#include <cstdlib>
#include <functional>
#include <new>

// Every allocation of the process is counted; the steady state must have none.

namespace {

std::size_t allocations = 0;
std::size_t frames = 0;          // of coroutines, that Asio has not recycled
std::size_t largest = SIZE_MAX;  // what is larger is not to be had

}  // namespace

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

// The pool of message memory uses malloc, the rest operator new, which ends in it.
extern "C" void* malloc(std::size_t n) {
  ++allocations;
  if (n > largest) return nullptr;
  return __libc_malloc(n);
}

// Where Asio gets the frames of coroutines.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t n) {
  ++frames;
  return __libc_memalign(alignment, n);
}

namespace coax::test {
namespace {

using protocol::role;

struct steady_state {
  std::size_t messages, size, in_flight;
  deflate_mode deflate = deflate_mode::off;
};

// Echoes `s.messages` messages twice, between two connections over a Unix socket; the second round is counted.
void echo_allocates_nothing(const steady_state& s, const std::function<context()>& read_context) {
  asio::io_context ioc(1);
  asio::local::stream_protocol::socket a(ioc), b(ioc);
  asio::local::connect_pair(a, b);
  const auto how = options().read_limit(0).deflate(s.deflate);
  conn server = over(coax::detail::make_unix_transport(std::move(a)), role::server, how);
  conn client = over(coax::detail::make_unix_transport(std::move(b)), role::client, how);
  beside(ioc.get_executor(), [&]() -> task<> {
    while (auto m = co_await server.next()) co_await server.write(m->kind(), m->data());
  });
  std::size_t during = 0, frames_during = 0;
  run(ioc, [&]() -> task<> {
    const std::string text = pattern(s.size);
    for (int phase = 0; phase < 2; ++phase) {
      const std::size_t before = allocations, frames_before = frames;
      for (std::size_t i = 0; i < s.messages; i += s.in_flight) {
        for (std::size_t k = 0; k < s.in_flight; ++k) co_await client.write_text(text);
        for (std::size_t k = 0; k < s.in_flight; ++k) {
          const auto m = co_await client.read(read_context());
          if (m.size() != s.size) throw std::runtime_error("wrong echo");
        }
      }
      during = allocations - before;
      frames_during = frames - frames_before;
    }
    co_await client.close();
  });
  BOOST_TEST_MESSAGE(s.size << " bytes, " << s.in_flight << " in flight: " << during << " allocations and "
                            << frames_during << " frames for " << s.messages << " echoes");
  BOOST_TEST(during == 0u);
  // A larger message waits in the queue of writes, three coroutines deep, and Asio recycles two frames of a thread.
  if (s.size <= 16 * 1024) BOOST_TEST(frames_during == 0u);
}

context no_context() { return {}; }

BOOST_AUTO_TEST_CASE(an_echo_of_64_bytes_allocates_nothing) {
  echo_allocates_nothing({10000, 64, 1}, no_context);
  echo_allocates_nothing({16000, 64, 16}, no_context);
}

BOOST_AUTO_TEST_CASE(an_echo_of_16_kib_allocates_nothing) { echo_allocates_nothing({2000, 16 * 1024, 1}, no_context); }

BOOST_AUTO_TEST_CASE(a_compressed_echo_allocates_nothing) {
  for (const auto mode : {deflate_mode::context_takeover, deflate_mode::no_context_takeover}) {
    echo_allocates_nothing({1000, 1024, 1, mode}, no_context);
    echo_allocates_nothing({1600, 1024, 16, mode}, no_context);
    echo_allocates_nothing({100, 64 * 1024, 1, mode}, no_context);
  }
}

// Half of it has been compressed when there is no more room for the rest.
COAX_CORO_TEST(a_message_that_there_is_no_memory_for_leaves_no_trace_in_the_window) {
  peers p(ioc, options().read_limit(0).deflate(deflate_mode::context_takeover));
  const auto bytes = protocol::test::noise(200'000);
  largest = 100'000;
  bool failed = false;
  try {
    co_await p.client.write(message_kind::binary, buffer(bytes));
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  largest = SIZE_MAX;
  BOOST_TEST(failed);

  const auto again = beside(ioc.get_executor(), [&]() -> task<> {
    co_await p.client.write(message_kind::binary, buffer(bytes));
    co_await p.client.write(message_kind::text, buffer(""), compression::always);
  });
  auto m = co_await p.server.read();
  BOOST_TEST((m.text() == bytes));
  m = co_await p.server.read();
  BOOST_TEST(m.text() == "");
  while (!*again) co_await settle(1);
}

BOOST_AUTO_TEST_CASE(a_read_with_a_deadline_and_a_token_allocates_nothing) {
  std::stop_source source;
  const context ctx(source.get_token());
  echo_allocates_nothing({1000, 64, 1}, [&] { return ctx.with_timeout(10s); });
}

}  // namespace
}  // namespace coax::test
