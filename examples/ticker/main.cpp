// A price feed as server-sent events. A page that is slow gets the newest price of each symbol; one that comes back
// gets what it has missed.
//
//     build/release/examples/ticker --port 8080        then open http://127.0.0.1:8080/
//     curl -N http://127.0.0.1:8080/events

#include "../arguments.hpp"
#include <coax/hub.hpp>
#include <coax/server.hpp>
#include <coax/sse.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <random>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr auto usage = R"(usage: ticker [options]
  --host HOST      address to listen on                      (127.0.0.1)
  --port PORT      port to listen on, 0 for any free one     (8080)
  --threads N      threads with an io_context each           (2)
  --interval MS    milliseconds between two prices           (100)
  --www DIR        the folder of the page
)";

constexpr auto topic = "prices";
// What a page gets that comes for the first time, and what is kept for those that come back.
constexpr std::size_t recent = 400, kept = 4000;

/// Prices that wander, until it is stopped.
void publish_prices(const std::stop_token& stop, coax::hub& hub, std::chrono::milliseconds interval) {
  struct quote {
    const char* symbol;
    double price;
  };
  std::array<quote, 4> quotes{{{"ADA", 41.5}, {"BYTE", 256.0}, {"COAX", 99.9}, {"DATA", 12.75}}};
  std::mt19937 random(std::random_device{}());
  std::normal_distribution<double> step(0, 0.0008);
  while (!stop.stop_requested()) {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const long long time = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    for (auto& q : quotes) {
      q.price *= std::exp(step(random));
      char json[128];
      std::snprintf(json, sizeof json, R"({"symbol":"%s","price":%.4f,"time":%lld})", q.symbol, q.price, time);
      const auto how = coax::publish_options().event_type("tick").key(q.symbol).history(kept, 10min);
      hub.publish_text(topic, json, how);
    }
    std::this_thread::sleep_for(interval);
  }
}

coax::task<> serve_prices(coax::hub& hub, coax::exchange& x, coax::context ctx) {
  auto stream = co_await coax::sse::accept(x, coax::sse::stream_options().retry(1s), ctx);
  // The id of an event is its place in the history; a page that comes back tells the last one that it has seen.
  const auto seen = coax::position::from_token(stream.last_event_id());
  auto how = coax::join_options().on_full(coax::overflow::conflate);
  if (seen)
    how.since(*seen);
  else
    how.recent(recent);
  auto page = hub.attach(std::move(stream));
  const auto joined = page.join(topic, how);
  co_await page.next();  // until the page goes, or the server drains
}

void announce(std::string_view endpoint) {
  std::cout << "ticker: http://" << endpoint << "/ (Ctrl-C ends it)" << std::endl;
}

void complain(coax::log_level, std::string_view text) { std::cerr << "ticker: " << text << "\n"; }

}  // namespace

int main(int argc, char** argv) {
  const example::arguments args(
      argc, argv, usage,
      {{"host", "127.0.0.1"}, {"port", "8080"}, {"threads", "2"}, {"interval", "100"}, {"www", COAX_TICKER_WWW}});
  try {
    coax::hub hub;
    const auto interval = std::chrono::milliseconds(args.number("interval"));
    const auto threads = static_cast<unsigned>(args.number("threads"));
    auto options = coax::server_options().threads(threads).drain_timeout(3s).on_listening(announce).log(complain);
    coax::server server(options);
    server.files("/", args["www"]);
    server.get("/events",
               [&hub](coax::exchange& x, coax::context ctx) { return serve_prices(hub, x, std::move(ctx)); });
    const std::jthread feed([&](const std::stop_token& stop) { publish_prices(stop, hub, interval); });
    server.run(args["host"] + ":" + args["port"]);
  } catch (const std::exception& e) {
    std::cerr << "ticker: " << e.what() << "\n";
    return 1;
  }
}
