// What it costs a server to send one message to a thousand subscribers: framed for each of them, prepared once, or by a
// hub; plain or compressed; to WebSockets and streams of events; next to a loop of send() and to Beast. A child process
// takes the bytes; the figure is the server's own CPU time per message delivered.
//
//     fan_out [ROUNDS | --json] [ROW [SUBSCRIBERS]]     only rows whose names begin so; "" for all

#include "bench/beast_fan_out.hpp"
#include "bench/load/posix.hpp"
#include "bench/load/quotes.hpp"
#include "sse/event_connection.hpp"
#include "support/connections.hpp"
#include <coax/hub.hpp>
#include <coax/prepared_message.hpp>
#include <coax/stream_transport.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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

constexpr int messages = 96, warm_up = 16;

// The subscribers: take what comes on all of their sockets.
[[noreturn]] void subscribe(const tcp::endpoint& to, int subscribers) {
  asio::io_context ioc;
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < subscribers; ++i) sockets.emplace_back(ioc).connect(to);
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

enum class how { raw, each, prepared, hub, hub_events, hub_mixed, beast };

struct row {
  const char* name;
  coax::deflate_mode mode;
  how h;
  int per_turn;  // messages that come at once
  std::vector<double> figures;
};

struct connections {
  std::vector<coax::conn> sockets;
  std::vector<coax::sse::event_stream> events;
};

// Calls `send(text)` for each message, lets each turn's leave, and waits for the last. Returns the CPU time, without
// that of the first messages: connections that have never sent have no memory for it yet.
template <class Send, class Drained>
coax::task<double> in_turns(const row& r, Send send, Drained drained) {
  double begin = 0;
  for (int i = -warm_up; i < messages; ++i) {
    if (i == 0) {
      co_await drained();
      begin = cpu_ns();
    }
    const auto text = publication(i + warm_up, r.mode);
    co_await send(text);
    // What is queued leaves at the end of the turn.
    if ((i + warm_up + 1) % r.per_turn == 0) co_await asio::post(asio::use_awaitable);
  }
  co_await drained();
  co_return cpu_ns() - begin;
}

coax::task<double> publish_by_hub(connections& to, const row& r) {
  coax::hub hub;
  std::vector<coax::peer> peers;
  for (auto& c : to.sockets) peers.push_back(hub.attach(std::move(c)));
  for (auto& e : to.events) peers.push_back(hub.attach(std::move(e)));
  std::vector<coax::membership> members;
  for (auto& p : peers) members.push_back(p.join("quotes"));
  auto all = [&](const std::string& text) -> coax::task<> {
    hub.publish_text("quotes", text);
    co_return;
  };
  auto drained = [&]() -> coax::task<> {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (hub.stats().queued != 0) {
      timer.expires_after(std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::use_awaitable);
    }
  };
  co_return co_await in_turns(r, all, drained);
}

coax::task<double> publish(connections& all, const row& r) {
  if (r.h >= how::hub) co_return co_await publish_by_hub(all, r);
  auto& to = all.sockets;
  auto each = [&](const std::string& text) -> coax::task<> {
    for (auto& c : to) co_await c.write_text(text);
  };
  auto prepared = [&](const std::string& text) -> coax::task<> {
    const coax::prepared_message m(text);
    for (auto& c : to) co_await c.write(m);
  };
  auto drained = [&]() -> coax::task<> {
    for (auto& c : to) co_await c.drained();
  };
  if (r.h == how::prepared) co_return co_await in_turns(r, prepared, drained);
  co_return co_await in_turns(r, each, drained);
}

coax::task<double> publish(bench::beast_connections& to, const row& r) {
  auto all = [&](const std::string& text) -> coax::task<> { co_await to.write_to_all(text); };
  auto drained = []() -> coax::task<> { co_return; };
  co_return co_await in_turns(r, all, drained);
}

// The limit: frames that are there, sent in a loop.
double publish_raw(std::vector<tcp::socket>& to, const row& r) {
  double begin = 0;
  for (int i = -warm_up; i < messages; i += r.per_turn) {
    if (i == 0) begin = cpu_ns();
    std::string frames;
    for (int k = 0; k < r.per_turn; ++k)
      frames += std::string("\x81\x7e\x01\x00", 4) + publication(i + warm_up + k, coax::deflate_mode::off);
    for (auto& s : to)
      if (send(s.native_handle(), frames.data(), frames.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frames.size()))
        throw std::runtime_error("a raw send was cut short");
  }
  return cpu_ns() - begin;
}

coax::sse::event_stream events_over(std::shared_ptr<coax::transport> t) {
  const coax::detail::event_settings settings(coax::sse::stream_options(), coax::http::framing::chunked, {});
  return coax::sse::event_stream(coax::detail::event_connection::create(std::move(t), settings));
}

// One round of one row: nanoseconds per message delivered.
double measure(const row& r, int subscribers) {
  asio::io_context ioc(1);
  tcp::acceptor listener(ioc, {asio::ip::address_v4::loopback(), 0});
  listener.listen(subscribers);
  // The far ends are opened by the child, or one process would need twice the descriptors.
  const auto endpoint = listener.local_endpoint();
  const pid_t child = bench::check(fork(), "fork");
  if (child == 0) subscribe(endpoint, subscribers);
  std::vector<tcp::socket> bare;
  connections near;
  bench::beast_connections beast;
  const auto options = coax::test::options().deflate(r.mode);
  for (int i = 0; i < subscribers; ++i) {
    auto s = listener.accept();
    s.set_option(tcp::no_delay(true));
    if (r.h == how::raw) {
      bare.push_back(std::move(s));
    } else if (r.h == how::beast) {
      beast.add(std::move(s));
    } else if (auto t = coax::make_transport(std::move(s));
               r.h == how::hub_events || (r.h == how::hub_mixed && i % 2 == 0)) {
      near.events.push_back(events_over(std::move(t)));
    } else {
      near.sockets.push_back(coax::test::over(std::move(t), coax::protocol::role::server, options));
    }
  }

  double spent = 0;
  if (r.h == how::raw) {
    spent = publish_raw(bare, r);
  } else {
    auto work = [&] { return r.h == how::beast ? publish(beast, r) : publish(near, r); };
    std::exception_ptr failure;
    asio::co_spawn(ioc, work, [&](std::exception_ptr e, double cpu) {
      failure = e;
      spent = cpu;
      ioc.stop();
    });
    ioc.run();
    if (failure) std::rethrow_exception(failure);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return spent / (subscribers * messages);
}

}  // namespace

int main(int argc, char** argv) {
  // One round, a line of JSON for each row, for tests/bench/run; or a table.
  const bool json = argc > 1 && std::string_view(argv[1]) == "--json";
  const int rounds = json ? 1 : argc > 1 ? std::atoi(argv[1]) : 5;
  const int subscribers = argc > 3 ? std::atoi(argv[3]) : 1000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  using enum coax::deflate_mode;
  row rows[] = {
      {"send in a loop, 256 B", off, how::raw, 1, {}},
      {"each, 256 B", off, how::each, 1, {}},
      {"prepared, 256 B", off, how::prepared, 1, {}},
      {"hub, 256 B", off, how::hub, 1, {}},
      {"events by hub, 256 B", off, how::hub_events, 1, {}},
      {"both by hub, 256 B", off, how::hub_mixed, 1, {}},
      {"Beast, tuned, 256 B", off, how::beast, 1, {}},
      {"send in a loop, 8 a turn", off, how::raw, 8, {}},
      {"each, 8 a turn", off, how::each, 8, {}},
      {"prepared, 8 a turn", off, how::prepared, 8, {}},
      {"hub, 8 a turn", off, how::hub, 8, {}},
      {"events by hub, 8 a turn", off, how::hub_events, 8, {}},
      {"both by hub, 8 a turn", off, how::hub_mixed, 8, {}},
      {"Beast, tuned, 8 a turn", off, how::beast, 8, {}},
      {"no takeover, each, 1 KiB", no_context_takeover, how::each, 1, {}},
      {"no takeover, prepared, 1 KiB", no_context_takeover, how::prepared, 1, {}},
      {"takeover, each, 1 KiB", context_takeover, how::each, 1, {}},
      {"takeover, prepared, 1 KiB", context_takeover, how::prepared, 1, {}},
      {"takeover, hub, 1 KiB", context_takeover, how::hub, 1, {}},
  };
  const std::string_view only = argc > 2 ? argv[2] : "";
  const auto is_asked_for = [only](const row& r) { return std::string_view(r.name).starts_with(only); };
  for (int i = 0; i < rounds; ++i)
    for (auto& r : rows)
      if (is_asked_for(r)) r.figures.push_back(measure(r, subscribers));
  if (!json)
    std::printf("1 to %d; server CPU per message delivered, median of %d rounds (min, max)\n", subscribers, rounds);
  for (auto& r : rows) {
    if (!is_asked_for(r)) continue;
    std::sort(r.figures.begin(), r.figures.end());
    const double median = r.figures[r.figures.size() / 2];
    if (json) {
      std::printf("{\"name\": \"%s\", \"cost\": %.1f}\n", r.name, median);
    } else {
      std::printf("%-30s %7.0f ns   (%.0f, %.0f)\n", r.name, median, r.figures.front(), r.figures.back());
    }
  }
}
