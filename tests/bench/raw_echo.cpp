// The limit of the benchmark: a WebSocket echo on plain epoll with no more than the framing of RFC 6455, one thread.
// No checks, no cancellation, no keepalive, no close handshake but the answer: nobody should serve with this.
//
//     raw_echo --port 9001        prints "listening on PORT" and serves until it is ended
#include "load/posix.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <sys/epoll.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using bench::check;

constexpr std::size_t buffer_size = 64 * 1024;

char received[buffer_size];  // what one turn takes, while no connection has a part of a message
std::string answers;         // to all messages in that

struct connection {
  explicit connection(int f) : fd(f) {}

  int fd;
  bool open = false;       // the handshake is done
  std::string partial;     // the beginning of a message, or of the handshake
  std::size_t filled = 0;  // bytes of it
  std::string unsent;
  bool leaving = false;
};

void unmask(char* p, std::size_t n, std::uint32_t key) {
  const std::uint64_t wide = key | std::uint64_t{key} << 32;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, p + i, 8);
    word ^= wide;
    std::memcpy(p + i, &word, 8);
  }
  for (; i < n; ++i) p[i] = static_cast<char>(p[i] ^ static_cast<char>(key >> (8 * (i % 4))));
}

struct header {
  std::size_t size = 0;  // 0: not all there
  std::size_t length = 0;
  std::uint32_t key = 0;
};

header parse(const char* p, std::size_t n) {
  if (n < 6) return {};
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  std::size_t length = u[1] & 0x7f;
  const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (n < 6 + more) return {};
  if (more) length = 0;
  for (std::size_t i = 0; i != more; ++i) length = length << 8 | u[2 + i];
  std::uint32_t key;
  std::memcpy(&key, p + 2 + more, 4);
  return {6 + more, length, key};
}

// Writes the header of the echo so that it ends at `end`; returns where it begins.
char* write_header(char* end, char first, std::size_t length) {
  const std::size_t more = length < 126 ? 0 : length < 65536 ? 2 : 8;
  char* p = end - 2 - more;
  p[0] = first;
  p[1] = static_cast<char>(more == 0 ? length : more == 2 ? 126 : 127);
  for (std::size_t i = 0; i != more; ++i) p[2 + i] = static_cast<char>(length >> (8 * (more - 1 - i)));
  return p;
}

void send_all(connection& c, int epoll, const char* p, std::size_t n) {
  if (c.unsent.empty()) {
    const auto sent = send(c.fd, p, n, MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(n)) return;
    if (sent > 0) p += sent, n -= static_cast<std::size_t>(sent);
    epoll_event e{EPOLLIN | EPOLLOUT, {.ptr = &c}};
    check(epoll_ctl(epoll, EPOLL_CTL_MOD, c.fd, &e), "epoll_ctl");
  }
  c.unsent.append(p, n);
}

void send_rest(connection& c, int epoll) {
  const auto sent = send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
  if (sent > 0) c.unsent.erase(0, static_cast<std::size_t>(sent));
  if (!c.unsent.empty()) return;
  epoll_event e{EPOLLIN, {.ptr = &c}};
  check(epoll_ctl(epoll, EPOLL_CTL_MOD, c.fd, &e), "epoll_ctl");
}

// Answers the handshake once it is complete; what comes behind it is not expected.
void shake_hands(connection& c, int epoll) {
  const std::string_view head(c.partial.data(), c.filled);
  if (!head.ends_with("\r\n\r\n")) return;
  const auto at = head.find("Sec-WebSocket-Key: ");
  const auto key = std::string(head.substr(at + 19, 24)) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH], accept[29];
  SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest);
  EVP_EncodeBlock(accept, digest, sizeof digest);
  const auto answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      std::string(reinterpret_cast<char*>(accept)) + "\r\n\r\n";
  send_all(c, epoll, answer.data(), answer.size());
  c.open = true;
  c.filled = 0;
}

// Takes all whole messages in these bytes; returns how many bytes that were.
std::size_t answer(connection& c, char* p, std::size_t n) {
  std::size_t at = 0;
  for (;;) {
    const auto h = parse(p + at, n - at);
    if (h.size == 0 || n - at < h.size + h.length) return at;
    char* payload = p + at + h.size;
    unmask(payload, h.length, h.key);
    const char* from = write_header(payload, p[at], h.length);
    if ((*from & 0xf) == 8) c.leaving = true;
    answers.append(from, static_cast<std::size_t>(payload + h.length - from));
    at += h.size + h.length;
  }
}

void flush(connection& c, int epoll) {
  if (!answers.empty()) send_all(c, epoll, answers.data(), answers.size());
  answers.clear();
}

// A message that did not come whole is received into its own memory.
bool receive_partial(connection& c, int epoll) {
  const auto h = c.open ? parse(c.partial.data(), c.filled) : header{};
  const std::size_t wanted = h.size ? h.size + h.length : c.filled + 4096;
  if (c.partial.size() < wanted) c.partial.resize(wanted);
  const auto n = recv(c.fd, c.partial.data() + c.filled, wanted - c.filled, 0);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  c.filled += static_cast<std::size_t>(n);
  if (!c.open) return shake_hands(c, epoll), true;
  if (h.size && c.filled == wanted) {
    char* payload = c.partial.data() + h.size;
    unmask(payload, h.length, h.key);
    const char* from = write_header(payload, c.partial[0], h.length);
    send_all(c, epoll, from, static_cast<std::size_t>(payload + h.length - from));
    c.filled = 0;
  } else if (!h.size) {
    const auto used = answer(c, c.partial.data(), c.filled);
    std::memmove(c.partial.data(), c.partial.data() + used, c.filled - used);
    c.filled -= used;
    flush(c, epoll);
  }
  return !c.leaving;
}

bool receive(connection& c, int epoll) {
  if (c.filled != 0 || !c.open) return receive_partial(c, epoll);
  const auto n = recv(c.fd, received, buffer_size, 0);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  const auto used = answer(c, received, static_cast<std::size_t>(n));
  flush(c, epoll);
  c.filled = static_cast<std::size_t>(n) - used;
  if (c.filled > c.partial.size()) c.partial.resize(c.filled);
  std::memcpy(c.partial.data(), received + used, c.filled);
  return !c.leaving;
}

void take_connections(int listener, int epoll) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    bench::no_delay(fd);
    epoll_event e{EPOLLIN, {.ptr = new connection(fd)}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
  }
}

void serve(int listener) {
  const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event e{EPOLLIN, {.ptr = nullptr}};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e), "epoll_ctl");
  epoll_event events[128];
  for (;;) {
    const int ready = epoll_wait(epoll, events, 128, -1);
    for (int i = 0; i < ready; ++i) {
      auto* c = static_cast<connection*>(events[i].data.ptr);
      if (!c) {
        take_connections(listener, epoll);
        continue;
      }
      if (events[i].events & EPOLLOUT) send_rest(*c, epoll);
      if (!(events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) || receive(*c, epoll)) continue;
      close(c->fd);
      delete c;
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3 || std::string_view(argv[1]) != "--port") {
    std::cerr << "usage: raw_echo --port PORT\n";
    return 2;
  }
  const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  const int on = 1;
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  const auto address = bench::loopback(static_cast<std::uint16_t>(std::stoi(argv[2])));
  check(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  check(listen(listener, 4096), "listen");
  std::cout << "listening on " << argv[2] << std::endl;
  serve(listener);
} catch (const std::exception& e) {
  std::cerr << "raw_echo: " << e.what() << '\n';
  return 1;
}
