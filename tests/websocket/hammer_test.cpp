#define BOOST_TEST_MODULE hammer
#include "io/socket_transport.hpp"
#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include "websocket/peers.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

// Random stops from another thread against reads and writes of random sizes, both ways at once: no byte may be lost,
// doubled or moved, and no frame broken. COAX_LONG=1 runs a million operations and more on every transport.

namespace coax::test {
namespace {

using protocol::role;
using transports = std::pair<std::shared_ptr<transport>, std::shared_ptr<transport>>;

// A message says its number and is filled with bytes that follow from it.
std::string numbered(std::uint64_t n, std::size_t size) {
  std::string s = std::to_string(n) + ":" + std::to_string(size) + ":";
  return s + pattern(size, static_cast<unsigned>(n));
}

// Stops whatever source was hung up last, at random moments, from a thread of its own.
class stopper {
 public:
  stopper() : thread_([this] { run(); }) {}
  ~stopper() {
    done_ = true;
    thread_.join();
    for (auto& s : slots_) delete s.exchange(nullptr);
  }
  // A token that is going to be stopped sooner or later, unless the next one of `slot` comes first.
  std::stop_token token(std::size_t slot) {
    auto source = std::make_unique<std::stop_source>();
    auto t = source->get_token();
    delete slots_[slot].exchange(source.release());
    return t;
  }

 private:
  void run() {
    std::minstd_rand random(11);
    while (!done_) {
      auto& slot = slots_[random() % std::size(slots_)];
      if (auto* s = slot.exchange(nullptr)) {
        s->request_stop();
        delete s;
      }
      for (auto spin = random() % 200; spin != 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (random() % 16 == 0) std::this_thread::yield();
    }
  }

  std::atomic<std::stop_source*> slots_[4] = {};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

struct tally {
  std::uint64_t operations = 0, stopped_reads = 0, withdrawn = 0, detached = 0, received = 0;
};

context random_context(std::minstd_rand& random, stopper& stops, std::size_t slot) {
  switch (random() % 4) {
    case 0: return {};
    case 1: return context().with_timeout(std::chrono::microseconds(random() % 300));
    default: return stops.token(slot);
  }
}

// Sends numbered messages until `operations` writes were tried. A write that was stopped and not sent is no message.
task<> write_side(conn& c, std::uint64_t operations, stopper& stops, std::size_t slot, tally& t) {
  std::minstd_rand random(static_cast<unsigned>(slot + 1));
  for (std::uint64_t next = 0; t.operations < operations; ++t.operations) {
    const auto size = random() % 40 == 0 ? random() % 150000 : random() % 300;
    auto text = std::make_unique<std::string>(numbered(next, size));
    const context ctx = random_context(random, stops, slot);
    const auto w = co_await c.try_write(message_kind::text, buffer(*text), ctx);
    text->assign(text->size(), '#');  // what leaves from here on must have been copied
    if (w || was_sent(w.error())) ++next;
    if (w) continue;
    if (was_sent(w.error()))
      ++t.detached;
    else if (w.error() == std::errc::operation_canceled || w.error() == std::errc::timed_out)
      ++t.withdrawn;
    else
      throw system_error(w.error(), "hammer: write");
  }
  c.start_close();
}

task<> read_side(conn& c, stopper& stops, std::size_t slot, tally& t) {
  std::minstd_rand random(static_cast<unsigned>(slot + 101));
  for (std::uint64_t next = 0;; ++t.operations) {
    const context ctx = random_context(random, stops, slot);
    const auto m = co_await c.try_read(ctx);
    if (!m) {
      if (m.error() == errc::closed) break;
      if (m.error() != std::errc::operation_canceled && m.error() != std::errc::timed_out)
        throw system_error(m.error(), "hammer: read");
      ++t.stopped_reads;
      continue;
    }
    ++t.received;
    const auto colon = m->text().find(':'), second = m->text().find(':', colon + 1);
    const auto size = std::stoull(std::string(m->text().substr(colon + 1, second - colon - 1)));
    if (m->text() != numbered(next++, size)) throw std::runtime_error("hammer: lost, doubled or damaged message");
  }
}

template <class T>
void wait_for(asio::io_context& ioc, std::future<T>& f) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  while (f.wait_for(0s) != std::future_status::ready && std::chrono::steady_clock::now() < end) ioc.run_for(10ms);
  BOOST_REQUIRE((f.wait_for(0s) == std::future_status::ready));
  f.get();
}

// `operations` writes at one end, and at the other as many reads as it takes.
void hammer(asio::io_context& ioc, conn& from, conn& to, std::uint64_t operations) {
  ioc.restart();  // it may have run before, to set up the pair
  stopper stops;
  tally written, read;
  auto w = asio::co_spawn(
      ioc, [&]() -> task<> { co_await write_side(from, operations, stops, 0, written); }, asio::use_future);
  auto r = asio::co_spawn(
      ioc, [&]() -> task<> { co_await read_side(to, stops, 1, read); }, asio::use_future);
  wait_for(ioc, r);
  wait_for(ioc, w);
  BOOST_TEST(read.received > 0u);
  BOOST_TEST(read.stopped_reads > 0u);
  BOOST_TEST(written.withdrawn + written.detached > 0u);
  BOOST_TEST(read.received == written.operations - written.withdrawn);
  BOOST_TEST_MESSAGE("writes " << written.operations << " (withdrawn " << written.withdrawn << ", detached "
                               << written.detached << "), reads " << read.operations << " (stopped "
                               << read.stopped_reads << "), received " << read.received);
}

// Both directions, one after the other, so that the writer's close can end the reader.
template <class MakePair>
void hammer_both_ways(MakePair make_pair, std::uint64_t operations) {
  for (const auto from : {role::server, role::client}) {
    asio::io_context ioc(1);
    const transports ends = make_pair(ioc);
    const auto o = options().read_limit(0).send_queue_limit(20000).keepalive(0s);
    conn server = over(ends.first, role::server, o), client = over(ends.second, role::client, o);
    if (from == role::server)
      hammer(ioc, server, client, operations);
    else
      hammer(ioc, client, server, operations);
  }
}

std::uint64_t operations() {
  const char* how_long = std::getenv("COAX_LONG");
  return how_long && *how_long == '1' ? 200000 : 5000;
}

transports tcp_pair(asio::io_context& ioc) {
  asio::ip::tcp::acceptor acceptor(ioc, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket a(ioc), b(ioc);
  b.connect(acceptor.local_endpoint());
  acceptor.accept(a);
  return {coax::detail::make_tcp_transport(std::move(a)), coax::detail::make_tcp_transport(std::move(b))};
}

transports tls_pair(asio::io_context& ioc) {
  auto lower = tcp_pair(ioc);
  transports upper;
  const auto server = server_tls(), client = client_tls();
  beside(ioc.get_executor(), [&]() -> task<> {
    auto t = co_await coax::detail::tls_accept(lower.first, *server, context());
    upper.first = t.value();
  });
  run(ioc, [&]() -> task<> {
    auto t = co_await coax::detail::tls_connect(lower.second, *client, "localhost", coax::detail::tls_verify::peer,
                                                context());
    upper.second = t.value();
    while (!upper.first) co_await settle(1);
  });
  return upper;
}

transports faulty_pair(asio::io_context& ioc) {
  const auto [a, b] =
      testing::memory_pair(ioc.get_executor(), ioc.get_executor(), testing::faults().random_sizes(17).capacity(30000));
  return {a, b};
}

BOOST_AUTO_TEST_CASE(over_a_faulty_pair_in_memory) { hammer_both_ways(faulty_pair, operations()); }
BOOST_AUTO_TEST_CASE(over_tcp) { hammer_both_ways(tcp_pair, operations()); }
BOOST_AUTO_TEST_CASE(over_tls) { hammer_both_ways(tls_pair, operations()); }

}  // namespace
}  // namespace coax::test
