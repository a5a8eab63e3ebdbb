/// Pairs of connections to be hammered, and what stops their operations at random.
#pragma once

#include "io/socket_transport.hpp"
#include "io/tls_transport.hpp"
#include "support/certificates.hpp"
#include "websocket/peers.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <cstdlib>
#include <future>
#include <memory>
#include <random>
#include <thread>

namespace coax::test {

using protocol::role;
using transports = std::pair<std::shared_ptr<transport>, std::shared_ptr<transport>>;

/// Stops whatever source was hung up last, at random moments, from a thread of its own.
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

/// COAX_LONG=1 makes it a million operations and more on all transports together.
inline bool is_long() {
  const char* how_long = std::getenv("COAX_LONG");
  return how_long && *how_long == '1';
}

inline std::uint64_t operations() { return is_long() ? 200000 : 5000; }

/// Runs `ioc` until `f` is there.
template <class T>
void wait_for(asio::io_context& ioc, std::future<T>& f) {
  const auto end =
      std::chrono::steady_clock::now() + (is_long() ? std::chrono::minutes(120) : std::chrono::minutes(10));
  while (f.wait_for(0s) != std::future_status::ready && std::chrono::steady_clock::now() < end) ioc.run_for(10ms);
  BOOST_REQUIRE((f.wait_for(0s) == std::future_status::ready));
  f.get();
}

inline transports tcp_pair(asio::io_context& ioc) {
  asio::ip::tcp::acceptor acceptor(ioc, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket a(ioc), b(ioc);
  b.connect(acceptor.local_endpoint());
  acceptor.accept(a);
  return {coax::detail::make_tcp_transport(std::move(a)), coax::detail::make_tcp_transport(std::move(b))};
}

inline transports tls_pair(asio::io_context& ioc) {
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

inline transports faulty_pair(asio::io_context& ioc) {
  const auto [a, b] =
      testing::memory_pair(ioc.get_executor(), ioc.get_executor(), testing::faults().random_sizes(17).capacity(30000));
  return {a, b};
}

}  // namespace coax::test
