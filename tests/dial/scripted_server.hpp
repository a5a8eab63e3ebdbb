/// A server that says what it is told, over a real socket.
#pragma once

#include "io/stream.hpp"
#include <coax/transport.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace coax::test {

/// One client at a time, until the object goes.
class scripted_server {
 public:
  /// What happens to a connection once the head of its request has come.
  using script = std::function<task<>(std::shared_ptr<detail::stream> s, std::string request)>;

  scripted_server(asio::io_context& ioc, script what);
  ~scripted_server();

  std::string port() const;
  /// "ws://127.0.0.1:port/"
  std::string url(const std::string& scheme = "ws", const std::string& host = "127.0.0.1") const;
  /// Shakes hands over TLS first.
  void tls() noexcept;
  int accepted() const noexcept;

 private:
  struct state;
  static task<> serve(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

/// The value of a field in a request, or nothing.
std::string field(const std::string& request, const std::string& name);

/// A correct 101 for a request, with more fields.
std::string upgrade(const std::string& request, const std::string& more = {});

/// Up to the empty line; nothing if the client ends before.
task<std::string> read_head(std::shared_ptr<detail::stream> s);

task<> send(std::shared_ptr<detail::stream> s, std::string text);
task<> send_byte_by_byte(std::shared_ptr<detail::stream> s, std::string text);

/// Reads and drops until the client ends.
task<> wait_for_end(std::shared_ptr<detail::stream> s);

/// Sends `text` with "{accept}" replaced, and ends, or else keeps the connection until the client ends it.
enum class afterwards : unsigned char { end, stay };
scripted_server::script reply(std::string text, afterwards then = afterwards::end);

}  // namespace coax::test
