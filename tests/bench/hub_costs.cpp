// What a hub costs by itself, over pipes in memory: no kernel, one thread.
//
//     hub_costs [ids|tokens|cursors|drain ...]        all by default
//
// `ids`: CPU of a message for a peer, by what it is told of its place. `tokens`: size and CPU of a resume token.
// `cursors`: memory of 10,000 slow peers that have messages of one topic queued. `drain`: CPU of sending many peers
// away.

#include "hub/resume_token.hpp"
#include "sse/event_connection.hpp"
#include "websocket/connection.hpp"
#include <coax/hub.hpp>
#include <coax/testing.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double resident_kib() {
  std::ifstream statm("/proc/self/statm");
  long long total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGE_SIZE)) / 1024;
}

coax::hub_options with_keys() {
  return coax::hub_options().resume(coax::resume_options(coax::signing_keys({"a secret of more than 16 bytes"})));
}

class quiet : public coax::conn_options<quiet> {
 public:
  quiet() { keepalive(0s).write_stall_timeout(1h); }
};

// Both ends of a pipe, and a peer at one of them.
struct guest {
  guest(asio::io_context& ioc, coax::hub& hub, bool stream, const coax::peer_options& options) {
    const auto ends = coax::testing::memory_pair(ioc.get_executor(), ioc.get_executor());
    near = ends.first;
    far = ends.second;
    if (stream) {
      coax::detail::event_settings settings(coax::sse::stream_options().heartbeat(0s).write_stall_timeout(1h),
                                            coax::http::framing::chunked, {});
      peer = hub.attach(coax::sse::event_stream(coax::detail::event_connection::create(near, settings)), options);
    } else {
      coax::detail::connection_settings settings(coax::protocol::role::server, quiet());
      peer = hub.attach(coax::conn(coax::detail::connection::create(near, settings, {})), options);
    }
  }

  std::size_t discard() {
    char chunk[64 * 1024];
    coax::error_code ec;
    std::size_t all = 0;
    while (const auto n = far->read_some(asio::buffer(chunk), ec)) all += n;
    return all;
  }

  std::shared_ptr<coax::testing::memory_end> near, far;
  coax::peer peer;
  std::vector<coax::membership> parts;
};

void ids(bool stream, bool resumable, std::size_t topics) {
  constexpr std::size_t peers = 1000, messages = 1000;
  asio::io_context ioc(1);
  coax::hub hub(with_keys());
  std::vector<guest> guests;
  for (std::size_t i = 0; i != peers; ++i) {
    guests.emplace_back(ioc, hub, stream, coax::peer_options().user("somebody").resumable(resumable));
    for (std::size_t t = 0; t != topics; ++t)
      guests.back().parts.push_back(guests.back().peer.join("room/" + std::to_string(t) + "/talk"));
  }
  ioc.poll();
  for (auto& g : guests) g.discard();
  const std::string payload(100, 'x');
  double cpu = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i != messages; ++i) {
    const auto topic = "room/" + std::to_string(i % topics) + "/talk";
    const auto start = cpu_seconds();
    hub.publish_text(topic, payload);
    ioc.restart();
    ioc.poll();
    cpu += cpu_seconds() - start;
    for (auto& g : guests) bytes += g.discard();
  }
  std::printf("ids: %s, %s, %zu topics: %.0f ns, %.0f bytes a message and peer\n", stream ? "events" : "WebSocket",
              resumable ? "resumable" : "plain", topics, cpu * 1e9 / (peers * messages),
              static_cast<double>(bytes) / (peers * messages));
}

void tokens() {
  const auto options = *with_keys().resume();
  for (const std::size_t topics : {1, 4, 16}) {
    coax::detail::resume_claim claim;
    claim.user = "somebody";
    claim.origins = {{1, 2}};
    for (std::size_t i = 0; i != topics; ++i)
      claim.places.push_back({"room/" + std::to_string(i) + "/talk", coax::position("0123456789abcdef", 1000, 77)});
    constexpr int rounds = 20'000;
    std::size_t size = 0, good = 0;
    const auto start = cpu_seconds();
    for (int i = 0; i != rounds; ++i) size = coax::detail::sign(claim, options).text.size();
    const auto signed_at = cpu_seconds();
    const auto text = coax::detail::sign(claim, options).text;
    for (int i = 0; i != rounds; ++i) {
      coax::detail::resume_claim read;
      good += coax::detail::read_resume(text, options.keys(), "somebody", -1, read) == coax::resume_refusal::none;
    }
    const auto end = cpu_seconds();
    std::printf("tokens: %zu topics: %zu characters, %.1f us to make, %.1f us to read%s\n", topics, size,
                (signed_at - start) * 1e6 / rounds, (end - signed_at) * 1e6 / rounds,
                good == rounds ? "" : " (REFUSED)");
  }
}

void cursors() {
  constexpr std::size_t peers = 10'000, messages = 200, size = 1024;
  asio::io_context ioc(1);
  coax::hub hub(coax::queue_limits().stall(1h));
  std::vector<guest> guests;
  guests.reserve(peers);
  for (std::size_t i = 0; i != peers; ++i) {
    guests.emplace_back(ioc, hub, false, coax::peer_options());
    guests.back().parts.push_back(guests.back().peer.join("lobby"));
    guests.back().near->stall();
    guests.back().peer.send_text("primer");
  }
  ioc.poll();
  const auto before = resident_kib();
  const std::string payload(size, 'x');
  for (std::size_t i = 0; i != messages; ++i) hub.publish_text("lobby", payload);
  ioc.restart();
  ioc.poll();
  const auto after = resident_kib();
  const auto queued = hub.stats().queued;
  std::printf(
      "cursors: %zu peers with %zu messages of %zu bytes queued for each (%llu in all): %.0f KiB more, %.0f bytes a "
      "peer; a queue for each would be %.0f MiB\n",
      peers, messages, size, static_cast<unsigned long long>(queued), after - before, (after - before) * 1024 / peers,
      static_cast<double>(peers * messages * size) / (1024 * 1024));
}

void drain(std::size_t peers) {
  coax::testing::virtual_clock clock;
  asio::io_context ioc(1);
  coax::hub hub;
  std::vector<guest> guests;
  guests.reserve(peers);
  for (std::size_t i = 0; i != peers; ++i) guests.emplace_back(ioc, hub, false, coax::peer_options());
  ioc.poll();
  asio::co_spawn(
      ioc,
      [&hub]() -> coax::task<> {
        const auto how = coax::drain_options().over(30s).limit(40s);
        co_await hub.drain(how);
      },
      asio::detached);
  ioc.poll();
  const auto start = cpu_seconds();
  for (int i = 0; i != 3000; ++i) {
    clock.advance(10ms);
    ioc.restart();
    ioc.poll();
  }
  const auto cpu = cpu_seconds() - start;
  std::printf("drain: %zu peers over 30 s: %.0f ms, %.1f us a peer\n", peers, cpu * 1e3,
              cpu * 1e6 / static_cast<double>(peers));
}

}  // namespace

int main(int argc, char** argv) {
  const auto wants = [&](std::string_view what) {
    for (int i = 1; i < argc; ++i)
      if (argv[i] == what) return true;
    return argc == 1;
  };
  if (wants("ids"))
    for (const bool stream : {false, true})
      for (const std::size_t topics : {1, 4, 16})
        for (const bool resumable : {false, true}) ids(stream, resumable, topics);
  if (wants("tokens")) tokens();
  if (wants("cursors")) cursors();
  if (wants("drain"))
    for (const std::size_t peers : {1'000, 10'000}) drain(peers);
}
