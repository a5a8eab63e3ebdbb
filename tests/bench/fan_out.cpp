// What it costs a server to send one message to a thousand subscribers: framed for each of them or prepared once, plain
// or compressed. A child process takes the bytes; the figure is the server's own CPU time per message delivered.
//
//     fan_out [ROUNDS]

#include "support/connections.hpp"
#include <coax/prepared_message.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int subscribers = 1000, messages = 50;

// Takes what comes on all of the sockets.
[[noreturn]] void drain(std::vector<tcp::socket>& sockets) {
  const int set = epoll_create1(0);
  for (auto& s : sockets) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = s.native_handle();
    epoll_ctl(set, EPOLL_CTL_ADD, s.native_handle(), &e);
  }
  std::vector<char> bytes(256 * 1024);
  epoll_event ready[64];
  for (;;) {
    const int n = epoll_wait(set, ready, 64, -1);
    for (int i = 0; i < n; ++i)
      if (read(ready[i].data.fd, bytes.data(), bytes.size()) <= 0) std::_Exit(0);
  }
}

double cpu_ns() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto ns = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
  };
  return ns(u.ru_utime) + ns(u.ru_stime);
}

// JSON of about a kilobyte, another one each time.
std::string quotes(int number) {
  std::string text = "{\"sequence\":" + std::to_string(number) + ",\"quotes\":[";
  for (int i = 0; i < 16; ++i) {
    const int cents = (number * 7919 + i * 104729) % 90000;
    text += (i ? ",{\"symbol\":\"SYM" : "{\"symbol\":\"SYM") + std::to_string(i) +
            "\",\"bid\":" + std::to_string(cents) + ",\"ask\":" + std::to_string(cents + 3) + ",\"venue\":\"XETR\"}";
  }
  return text + "]}";
}

enum class how { each, prepared };

coax::task<> publish(std::vector<coax::conn>& to, how h) {
  for (int i = 0; i < messages; ++i) {
    const auto text = quotes(i);
    if (h == how::prepared) {
      const coax::prepared_message m(text);
      for (auto& c : to) co_await c.write(m);
    } else {
      for (auto& c : to) co_await c.write_text(text);
    }
    // What is queued leaves at the end of the turn: each publication is a turn of its own.
    co_await asio::post(asio::use_awaitable);
  }
  for (auto& c : to) co_await c.drained();
}

struct row {
  const char* name;
  coax::deflate_mode mode;
  how h;
  std::vector<double> figures;
};

// One round of one row: nanoseconds per message delivered.
double measure(const row& r) {
  asio::io_context ioc(1);
  tcp::acceptor listener(ioc, {asio::ip::address_v4::loopback(), 0});
  listener.listen(subscribers);
  std::vector<tcp::socket> far;
  std::vector<coax::conn> near;
  const auto options = coax::test::options().deflate(r.mode);
  for (int i = 0; i < subscribers; ++i) {
    far.emplace_back(ioc).connect(listener.local_endpoint());
    auto s = listener.accept();
    s.set_option(tcp::no_delay(true));
    near.push_back(coax::test::over(coax::make_transport(std::move(s)), coax::protocol::role::server, options));
  }
  const pid_t child = fork();
  if (child == 0) drain(far);
  for (auto& s : far) s.close();

  const double begin = cpu_ns();
  asio::co_spawn(ioc, publish(near, r.h), [&ioc](std::exception_ptr) { ioc.stop(); });
  ioc.run();
  const double spent = cpu_ns() - begin;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return spent / (subscribers * messages);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  rlimit files{4096, 4096};
  setrlimit(RLIMIT_NOFILE, &files);
  using enum coax::deflate_mode;
  row rows[] = {
      {"plain, each", off, how::each, {}},
      {"plain, prepared", off, how::prepared, {}},
      {"no takeover, each", no_context_takeover, how::each, {}},
      {"no takeover, prepared", no_context_takeover, how::prepared, {}},
      {"takeover, each", context_takeover, how::each, {}},
      {"takeover, prepared", context_takeover, how::prepared, {}},
  };
  for (int i = 0; i < rounds; ++i)
    for (auto& r : rows) r.figures.push_back(measure(r));
  std::printf("1 to %d, %zu bytes of JSON; server CPU per message delivered, median of %d rounds (min, max)\n",
              subscribers, quotes(1).size(), rounds);
  for (auto& r : rows) {
    std::sort(r.figures.begin(), r.figures.end());
    std::printf("%-24s %7.0f ns   (%.0f, %.0f)\n", r.name, r.figures[r.figures.size() / 2], r.figures.front(),
                r.figures.back());
  }
}
