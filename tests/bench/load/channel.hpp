/// A connected socket of the load, plain or TLS, after the WebSocket handshake.
#pragma once

#include "traffic.hpp"

#include <openssl/ssl.h>

#include <sys/types.h>

#include <memory>

namespace bench {

using ssl_context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

/// A client's context that believes every certificate: only the cost of a connection matters here.
ssl_context make_ssl_context();

/// The request of the handshake.
std::string handshake_request(std::uint16_t port, compressed compression);

class channel {
 public:
  /// Connects and shakes hands, blocking; does not block from then on. `context` null: plain.
  channel(std::uint16_t port, const traffic_options& what, SSL_CTX* context);
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel();

  int fd() const noexcept { return fd_; }
  /// Whether the server said that it keeps its compression window from message to message.
  bool keeps_window() const noexcept { return keeps_window_; }

  /// As recv and send; -1 with EAGAIN when there is nothing to do now.
  ssize_t receive(char* to, std::size_t size);
  ssize_t send(const char* from, std::size_t size);
  /// Whether `receive` may have more without the socket becoming readable.
  bool buffers() const noexcept { return ssl_ != nullptr; }

 private:
  void shake_hands(std::uint16_t port, compressed compression);
  ssize_t outcome(int result);

  int fd_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool keeps_window_ = false;
};

}  // namespace bench
