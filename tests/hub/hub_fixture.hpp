/// Server connections over pipes in memory, and what arrives at their other ends, byte for byte.
#pragma once

#include "support/run.hpp"
#include "websocket/connection.hpp"
#include <coax/hub.hpp>
#include <coax/testing.hpp>

#include <string>
#include <vector>

namespace coax::test {

class test_options : public conn_options<test_options> {
 public:
  test_options() { keepalive(std::chrono::nanoseconds(0)); }
};

using names = std::vector<std::string>;

/// A server's connection and the far end of its pipe, at which a test reads raw frames.
class far_end {
 public:
  explicit far_end(const asio::any_io_executor& ex, const testing::faults& f = {}) {
    const auto ends = testing::memory_pair(ex, ex, f);
    near = ends.first;
    far_ = ends.second;
  }

  conn accept(const test_options& o = {}, protocol::role r = protocol::role::server) {
    return conn(detail::connection::create(near, detail::connection_settings(r, o), {}));
  }

  /// What has arrived since the last call, frame by frame: "hello", or "close 1013 slow consumer". A frame that is not
  /// complete yet is left for the next call; one that is malformed is "malformed".
  names frames() {
    receive();
    names list;
    while (input_.size() >= 2) {
      std::size_t header = 2;
      std::size_t length = static_cast<unsigned char>(input_[1]);
      if (length == 126) header = 4;
      if (length == 127) header = 10;
      if (input_.size() < header) break;
      if (header != 2) length = 0;
      for (std::size_t i = 2; i != header; ++i) length = length << 8 | static_cast<unsigned char>(input_[i]);
      if (input_.size() < header + length) break;
      list.push_back(describe(static_cast<unsigned char>(input_[0]), input_.substr(header, length)));
      input_.erase(0, header + length);
    }
    return list;
  }

  /// Bytes that have arrived, as they are.
  const std::string& receive() {
    char chunk[4096];
    error_code ec;
    while (const std::size_t n = far_->read_some(asio::buffer(chunk), ec)) input_.append(chunk, n);
    if (ec == asio::error::eof) ended = true;
    return input_;
  }

  void write(std::string_view bytes) {
    error_code ec;
    const asio::const_buffer b = asio::buffer(bytes);
    far_->write_some(std::span(&b, 1), ec);
  }
  /// Sends a masked frame (with the key zero, which changes nothing).
  void send(char first_byte, std::string_view payload) {
    std::string frame{first_byte, static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0};
    write(frame.append(payload));
  }
  void hang_up() { far_->close(); }

  std::shared_ptr<testing::memory_end> near;
  bool ended = false;

 private:
  static std::string describe(unsigned char first, const std::string& payload) {
    if (first == 0x81 || first == 0x82) return payload;
    if (first != 0x88 || payload.size() < 2) return "malformed";
    const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    return "close " + std::to_string(code) + (payload.size() > 2 ? " " : "") + payload.substr(2);
  }

  std::shared_ptr<testing::memory_end> far_;
  std::string input_;
};

/// A peer whose socket takes nothing, with a message "primer" on its way, so that all that follows is queued.
inline task<peer> blocked_peer(hub& h, far_end& end, const queue_limits& limits, test_options options = {}) {
  const auto at_hub = &h;
  peer p = at_hub->attach(end.accept(options), limits);
  end.near->stall();
  p.send_text("primer");
  co_await settle();
  co_return p;
}

/// Publishes "0", "1", … to a topic of a peer that takes nothing, and lets it have what there is of that. Returns the
/// figures from before it could.
inline task<hub_stats> overfill(hub& h, far_end& end, std::string topic, std::size_t n, publish_options how = {}) {
  for (std::size_t i = 0; i != n; ++i) h.publish_text(topic, std::to_string(i), how);
  co_await settle();
  const auto before = h.stats();
  end.near->unstall();
  co_await settle(100);
  co_return before;
}

/// What a task throws; nothing if that is no `Error`.
template <class Error, class T>
task<std::optional<Error>> thrown(task<T> t) {
  std::optional<Error> error;
  try {
    co_await std::move(t);
  } catch (const Error& e) {
    error = e;
  }
  co_return error;
}

inline std::string text(std::size_t i) { return std::to_string(i); }

/// "0", "1", … behind `first`.
inline names numbers(std::size_t from, std::size_t to, names first = {}) {
  for (; from != to; ++from) first.push_back(text(from));
  return first;
}

}  // namespace coax::test

/// Compares lists of frames, with both in the message.
#define COAX_CHECK_FRAMES(got, expected)                             \
  do {                                                               \
    const coax::test::names got_ = (got), expected_ = (expected);    \
    BOOST_TEST(got_ == expected_, boost::test_tools::per_element()); \
  } while (false)
