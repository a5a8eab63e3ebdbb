/// Connections over a pair in memory: two of ours, or one of ours against a hand that writes frames.
#pragma once

#include "io/stream.hpp"
#include "support/connections.hpp"
#include "support/run.hpp"
#include <coax/conn.hpp>
#include <coax/testing.hpp>

#include <boost/asio/detached.hpp>

#include <string>
#include <vector>

namespace coax::test {

using namespace std::chrono_literals;

/// A server and a client of ours, with the ends of the pair to misbehave with.
struct peers {
  explicit peers(asio::io_context& ioc, const options& o = {}, const testing::faults& f = {})
      : peers(ioc.get_executor(), ioc.get_executor(), o, f) {}
  peers(asio::any_io_executor a, asio::any_io_executor b, const options& o = {}, const testing::faults& f = {})
      : peers(testing::memory_pair(a, b, f), o) {}

  std::shared_ptr<testing::memory_end> server_end, client_end;
  conn server, client;

 private:
  peers(std::pair<std::shared_ptr<testing::memory_end>, std::shared_ptr<testing::memory_end>> ends, const options& o)
      : server_end(ends.first),
        client_end(ends.second),
        server(over(ends.first, protocol::role::server, o)),
        client(over(ends.second, protocol::role::client, o)) {}
};

/// A frame as it came over the wire.
struct wire_frame {
  protocol::frame_header head;
  std::string payload;
  unsigned status() const {
    return payload.size() < 2 ? 0
                              : static_cast<unsigned>(static_cast<unsigned char>(payload[0])) << 8 |
                                    static_cast<unsigned char>(payload[1]);
  }
};

/// One of ours at one end and raw bytes at the other. `role` is that of ours.
class scripted {
 public:
  scripted(asio::io_context& ioc, protocol::role role, const options& o = {}, const testing::faults& f = {})
      : scripted(testing::memory_pair(ioc.get_executor(), ioc.get_executor(), f), role, o) {}

  std::shared_ptr<testing::memory_end> our_end, raw_end;
  conn ours;

  /// A frame from the other side, masked as it must be.
  std::string frame(protocol::opcode op, std::string_view payload, bool fin = true, bool rsv1 = false) const {
    coax::detail::storage out;
    const auto sender = protocol::peer_of(role_);
    protocol::append_frame(out, sender, {op, fin, rsv1}, std::as_bytes(std::span(payload)));
    return {reinterpret_cast<const char*>(out.data()), out.size()};
  }
  std::string close_frame(unsigned status, std::string_view reason = {}) const {
    std::string payload{static_cast<char>(status >> 8), static_cast<char>(status & 0xff)};
    payload += reason;
    return frame(protocol::opcode::close, payload);
  }

  task<> send(std::string bytes) {
    const asio::const_buffer all = asio::buffer(bytes);
    const context ctx;
    const error_code ec = co_await raw_->write(all, ctx);
    if (ec) throw system_error(ec, "scripted peer: send");
  }

  /// The next frame from ours, unmasked; nothing at the end of the stream.
  task<std::optional<wire_frame>> receive() {
    for (;;) {
      wire_frame f;
      protocol::frame_rules rules;
      rules.role = protocol::peer_of(role_);
      rules.in_message = in_message_;
      rules.deflate = true;
      const auto have = std::as_bytes(std::span(received_));
      const auto head = protocol::decode_header(have, rules, f.head);
      if (head.error != protocol::frame_error::none) throw std::runtime_error("ours sent a malformed frame");
      if (head.complete && received_.size() >= head.size + f.head.length) {
        f.payload = received_.substr(head.size, f.head.length);
        if (f.head.masked) protocol::mask(reinterpret_cast<std::byte*>(f.payload.data()), f.payload.size(), f.head.key);
        received_.erase(0, head.size + f.head.length);
        if (!protocol::is_control(f.head.op)) in_message_ = !f.head.fin;
        co_return f;
      }
      char chunk[4096];
      const asio::mutable_buffer to = asio::buffer(chunk);
      const context ctx;
      const auto n = co_await raw_->read_some(to, ctx);
      if (!n) co_return std::nullopt;
      received_.append(chunk, *n);
    }
  }

  /// Drops what ours sent so far and says the end of what this side sends.
  void shut() { raw_->lower().shutdown_send(); }

 private:
  scripted(std::pair<std::shared_ptr<testing::memory_end>, std::shared_ptr<testing::memory_end>> ends,
           protocol::role role, const options& o)
      : our_end(ends.first),
        raw_end(ends.second),
        ours(over(ends.first, role, o)),
        role_(role),
        raw_(coax::detail::stream::create(ends.second)) {}

  protocol::role role_;
  std::shared_ptr<coax::detail::stream> raw_;
  std::string received_;
  bool in_message_ = false;
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

/// Moves the clock in steps, as real time would: each lets what it has made due run before the next.
inline task<> pass(testing::virtual_clock& clock, std::chrono::milliseconds d, std::chrono::milliseconds step = 100ms) {
  for (; d > 0ms; d -= step) {
    clock.advance(std::min(d, step));
    co_await settle(6);
  }
}

/// Runs `body` beside the test; an exception that leaves it fails the test. The result says whether it has ended.
template <class Body>
std::shared_ptr<bool> beside(const asio::any_io_executor& ex, Body body) {
  auto ended = std::make_shared<bool>(false);
  asio::co_spawn(ex, std::move(body), [ended](std::exception_ptr e) {
    *ended = true;
    try {
      if (e) std::rethrow_exception(e);
    } catch (const std::exception& x) {
      BOOST_ERROR("a coroutine beside the test threw: " << x.what());
    }
  });
  return ended;
}

/// `n` bytes of text that differ from place to place.
inline std::string pattern(std::size_t n, unsigned seed = 0) {
  std::string s(n, ' ');
  for (std::size_t i = 0; i < n; ++i) s[i] = static_cast<char>('!' + (i * 7 + i / 251 + seed) % 90);
  return s;
}

inline asio::const_buffer buffer(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace coax::test
