// What it costs a server to send one message to a thousand subscribers: framed for each of them, prepared once, or by a
// hub; plain or compressed; next to a loop of send() and to Beast. A child process takes the bytes; the figure is the
// server's own CPU time per message delivered.
//
//     fan_out [ROUNDS | --json]

#include "bench/beast_fan_out.hpp"
#include "bench/load/posix.hpp"
#include "bench/load/quotes.hpp"
#include "support/connections.hpp"
#include <coax/hub.hpp>
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

double cpu_ns() { return bench::cpu_ns(CLOCK_PROCESS_CPUTIME_ID); }

// 256 bytes, as small publications are; what is to be compressed is longer.
std::string publication(int number, coax::deflate_mode mode) {
  auto text = bench::quotes(static_cast<unsigned>(number), 1024);
  if (mode == coax::deflate_mode::off) text.resize(256, '.');
  return text;
}

enum class how { raw, each, prepared, hub, beast };

struct row {
  const char* name;
  coax::deflate_mode mode;
  how h;
  int per_turn;  // messages that come at once
  std::vector<double> figures;
};

// Calls `send(text)` for each message, and lets each turn's leave.
template <class Send>
coax::task<> in_turns(const row& r, Send send) {
  for (int i = 0; i < messages; ++i) {
    const auto text = publication(i, r.mode);
    co_await send(text);
    // What is queued leaves at the end of the turn.
    if ((i + 1) % r.per_turn == 0) co_await asio::post(asio::use_awaitable);
  }
}

coax::task<> publish(std::vector<coax::conn>& to, const row& r) {
  auto each = [&](const std::string& text) -> coax::task<> {
    for (auto& c : to) co_await c.write_text(text);
  };
  auto prepared = [&](const std::string& text) -> coax::task<> {
    const coax::prepared_message m(text);
    for (auto& c : to) co_await c.write(m);
  };
  if (r.h == how::prepared) {
    co_await in_turns(r, prepared);
  } else {
    co_await in_turns(r, each);
  }
  for (auto& c : to) co_await c.drained();
}

coax::task<> publish(bench::beast_connections& to, const row& r) {
  auto all = [&](const std::string& text) -> coax::task<> { co_await to.write_to_all(text); };
  co_await in_turns(r, all);
}

coax::task<> publish_by_hub(std::vector<coax::conn>& to, const row& r) {
  coax::hub hub;
  std::vector<coax::peer> peers;
  std::vector<coax::membership> members;
  for (auto& c : to) members.push_back(peers.emplace_back(hub.attach(std::move(c))).join("quotes"));
  auto all = [&](const std::string& text) -> coax::task<> {
    hub.publish_text("quotes", text);
    co_return;
  };
  co_await in_turns(r, all);
  for (auto& p : peers) co_await p.connection().drained();
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
  bench::beast_connections beast;
  const auto options = coax::test::options().deflate(r.mode);
  for (int i = 0; i < subscribers; ++i) {
    far.emplace_back(ioc).connect(listener.local_endpoint());
    auto s = listener.accept();
    s.set_option(tcp::no_delay(true));
    if (r.h == how::raw) {
      bare.push_back(std::move(s));
    } else if (r.h == how::beast) {
      beast.add(std::move(s));
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
    auto work = [&] {
      if (r.h == how::beast) return publish(beast, r);
      return r.h == how::hub ? publish_by_hub(near, r) : publish(near, r);
    };
    std::exception_ptr failure;
    asio::co_spawn(ioc, work, [&](std::exception_ptr e) {
      failure = e;
      ioc.stop();
    });
    ioc.run();
    if (failure) std::rethrow_exception(failure);
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
      {"hub, 256 B", off, how::hub, 1, {}},
      {"Beast, tuned, 256 B", off, how::beast, 1, {}},
      {"send in a loop, 8 a turn", off, how::raw, 8, {}},
      {"each, 8 a turn", off, how::each, 8, {}},
      {"prepared, 8 a turn", off, how::prepared, 8, {}},
      {"hub, 8 a turn", off, how::hub, 8, {}},
      {"Beast, tuned, 8 a turn", off, how::beast, 8, {}},
      {"no takeover, each, 1 KiB", no_context_takeover, how::each, 1, {}},
      {"no takeover, prepared, 1 KiB", no_context_takeover, how::prepared, 1, {}},
      {"takeover, each, 1 KiB", context_takeover, how::each, 1, {}},
      {"takeover, prepared, 1 KiB", context_takeover, how::prepared, 1, {}},
      {"takeover, hub, 1 KiB", context_takeover, how::hub, 1, {}},
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
