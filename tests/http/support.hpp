/// A server on the test's io_context, and a client that sees every byte.
#pragma once

#include "support/run.hpp"
#include <coax/accept.hpp>
#include <coax/server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <mutex>
#include <set>

namespace coax::test {

using asio::ip::tcp;

/// A server that runs until `stop`.
class running_server {
 public:
  explicit running_server(asio::io_context& ioc, server_options options = {})
      : srv(ioc.get_executor(), options.log([this](log_level level, std::string_view text) { add_line(level, text); })),
        ioc_(ioc),
        ended_(ioc, asio::steady_timer::time_point::max()) {}

  void start(std::string_view address = "127.0.0.1:0") {
    srv.listen(address);
    asio::co_spawn(
        ioc_, [this] { return srv.serve(source.get_token()); },
        [this](std::exception_ptr e) {
          done = true;
          error = e;
          ended_.cancel();
        });
  }

  /// Waits until `serve` has returned.
  task<> ended() {
    if (!done) co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) std::rethrow_exception(error);
  }
  /// Stops it, and ends what the clients send: a server waits for that before it closes a connection. What a server
  /// does with clients that say nothing is seen by `source.request_stop()` and `ended()`.
  task<> stop();

  /// How many log lines of at least that level hold `text`.
  std::size_t logged(std::string_view text, log_level least = log_level::info) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) {
      return line.first >= least && line.second.find(text) != std::string::npos;
    }));
  }
  /// Whether nothing worth a warning was logged; otherwise it is shown.
  bool quiet() const {
    const std::lock_guard lock(mutex_);
    bool none = true;
    for (const auto& [level, text] : lines_)
      if (level >= log_level::warning) {
        BOOST_WARN_MESSAGE(false, text);
        none = false;
      }
    return none;
  }

  server srv;
  std::stop_source source;
  bool done = false;
  std::exception_ptr error;

 private:
  void add_line(log_level level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(level, text);
  }

  asio::io_context& ioc_;
  asio::steady_timer ended_;
  mutable std::mutex mutex_;
  std::vector<std::pair<log_level, std::string>> lines_;
};

/// An HTTP response as it came.
struct raw_reply {
  raw_reply() = default;

  unsigned status = 0;
  std::string head;
  std::string body;

  std::string header(std::string_view name) const;
  bool has(std::string_view name) const;
};

enum class expect_body : unsigned char { yes, no };

class raw_client {
 public:
  raw_client(asio::io_context& ioc, std::uint16_t port);
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  ~raw_client();

  task<> send(std::string_view bytes);
  /// The next response; `expect_body::no` for the answer to a HEAD request. Status 0 at the end of the connection.
  task<raw_reply> read(expect_body b = expect_body::yes);
  /// Sends a request and reads its response.
  task<raw_reply> ask(std::string request);
  /// Reads until the end: everything that came and was not read, then "<reset>" if it was a reset.
  task<std::string> read_all();
  /// At least `n` bytes, without taking them.
  task<std::string_view> peek(std::size_t n);

  /// Ends what is sent.
  void finish() { socket.shutdown(tcp::socket::shutdown_send); }
  /// Cuts the connection with RST.
  void reset();

  const std::uint16_t port;  // of the server
  tcp::socket socket;
  std::string input;
  bool over = false;  // the peer has said its end

 private:
  task<bool> more();
  task<bool> read_chunks(std::string& body);
};

/// "GET path HTTP/1.1" with a Host field and further ones.
std::string get(std::string_view path, std::string_view fields = {});

/// The fields of a correct WebSocket request.
inline constexpr std::string_view websocket_fields =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A frame of a client, masked with zeros.
std::string frame(unsigned opcode, std::string_view payload);

}  // namespace coax::test
