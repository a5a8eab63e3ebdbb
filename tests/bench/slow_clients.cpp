// What slow clients do to the others: how long a message of a hub takes to 10,000 connections that all read, and to the
// healthy ones among 10,000 of which 1 % never read and 1 % read 1 KB a second.
//
//     slow_clients p50|p99|memory [SECONDS]
//
// One round, a line of JSON for each row, for tests/bench/run. A child process is the clients; it tells the time of a
// message from the stamp in it, since both have the same clock. `memory` is what the hub's process has grown by, in
// KiB, from the attached peers to the end.

#include "bench/load/posix.hpp"
#include "support/connections.hpp"
#include <coax/hub.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using bench::check;

constexpr std::size_t connections = 10'000;
constexpr std::size_t slow_connections = connections / 50, queue_length = 64;
constexpr std::size_t payload = 256, frame = payload + 4;
constexpr auto interval = 250ms;

std::uint64_t stamp() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// Takes the stamps out of frames of one size, however they are cut.
class reader {
 public:
  void take(const char* bytes, std::size_t n, std::vector<double>& micros) {
    for (const auto time = stamp(); n != 0;) {
      const auto part = std::min(n, at_ < 12 ? 12 - at_ : frame - at_);
      if (at_ < 12) std::memcpy(head_.data() + at_, bytes, part);
      bytes += part;
      n -= part;
      at_ += part;
      if (at_ == 12) {
        std::uint64_t sent = 0;
        std::memcpy(&sent, head_.data() + 4, sizeof sent);
        if (sent != 0) micros.push_back(static_cast<double>(time - sent) / 1000);
      }
      at_ %= frame;
    }
  }

 private:
  std::size_t at_ = 0;
  std::array<char, 12> head_{};
};

enum class kind { healthy, never, slow };

kind kind_of(std::size_t i, bool some_slow) {
  if (!some_slow || i % 100 > 1) return kind::healthy;
  return i % 100 == 0 ? kind::never : kind::slow;
}

// The clients, until the server says that it is over; then the median and the 99th percentile.
[[noreturn]] void read_all(std::vector<tcp::socket>& sockets, bool some_slow, int control, int results) {
  const int set = check(epoll_create1(0), "epoll_create1");
  const auto watch = [set](int fd, std::uint64_t number) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = number;
    check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
  };
  std::vector<int> slow;
  for (std::size_t i = 0; i != sockets.size(); ++i) {
    const auto k = kind_of(i, some_slow);
    if (k == kind::healthy) watch(sockets[i].native_handle(), i);
    if (k == kind::slow) slow.push_back(sockets[i].native_handle());
  }
  watch(control, sockets.size());
  std::vector<reader> readers(sockets.size());
  std::vector<double> micros;
  std::vector<char> bytes(64 * 1024);
  epoll_event ready[256];
  for (auto next_sip = std::chrono::steady_clock::now() + 1s;;) {
    const int n = check(epoll_wait(set, ready, 256, 100), "epoll_wait");
    for (int i = 0; i < n; ++i) {
      const auto number = static_cast<std::size_t>(ready[i].data.u64);
      if (number == sockets.size()) {
        std::array<double, 3> told{0, 0, static_cast<double>(micros.size())};
        std::sort(micros.begin(), micros.end());
        if (!micros.empty()) told = {micros[micros.size() / 2], micros[micros.size() * 99 / 100], told[2]};
        check(static_cast<int>(write(results, told.data(), sizeof told)), "write");
        std::_Exit(0);
      }
      const auto got = read(sockets[number].native_handle(), bytes.data(), bytes.size());
      if (got > 0) readers[number].take(bytes.data(), static_cast<std::size_t>(got), micros);
      if (got == 0) check(epoll_ctl(set, EPOLL_CTL_DEL, sockets[number].native_handle(), nullptr), "epoll_ctl");
    }
    if (std::chrono::steady_clock::now() < next_sip) continue;
    next_sip += 1s;
    for (const int fd : slow) [[maybe_unused]] const auto got = recv(fd, bytes.data(), 1024, MSG_DONTWAIT);
  }
}

double resident_kib() {
  std::ifstream statm("/proc/self/statm");
  long long total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGE_SIZE)) / 1024;
}

coax::task<> publish(coax::hub& hub, std::chrono::seconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  std::array<char, payload> message{};
  // What fills the buffers of those that do not read, and is not measured.
  for (int i = 0; i != 100; ++i) {
    hub.publish("quotes", coax::message_kind::binary, asio::buffer(message));
    while (hub.stats().queued > slow_connections * queue_length) {
      timer.expires_after(10ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }
  timer.expires_after(1s);
  co_await timer.async_wait(asio::use_awaitable);
  const auto end = std::chrono::steady_clock::now() + time;
  for (auto at = std::chrono::steady_clock::now(); at < end; at += interval) {
    timer.expires_at(at);
    co_await timer.async_wait(asio::use_awaitable);
    const auto now = stamp();
    std::memcpy(message.data(), &now, sizeof now);
    hub.publish("quotes", coax::message_kind::binary, asio::buffer(message));
  }
  timer.expires_after(1s);  // for the last of them
  co_await timer.async_wait(asio::use_awaitable);
}

struct outcome {
  double p50 = 0, p99 = 0, deliveries = 0, grown_kib = 0;
};

outcome measure(bool some_slow, std::chrono::seconds time) {
  asio::io_context ioc(1);
  tcp::acceptor listener(ioc, {asio::ip::address_v4::loopback(), 0});
  listener.listen(4096);
  std::vector<tcp::socket> far;
  coax::hub hub(coax::queue_limits().messages(queue_length).on_full(coax::overflow::drop_oldest).stall(1h));
  std::vector<coax::peer> peers;
  std::vector<coax::membership> members;
  int control[2], results[2];
  check(pipe(control), "pipe");
  check(pipe(results), "pipe");
  // The far ends are opened by the child, or one process would need twice the descriptors.
  const auto endpoint = listener.local_endpoint();
  const pid_t child = check(fork(), "fork");
  if (child == 0) {
    asio::io_context mine;
    listener.close();
    for (std::size_t i = 0; i != connections; ++i) {
      auto& s = far.emplace_back(mine, tcp::v4());
      s.set_option(tcp::socket::receive_buffer_size(4096));
      s.connect(endpoint);
    }
    read_all(far, some_slow, control[0], results[1]);
  }
  const auto options = coax::test::options();
  for (std::size_t i = 0; i != connections; ++i) {
    auto s = listener.accept();
    s.set_option(tcp::no_delay(true));
    s.set_option(tcp::socket::send_buffer_size(8192));
    auto c = coax::test::over(coax::make_transport(std::move(s)), coax::protocol::role::server, options);
    members.push_back(peers.emplace_back(hub.attach(std::move(c))).join("quotes"));
  }
  const double before = resident_kib();
  auto work = [&]() -> coax::task<> { co_await publish(hub, time); };
  std::exception_ptr failure;
  asio::co_spawn(ioc, work, [&](std::exception_ptr e) {
    failure = e;
    ioc.stop();
  });
  ioc.run();
  if (failure) std::rethrow_exception(failure);
  outcome o;
  o.grown_kib = resident_kib() - before;
  check(static_cast<int>(write(control[1], "x", 1)), "write");
  std::array<double, 3> told{};
  check(static_cast<int>(read(results[0], told.data(), sizeof told)), "read");
  waitpid(child, nullptr, 0);
  for (const int fd : {control[0], control[1], results[0], results[1]}) close(fd);
  o.p50 = told[0];
  o.p99 = told[1];
  o.deliveries = told[2];
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view what = argc > 1 ? argv[1] : "p50";
  const std::chrono::seconds time(argc > 2 ? std::atoi(argv[2]) : 10);
  for (const bool some_slow : {false, true}) {
    const auto o = measure(some_slow, time);
    const double cost = what == "memory" ? o.grown_kib : what == "p99" ? o.p99 : o.p50;
    std::printf("{\"name\": \"%s\", \"cost\": %.1f, \"deliveries\": %.0f}\n",
                some_slow ? "1 % never read, 1 % read 1 KB/s" : "all read", cost, o.deliveries);
    std::fflush(stdout);
  }
}
