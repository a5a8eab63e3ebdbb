// What it costs a server to send one message to a thousand subscribers: framed for each of them or prepared once, plain
// or compressed. A child process takes the bytes; the figure is the server's own CPU time per message delivered.
//
//     fan_out [ROUNDS | --json]

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
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int subscribers = 1000, messages = 48;

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

// 256 bytes, as small publications are; what is to be compressed is longer.
std::string publication(int number, coax::deflate_mode mode) {
  if (mode != coax::deflate_mode::off) return quotes(number);
  auto text = quotes(number);
  text.resize(256, '.');
  return text;
}

enum class how { raw, each, prepared };

struct row {
  const char* name;
  coax::deflate_mode mode;
  how h;
  int per_turn;  // messages that come at once
  std::vector<double> figures;
};

coax::task<> publish(std::vector<coax::conn>& to, const row& r) {
  for (int i = 0; i < messages; ++i) {
    const auto text = publication(i, r.mode);
    if (r.h == how::prepared) {
      const coax::prepared_message m(text);
      for (auto& c : to) co_await c.write(m);
    } else {
      for (auto& c : to) co_await c.write_text(text);
    }
    // What is queued leaves at the end of the turn.
    if ((i + 1) % r.per_turn == 0) co_await asio::post(asio::use_awaitable);
  }
  for (auto& c : to) co_await c.drained();
}

// The limit: frames that are there, sent in a loop.
void publish_raw(std::vector<tcp::socket>& to, const row& r) {
  for (int i = 0; i < messages; i += r.per_turn) {
    std::string frames;
    for (int k = 0; k < r.per_turn; ++k)
      frames += std::string("\x81\x7e\x01\x00", 4) + publication(i + k, coax::deflate_mode::off);
    for (auto& s : to)
      if (send(s.native_handle(), frames.data(), frames.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frames.size()))
        throw std::runtime_error("a raw send was cut short");
  }
}

// One round of one row: nanoseconds per message delivered.
double measure(const row& r) {
  asio::io_context ioc(1);
  tcp::acceptor listener(ioc, {asio::ip::address_v4::loopback(), 0});
  listener.listen(subscribers);
  std::vector<tcp::socket> far, bare;
  std::vector<coax::conn> near;
  const auto options = coax::test::options().deflate(r.mode);
  for (int i = 0; i < subscribers; ++i) {
    far.emplace_back(ioc).connect(listener.local_endpoint());
    auto s = listener.accept();
    s.set_option(tcp::no_delay(true));
    if (r.h == how::raw) {
      bare.push_back(std::move(s));
    } else {
      near.push_back(coax::test::over(coax::make_transport(std::move(s)), coax::protocol::role::server, options));
    }
  }
  const pid_t child = fork();
  if (child == 0) drain(far);
  for (auto& s : far) s.close();

  const double begin = cpu_ns();
  if (r.h == how::raw) {
    publish_raw(bare, r);
  } else {
    asio::co_spawn(ioc, publish(near, r), [&ioc](std::exception_ptr) { ioc.stop(); });
    ioc.run();
  }
  const double spent = cpu_ns() - begin;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return spent / (subscribers * messages);
}

}  // namespace

int main(int argc, char** argv) {
  // One round, a line of JSON for each row, for tests/bench/run; or a table.
  const bool json = argc > 1 && std::string_view(argv[1]) == "--json";
  const int rounds = json ? 1 : argc > 1 ? std::atoi(argv[1]) : 5;
  rlimit files{4096, 4096};
  setrlimit(RLIMIT_NOFILE, &files);
  using enum coax::deflate_mode;
  row rows[] = {
      {"send in a loop, 256 B", off, how::raw, 1, {}},
      {"each, 256 B", off, how::each, 1, {}},
      {"prepared, 256 B", off, how::prepared, 1, {}},
      {"send in a loop, 8 a turn", off, how::raw, 8, {}},
      {"each, 8 a turn", off, how::each, 8, {}},
      {"prepared, 8 a turn", off, how::prepared, 8, {}},
      {"no takeover, each, 1 KiB", no_context_takeover, how::each, 1, {}},
      {"no takeover, prepared, 1 KiB", no_context_takeover, how::prepared, 1, {}},
      {"takeover, each, 1 KiB", context_takeover, how::each, 1, {}},
      {"takeover, prepared, 1 KiB", context_takeover, how::prepared, 1, {}},
  };
  for (int i = 0; i < rounds; ++i)
    for (auto& r : rows) r.figures.push_back(measure(r));
  if (!json)
    std::printf("1 to %d; server CPU per message delivered, median of %d rounds (min, max)\n", subscribers, rounds);
  for (auto& r : rows) {
    std::sort(r.figures.begin(), r.figures.end());
    const double median = r.figures[r.figures.size() / 2];
    if (json) {
      std::printf("{\"name\": \"%s\", \"cost\": %.1f}\n", r.name, median);
    } else {
      std::printf("%-30s %7.0f ns   (%.0f, %.0f)\n", r.name, median, r.figures.front(), r.figures.back());
    }
  }
}
