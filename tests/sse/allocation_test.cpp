// Every allocation of the process is counted; the steady state must have none.

#include "io/socket_transport.hpp"
#include "sse/streams.hpp"

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstdlib>
#include <new>

namespace {

std::size_t allocations = 0;
std::size_t frames = 0;  // of coroutines, that Asio has not recycled

}  // namespace

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

// The pool of message memory uses malloc, the rest operator new, which ends in it.
extern "C" void* malloc(std::size_t n) {
  ++allocations;
  return __libc_malloc(n);
}

// Where Asio gets the frames of coroutines.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t n) {
  ++frames;
  return __libc_memalign(alignment, n);
}

namespace coax::test {
namespace {

using sse::event;

void sending_allocates_nothing(std::size_t size, int in_turn, bool gzip) {
  asio::io_context ioc(1);
  asio::local::stream_protocol::socket a(ioc), b(ioc);
  asio::local::connect_pair(a, b);
  coax::detail::event_settings settings({}, http::framing::chunked, {});
  if (gzip) settings.gzip.emplace();
  sse::event_stream s(
      coax::detail::event_connection::create(coax::detail::make_unix_transport(std::move(a)), settings));
  std::size_t during = 0, frames_during = 0;
  run(ioc, [&]() -> task<> {
    const event e = event(std::string(size, 'x')).type("tick").id("a long enough event id to be on the heap");
    char chunk[64 * 1024];
    for (int phase = 0; phase < 2; ++phase) {
      const std::size_t before = allocations, frames_before = frames;
      for (int i = 0; i < 1000; ++i) {
        for (int k = 0; k < in_turn; ++k) co_await s.send(e);
        for (std::size_t n = sizeof chunk; n == sizeof chunk;)
          n = co_await b.async_read_some(asio::buffer(chunk), asio::use_awaitable);
      }
      during = allocations - before;
      frames_during = frames - frames_before;
    }
  });
  BOOST_TEST(during == 0U);
  // That of the read is the test's.
  BOOST_TEST(frames_during <= 1000U);
  BOOST_TEST(s.buffered_amount() == 0U);
}

BOOST_AUTO_TEST_CASE(an_event_allocates_nothing) {
  sending_allocates_nothing(40, 1, false);
  sending_allocates_nothing(40, 10, false);
  sending_allocates_nothing(2000, 3, false);
}

BOOST_AUTO_TEST_CASE(a_compressed_event_allocates_nothing) { sending_allocates_nothing(40, 3, true); }

}  // namespace
}  // namespace coax::test
