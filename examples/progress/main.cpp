// A long job that tells its progress as server-sent events, stops when its page goes away, and goes on from where it
// was when the page comes back.
//
//     examples/progress --port 8080        then open http://127.0.0.1:8080/
//     curl -N http://127.0.0.1:8080/count?below=1000000000

#include "../arguments.hpp"
#include "sieve.hpp"
#include <coax/server.hpp>
#include <coax/sse.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <charconv>
#include <optional>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// How long a job works between two looks at whether it is still wanted.
constexpr auto slice = 50ms;

constexpr auto usage = R"(usage: progress [options]
  --host HOST    address to listen on                      (127.0.0.1)
  --port PORT    port to listen on, 0 for any free one     (8080)
  --workers N    threads that count                        (2)
  --www DIR      the folder of the page
)";

/// Where the jobs work, and how many there are and were.
struct workshop {
  explicit workshop(std::size_t workers) : pool(workers) {}

  asio::thread_pool pool;
  std::atomic<int> running{0}, finished{0}, stopped{0};
};

/// One job in the counts, from its beginning to its end, whatever that is.
class job {
 public:
  job(workshop& w, std::uint64_t below) : work(below), workshop_(w) { ++w.running; }
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  ~job() {
    --workshop_.running;
    ++(work.done() ? workshop_.finished : workshop_.stopped);
  }

  /// Works for a slice of time on a thread of the pool.
  coax::task<> advance() {
    auto counting = [this]() -> coax::task<> {
      work.run_for(slice);
      co_return;
    };
    co_await asio::co_spawn(workshop_.pool, counting, asio::use_awaitable);
  }

  sieve work;

 private:
  workshop& workshop_;
};

std::optional<std::uint64_t> limit_of(const coax::exchange& x) {
  const auto text = x.query("below").value_or("");
  std::uint64_t below = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), below);
  if (error != std::errc() || end != text.data() + text.size() || below > sieve::largest) return std::nullopt;
  return below;
}

coax::sse::event report(const sieve& s) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  return coax::sse::event("{\"reached\":" + number(s.reached()) + ",\"limit\":" + number(s.limit()) +
                          ",\"count\":" + number(s.count()) + "}")
      .type(s.done() ? "done" : "progress")
      .id(s.checkpoint());
}

coax::task<> count(workshop& w, coax::exchange& x, coax::context ctx) {
  const auto below = limit_of(x);
  if (!below) {
    co_await x.respond(400, "text/plain", "below: a number up to " + std::to_string(sieve::largest) + "\n");
    co_return;
  }
  auto s = co_await coax::sse::accept(x, coax::sse::stream_options().retry(1s), ctx);
  job j(w, *below);
  if (!s.last_event_id().empty()) j.work.resume(s.last_event_id());
  // The context is stopped when the client has gone; then `send` throws, and with this coroutine the job ends.
  while (!j.work.done()) {
    co_await j.advance();
    const auto news = report(j.work);
    co_await s.send(news, ctx);
  }
  co_await s.close();
}

coax::task<> tell_jobs(const workshop& w, coax::exchange& x) {
  co_await x.respond(200, "application/json",
                     "{\"running\":" + std::to_string(w.running) + ",\"finished\":" + std::to_string(w.finished) +
                         ",\"stopped\":" + std::to_string(w.stopped) + "}\n");
}

}  // namespace

int main(int argc, char** argv) {
  const example::arguments args(
      argc, argv, usage, {{"host", "127.0.0.1"}, {"port", "8080"}, {"workers", "2"}, {"www", COAX_PROGRESS_WWW}});
  try {
    workshop w(args.number("workers"));
    coax::server_options options;
    options.threads(1).drain_timeout(3s);
    options.on_listening(
        [](std::string_view endpoint) { std::cout << "progress: http://" << endpoint << "/" << std::endl; });
    coax::server server(options);
    server.files("/", args["www"]);
    server.get("/count", [&w](coax::exchange& x, coax::context ctx) { return count(w, x, std::move(ctx)); });
    server.get("/jobs", [&w](coax::exchange& x, coax::context) { return tell_jobs(w, x); });
    server.run(args["host"] + ":" + args["port"]);
  } catch (const std::exception& e) {
    std::cerr << "progress: " << e.what() << "\n";
    return 1;
  }
}
