/// Streams over pipes in memory, and what arrives at their other ends.
#pragma once

#include "sse/event_connection.hpp"
#include "support/run.hpp"
#include <coax/event_stream.hpp>
#include <coax/testing.hpp>

#include <charconv>
#include <string>

namespace coax::test {

using namespace std::chrono_literals;

/// The text in whole chunks, taken off the front of `bytes`; "<end>" for the last one, "<malformed>" for what is none.
inline std::string take_chunks(std::string& bytes) {
  std::string text;
  for (;;) {
    const auto eol = bytes.find("\r\n");
    if (eol == std::string::npos) return text;
    std::size_t size = 0;
    const auto r = std::from_chars(bytes.data(), bytes.data() + eol, size, 16);
    if (r.ec != std::errc() || r.ptr != bytes.data() + eol) return text + "<malformed>";
    if (bytes.size() < eol + 2 + size + 2) return text;
    if (bytes.compare(eol + 2 + size, 2, "\r\n") != 0) return text + "<malformed>";
    text.append(bytes, eol + 2, size);
    bytes.erase(0, eol + 2 + size + 2);
    if (size == 0) text += "<end>";
  }
}

struct stream_setup {
  explicit stream_setup(sse::stream_options o = sse::stream_options()) : options(std::move(o)) {}
  sse::stream_options options;
  http::framing how = http::framing::chunked;
  std::optional<protocol::compressor_parameters> gzip;
  testing::faults faults;
};

/// A stream and the far end of its pipe.
class far_stream {
 public:
  explicit far_stream(asio::io_context& ioc, const stream_setup& o = stream_setup())
      : far_stream(ioc.get_executor(), ioc.get_executor(), o) {}
  far_stream(const asio::any_io_executor& near_ex, const asio::any_io_executor& far_ex,
             const stream_setup& o = stream_setup()) {
    const auto ends = testing::memory_pair(near_ex, far_ex, o.faults);
    near = ends.first;
    far = ends.second;
    coax::detail::event_settings settings(o.options, o.how, "7");
    settings.gzip = o.gzip;
    core = coax::detail::event_connection::create(near, settings);
    stream = sse::event_stream(core);
  }

  /// What has arrived since the last call, without its chunks.
  std::string text() {
    receive();
    return take_chunks(raw);
  }
  /// Reads all that is there into `raw`.
  void receive() {
    char chunk[4096];
    error_code ec;
    while (const std::size_t n = far->read_some(asio::buffer(chunk), ec)) raw.append(chunk, n);
    if (ec != asio::error::would_block) {
      over = true;
      how_over = ec;
    }
  }
  /// What arrives until `whole` of it has, the stream is over, or nothing has come for long.
  task<std::string> wait_for_text(std::size_t whole) {
    std::string all;
    for (int idle = 0; all.size() < whole && !over && idle < 1000; ++idle) {
      co_await settle(1);
      const auto before = raw.size();
      receive();
      if (raw.size() != before) idle = 0;
      all += take_chunks(raw);
    }
    co_return all;
  }

  std::shared_ptr<testing::memory_end> near, far;
  std::shared_ptr<coax::detail::event_connection> core;
  sse::event_stream stream;
  std::string raw;
  bool over = false;
  error_code how_over;
};

/// The error that `op` throws, if any.
inline task<error_code> code_of(task<> op) {
  try {
    co_await std::move(op);
  } catch (const system_error& e) {
    co_return e.code();
  }
  co_return error_code();
}

/// Runs `body` beside the test. What it ends with is for the test to look at.
struct beside {
  template <class Body>
  beside(asio::io_context& ioc, Body body) {
    asio::co_spawn(ioc, std::move(body), [s = state](std::exception_ptr e) {
      s->ended = true;
      s->error = e;
    });
  }
  bool ended() const { return state->ended; }
  error_code code() const {
    try {
      if (state->error) std::rethrow_exception(state->error);
    } catch (const system_error& e) {
      return e.code();
    }
    return {};
  }
  struct outcome {
    bool ended = false;
    std::exception_ptr error;
  };
  std::shared_ptr<outcome> state = std::make_shared<outcome>();
};

/// Moves the clock in steps, as real time would: each lets what it has made due run before the next.
inline task<> pass(testing::virtual_clock& clock, std::chrono::milliseconds d, std::chrono::milliseconds step = 100ms) {
  for (; d > 0ms; d -= step) {
    clock.advance(std::min(d, step));
    co_await settle(6);
  }
}

}  // namespace coax::test
