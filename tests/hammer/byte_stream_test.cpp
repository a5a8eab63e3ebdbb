#include "hammer/hammer.hpp"
#include <coax/byte_stream.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

// Random cancels and deadlines against reads and writes of byte streams, both ways at once: every byte comes once and
// in its place, and the end behind the last one.

namespace coax::test {
namespace {

BOOST_AUTO_TEST_SUITE(byte_streams)

// What stands at `place` of the stream.
char byte_at(std::uint64_t place) { return static_cast<char>(place * 2654435761u >> 13); }

struct outcome {
  error_code ec;
  std::size_t size = 0;
};

// Runs an operation, which `start` begins with the handler it is given, and mostly does not wait for its end.
template <class Start>
task<outcome> attempt(byte_stream& s, std::minstd_rand& random, Start start) {
  asio::cancellation_signal signal;
  outcome o;
  bool done = false;
  const auto how = random() % 8;
  if (how == 0)
    s.expires_after(std::chrono::microseconds(random() % 300));
  else
    s.expires_never();
  start(asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, std::size_t n) {
    o.ec = ec;
    o.size = n;
    done = true;
  }));
  if (how >= 3) {
    co_await settle(static_cast<int>(random() % 20));
    const auto type = random() % 2 == 0 ? asio::cancellation_type::terminal : asio::cancellation_type::total;
    if (!done) signal.emit(type);
  }
  while (!done) co_await settle(1);
  co_return o;
}

struct tally {
  std::uint64_t bytes = 0, cancelled = 0, out_of_time = 0;
  void add(const outcome& o) {
    bytes += o.size;
    cancelled += o.ec == asio::error::operation_aborted;
    out_of_time += o.ec == std::errc::timed_out;
  }
  std::uint64_t stops() const { return cancelled + out_of_time; }
};

bool was_stopped(const error_code& ec) { return ec == asio::error::operation_aborted || ec == std::errc::timed_out; }

task<> write_side(byte_stream& s, std::uint64_t operations, unsigned seed, tally& t) {
  std::minstd_rand random(seed);
  for (std::uint64_t i = 0; i < operations; ++i) {
    std::string bytes(1 + (random() % 40 == 0 ? random() % 100'000 : random() % 2000), ' ');
    for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = byte_at(t.bytes + k);
    auto start = [&](auto handler) { s.async_write_some(asio::buffer(bytes), std::move(handler)); };
    const outcome o = co_await attempt(s, random, start);
    if (o.ec && !was_stopped(o.ec)) throw system_error(o.ec, "hammer: write");
    t.add(o);
    if (random() % 20 == 0) co_await settle(1000);  // the reader comes to wait
    bytes.assign(bytes.size(), '#');                // what leaves from here on must have been copied
  }
  s.close_write();
}

task<> read_side(byte_stream& s, unsigned seed, tally& t) {
  std::minstd_rand random(seed);
  for (bool open = true; open;) {
    std::string bytes(1 + random() % 5000, ' ');
    auto start = [&](auto handler) { s.async_read_some(asio::buffer(bytes), std::move(handler)); };
    const outcome o = co_await attempt(s, random, start);
    for (std::size_t k = 0; k < o.size; ++k)
      if (bytes[k] != byte_at(t.bytes + k)) throw std::runtime_error("hammer: a byte is not in its place");
    t.add(o);
    if (random() % 50 == 0) co_await settle(300);  // the writer does
    open = o.ec != asio::error::eof;
    if (open && o.ec && !was_stopped(o.ec)) throw system_error(o.ec, "hammer: read");
  }
}

template <class MakePair>
void hammer(MakePair make_pair, const deflate_options& deflate = {}) {
  asio::io_context ioc(1);
  const transports ends = make_pair(ioc);
  ioc.restart();  // it may have run before, to set up the pair
  const auto o = options().read_limit(0).send_queue_limit(20000).keepalive(0s).deflate(deflate);
  const auto bytes = byte_stream_options().max_message(30'000);
  byte_stream server(over(ends.first, role::server, o), bytes), client(over(ends.second, role::client, o), bytes);
  tally sent[2], got[2];
  const auto start = [&](auto body) { return asio::co_spawn(ioc, std::move(body), asio::use_future); };
  auto a = start([&]() -> task<> { co_await write_side(server, operations(), 1, sent[0]); });
  auto b = start([&]() -> task<> { co_await read_side(client, 2, got[0]); });
  auto c = start([&]() -> task<> { co_await write_side(client, operations(), 3, sent[1]); });
  auto d = start([&]() -> task<> { co_await read_side(server, 4, got[1]); });
  for (auto* f : {&a, &b, &c, &d}) wait_for(ioc, *f);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(got[i].bytes == sent[i].bytes);
    BOOST_TEST(got[i].bytes > 0u);
    BOOST_TEST(sent[i].stops() > 0u);
    BOOST_TEST(got[i].stops() > 0u);
    BOOST_TEST_MESSAGE(sent[i].bytes << " bytes; writes cancelled " << sent[i].cancelled << ", out of time "
                                     << sent[i].out_of_time << "; reads cancelled " << got[i].cancelled
                                     << ", out of time " << got[i].out_of_time);
  }
}

BOOST_AUTO_TEST_CASE(over_a_faulty_pair_in_memory) { hammer(faulty_pair); }
BOOST_AUTO_TEST_CASE(over_tcp) { hammer(tcp_pair); }
BOOST_AUTO_TEST_CASE(over_tls) { hammer(tls_pair); }
BOOST_AUTO_TEST_CASE(compressed_over_tcp) { hammer(tcp_pair, deflate_mode::context_takeover); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::test
