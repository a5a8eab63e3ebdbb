// Work that stops when nobody waits for it any more: because the client has gone, a deadline has passed, or the server
// is shutting down. Try it, and press Ctrl-C in curl or in the server half-way:
//
//     curl -N 'http://127.0.0.1:8080/primes?seconds=5'

#include "arguments.hpp"
#include <coax/accept.hpp>
#include <coax/server.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>

using namespace std::chrono_literals;

constexpr auto usage = R"(usage: cancellable_handler [--host HOST] [--port PORT]
  /primes?seconds=N    HTTP: streams primes for at most N seconds (10)
  /primes/socket       WebSocket: send a number, get the next prime; a new number replaces the search for the old one
)";

// The search for the next prime from a number on, in slices: however large the number, a slice is short.
class prime_search {
 public:
  explicit prime_search(unsigned long from) : candidate_(from) {}

  // Tries some divisors; the prime, once it is found. The next call goes on behind it.
  std::optional<unsigned long> slice() {
    for (int i = 0; i < 50'000; ++i) {
      if (candidate_ < 2 || (divisor_ <= candidate_ / divisor_ && candidate_ % divisor_ == 0)) {
        ++candidate_;
        divisor_ = 2;
      } else if (divisor_ > candidate_ / divisor_) {
        divisor_ = 2;
        return candidate_++;
      } else {
        ++divisor_;
      }
    }
    return std::nullopt;
  }

 private:
  unsigned long candidate_;
  unsigned long divisor_ = 2;
};

// Nothing if `ctx` stopped the search, which may go on later. The thread is left to others between the slices, so that
// whatever stops `ctx` is noticed at all.
coax::task<std::optional<unsigned long>> next_prime(prime_search& search, coax::context ctx) {
  const auto ex = co_await boost::asio::this_coro::executor;
  while (!ctx.stopped()) {
    if (const auto prime = search.slice()) co_return prime;
    co_await boost::asio::post(ex, boost::asio::use_awaitable);
  }
  co_return std::nullopt;
}

// `ctx` is stopped by the server when the client goes or the server drains; the deadline is our own.
coax::task<> stream_primes(coax::exchange& x, coax::context ctx) {
  const auto seconds = std::stoul(x.query("seconds").value_or("10"));
  ctx = ctx.with_timeout(std::chrono::seconds(seconds));
  prime_search search(1'000'000'000'000);
  unsigned long found = 0;
  coax::response head = coax::response().content_type("text/plain");
  co_await x.start(head);
  coax::error_code why;
  try {
    while (auto prime = co_await next_prime(search, ctx)) {
      const std::string line = std::to_string(*prime) + "\n";
      co_await x.send(line);
      ++found;
    }
    why = ctx.stopped();
  } catch (const boost::system::system_error& e) {
    why = e.code();  // the client went while a line was on its way
  }
  std::cout << "/primes: " << found << " primes, then " << why.message() << std::endl;
  // For a client that still listens; if it has gone, the server knows.
  if (why == coax::errc::deadline_exceeded) co_await x.finish();
}

// Searches as long as no newer question comes; the connection survives every cancelled search and every read that gives
// up.
coax::task<> answer_primes(coax::exchange& x, coax::context ctx) {
  coax::conn c = co_await coax::accept(x, {}, ctx);
  auto question = co_await c.next(ctx);
  while (question) {
    prime_search search(std::strtoul(question->str().c_str(), nullptr, 10));
    question.reset();
    std::optional<unsigned long> prime;
    while (!prime && !question) {
      prime = co_await next_prime(search, ctx.with_timeout(20ms));
      if (prime) break;
      // Is there a newer question? A read that gives up loses no byte of it.
      auto newer = co_await c.try_read(ctx.with_timeout(1ms));
      if (newer) {
        question = std::move(*newer);
      } else if (newer.error() != coax::errc::deadline_exceeded) {
        std::cout << "/primes/socket: the client has gone, the search ends" << std::endl;
        co_return;
      }
    }
    if (prime) {
      const std::string answer = std::to_string(*prime);
      co_await c.write_text(answer, ctx);
      question = co_await c.next(ctx);
    }
  }
}

int main(int argc, char** argv) {
  const example::arguments args(argc, argv, usage, {{"host", "127.0.0.1"}, {"port", "8080"}});
  try {
    coax::server srv(coax::server_options().on_listening([](std::string_view endpoint) {
      std::cout << "cancellable_handler: http://" << endpoint << "/primes" << std::endl;
    }));
    srv.get("/primes", stream_primes);
    srv.get("/primes/socket", answer_primes);
    srv.run(args["host"] + ":" + args["port"]);
  } catch (const std::exception& e) {
    std::cerr << "cancellable_handler: " << e.what() << "\n";
    return 1;
  }
}
