#include "channel.hpp"

#include "posix.hpp"

#include <fcntl.h>

#include <stdexcept>

namespace bench {

ssl_context make_ssl_context() {
  ssl_context c(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!c) throw std::runtime_error("OpenSSL");
  SSL_CTX_set_mode(c.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return c;
}

std::string handshake_request(std::uint16_t port, compressed compression) {
  return "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         (compression == compressed::off        ? ""
          : compression == compressed::takeover ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                                                : "Sec-WebSocket-Extensions: permessage-deflate; "
                                                  "client_no_context_takeover; server_no_context_takeover\r\n") +
         "\r\n";
}

channel::channel(std::uint16_t port, const traffic_options& what, SSL_CTX* context)
    : fd_(check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")), ssl_(nullptr, SSL_free) {
  const auto address = loopback(port);
  check(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  no_delay(fd_);
  const timeval patience{5, 0};
  check(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  if (context) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("the TLS handshake failed");
  }
  if (what.framed) shake_hands(port, what.compression);
  check(fcntl(fd_, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
}

channel::~channel() {
  ssl_.reset();
  close(fd_);
}

void channel::shake_hands(std::uint16_t port, compressed compression) {
  const auto request = handshake_request(port, compression);
  if (send(request.data(), request.size()) != static_cast<ssize_t>(request.size())) fail("handshake");
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char c = 0;
    if (receive(&c, 1) != 1) fail("handshake");
    head += c;
  }
  if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("the server refused: " + head);
  if (compression != compressed::off && head.find("permessage-deflate") == std::string::npos)
    throw std::runtime_error("the server does not compress: " + head);
  keeps_window_ = head.find("server_no_context_takeover") == std::string::npos;
}

ssize_t channel::receive(char* to, std::size_t size) {
  return ssl_ ? outcome(SSL_read(ssl_.get(), to, static_cast<int>(size))) : recv(fd_, to, size, 0);
}

ssize_t channel::send(const char* from, std::size_t size) {
  return ssl_ ? outcome(SSL_write(ssl_.get(), from, static_cast<int>(size))) : ::send(fd_, from, size, MSG_NOSIGNAL);
}

ssize_t channel::outcome(int result) {
  if (result > 0) return result;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: throw std::runtime_error("TLS failed");
  }
}

}  // namespace bench
