// Streams for Chromium and for proxies, behind which a test can tell what came, and when.
//
//     events_server --port 0        says its address
#include "protocol/event_vectors.hpp"
#include <coax/server.hpp>
#include <coax/sse.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <map>
#include <string>

namespace {

using namespace std::chrono_literals;
using coax::sse::event;

std::map<std::string, int> confirmed;  // by key

coax::task<> pause(std::chrono::milliseconds d) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, d);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

// Ten events, each when the client has confirmed the one before: what anybody on the way holds back never comes.
coax::task<> lockstep(coax::exchange& x, coax::context ctx) {
  const auto key = x.query("key").value_or("");
  const auto options = coax::sse::stream_options().gzip(x.query("gzip").has_value());
  auto s = co_await coax::sse::accept(x, options, ctx);
  for (int i = 0; i < 10; ++i) {
    while (confirmed[key] < i && !ctx.stopped()) co_await pause(2ms);
    const event next = event(std::to_string(i)).id(key + std::to_string(i));
    co_await s.send(next, ctx);
  }
  co_await s.close();
}

coax::task<> confirm(coax::exchange& x, coax::context ctx) {
  ++confirmed[x.query("key").value_or("")];
  const coax::response done(204);
  co_await x.respond(done, ctx);
}

// Numbers, for ever, going on behind the last that the client has seen. Says when a client goes.
coax::task<> ticks(coax::exchange& x, coax::context ctx) {
  auto s = co_await coax::sse::accept(x, coax::sse::stream_options().retry(50ms), ctx);
  std::cout << "from [" << s.last_event_id() << "]" << std::endl;
  int n = s.last_event_id().empty() ? 0 : std::stoi(s.last_event_id()) + 1;
  for (; !s.done().stop_requested(); ++n) {
    const event tick = event(std::to_string(n)).type("tick").id(std::to_string(n));
    const auto sent = co_await s.try_send(tick);
    if (!sent) break;
    co_await pause(10ms);
  }
  std::cout << "gone" << std::endl;
}

// One event, and no more when the client comes back.
coax::task<> once(coax::exchange& x, coax::context ctx) {
  if (!x.header("Last-Event-ID").empty()) {
    const coax::response stop(204);
    co_await x.respond(stop, ctx);
    co_return;
  }
  auto s = co_await coax::sse::accept(x, coax::sse::stream_options().retry(10ms), ctx);
  const event only = event("only").id("1");
  co_await s.send(only);
  co_await s.close();
}

const coax::protocol::event_vector& vector_of(const coax::exchange& x) {
  return coax::protocol::event_vectors().at(std::stoul(std::string(x.param("number"))));
}

// The bytes as they are, so that what we would never send is read as well.
coax::task<> vector(coax::exchange& x, coax::context ctx) {
  co_await x.respond(200, "text/event-stream", vector_of(x).stream, ctx);
}

coax::task<> expected(coax::exchange& x, coax::context ctx) {
  co_await x.respond(200, "text/plain; charset=utf-8", vector_of(x).expected, ctx);
}

coax::task<> rules(coax::exchange& x, coax::context ctx) {
  std::string list;
  for (const auto& v : coax::protocol::event_vectors()) list += v.rule + "\n";
  co_await x.respond(200, "text/plain; charset=utf-8", list, ctx);
}

coax::task<> page(coax::exchange& x, coax::context ctx) {
  co_await x.respond(200, "text/html", "<!doctype html><title>events</title>", ctx);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string port = argc == 3 && std::string_view(argv[1]) == "--port" ? argv[2] : "0";
    auto options = coax::server_options().on_listening(
        [](std::string_view at) { std::cout << "http://" << at << "/" << std::endl; });
    options.log([](coax::log_level, std::string_view text) { std::cerr << text << "\n"; });
    coax::server srv(options);
    srv.get("/", page).get("/lockstep", lockstep).post("/confirm", confirm).get("/ticks", ticks).get("/once", once);
    srv.get("/vector/:number", vector).get("/expected/:number", expected).get("/rules", rules);
    srv.run("127.0.0.1:" + port);
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
