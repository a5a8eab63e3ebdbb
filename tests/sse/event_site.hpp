/// A server of events in memory, for an event source that connects to it by its connector.
#pragma once

#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/event_source.hpp>
#include <coax/testing.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coax::test {

using stream_ptr = std::shared_ptr<detail::stream>;

inline const std::string stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
/// The head of a stream that ends with its connection.
inline const std::string ok = stream_head + "\r\n";

/// Asks for 20 s.
inline const std::string answer_503 = "HTTP/1.1 503 Busy\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n";

/// Runs a script for each connection once the head of the request has come. `n` counts the connections from 1.
class event_site {
 public:
  using script = std::function<task<>(stream_ptr s, std::string request, int n)>;

  event_site(asio::io_context& ioc, script what) : state_(std::make_shared<state>(ioc, std::move(what))) {}

  /// Behaviour of both ends of every connection, or of the first one alone.
  void faults(const testing::faults& f) { state_->first = state_->others = f; }
  void first_faults(const testing::faults& f) { state_->first = f; }

  /// Without a wait after the first failure of a row.
  sse::event_source_options options() const {
    return sse::event_source_options()
        .retry(std::chrono::nanoseconds(0))
        .connector([s = state_](std::string, std::uint16_t, context) { return connect(s); });
  }
  const std::vector<std::string>& requests() const { return state_->requests; }
  int connections() const { return state_->connections; }

 private:
  struct state {
    state(asio::io_context& i, script w) : ioc(i), what(std::move(w)) {}
    asio::io_context& ioc;
    script what;
    testing::faults first;
    testing::faults others;
    std::vector<std::string> requests;
    int connections = 0;
  };

  static task<std::shared_ptr<transport>> connect(std::shared_ptr<state> s) {
    ++s->connections;
    auto ends =
        testing::memory_pair(s->ioc.get_executor(), s->ioc.get_executor(), s->connections == 1 ? s->first : s->others);
    auto serve = [s, t = ends.second, n = s->connections]() -> task<> {
      const auto server = s;
      const auto number = n;
      const auto io = detail::stream::create(t);
      auto request = co_await read_head(io);
      server->requests.push_back(request);
      if (!request.empty()) co_await server->what(io, std::move(request), number);
    };
    asio::co_spawn(s->ioc, std::move(serve), asio::detached);
    std::shared_ptr<transport> near = ends.first;
    co_return near;
  }

  std::shared_ptr<state> state_;
};

inline task<> send_and_end(stream_ptr s, std::string text) {
  co_await send(s, std::move(text));
  s->lower().shutdown_send();
}

/// A script that says the n-th text to the n-th connection, the last one to all others, and ends.
inline event_site::script says(std::vector<std::string> texts) {
  return [texts = std::move(texts)](stream_ptr s, std::string, int n) -> task<> {
    const auto i = std::min(static_cast<std::size_t>(n), texts.size()) - 1;
    auto text = texts[i];
    co_await send_and_end(s, std::move(text));
  };
}

/// The data of the next event, or "(end)".
inline task<std::string> next_data(sse::event_source& es, context ctx = {}) {
  auto e = co_await es.next(ctx);
  co_return e ? std::string(e->data()) : "(end)";
}

/// What `next` throws, or none.
inline task<error_code> next_failure(sse::event_source& es, context ctx = {}, std::string* text = nullptr) {
  try {
    const auto e = co_await es.next(ctx);
  } catch (const boost::system::system_error& e) {
    BOOST_TEST_MESSAGE(e.what());
    if (text) *text = e.what();
    co_return e.code();
  }
  co_return error_code();
}

}  // namespace coax::test
