#include "redis/redis_proxy.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

namespace coax::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

sockaddr* erased(sockaddr_in& a) { return reinterpret_cast<sockaddr*>(&a); }

std::string receive(int from) {
  std::string bytes(64 * 1024, '\0');
  const auto n = ::recv(from, bytes.data(), bytes.size(), 0);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

redis_proxy::redis_proxy(std::uint16_t server) : server_(server), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, erased(address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, erased(address), &size) != 0)
    throw std::runtime_error("redis_proxy: no port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

redis_proxy::~redis_proxy() {
  stop_ = true;
  thread_.join();
  close();
  ::close(listener_);
}

void redis_proxy::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const auto& p : pairs_) ::close(p.client), ::close(p.server);
  pairs_.clear();
}

void redis_proxy::open() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

void redis_proxy::lose_answer_to(std::string mark) {
  const std::lock_guard lock(mutex_);
  mark_ = std::move(mark);
}

void redis_proxy::deafen() {
  const std::lock_guard lock(mutex_);
  for (auto& p : pairs_) p.deaf = p.subscribes;
}

void redis_proxy::run() {
  while (!stop_) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    {
      const std::lock_guard lock(mutex_);
      for (const auto& p : pairs_) fds.push_back({p.client, POLLIN, 0}), fds.push_back({p.server, POLLIN, 0});
    }
    if (::poll(fds.data(), fds.size(), 20) <= 0) continue;
    const std::lock_guard lock(mutex_);
    const auto readable = [&](int fd) {
      for (const auto& f : fds)
        if (f.fd == fd && f.revents != 0) return true;
      return false;
    };
    for (auto p = pairs_.begin(); p != pairs_.end();) {
      const bool lives = (!readable(p->client) || from_client(*p)) && (!readable(p->server) || from_server(*p));
      if (lives) {
        ++p;
        continue;
      }
      ::close(p->client), ::close(p->server);
      p = pairs_.erase(p);
    }
    if (readable(listener_)) accept();
  }
}

void redis_proxy::accept() {
  const int client = ::accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  auto address = loopback(server_);
  if (closed_ || ::connect(server, erased(address), sizeof address) != 0) {
    ::close(client), ::close(server);
    return;
  }
  pairs_.push_back({client, server});
}

bool redis_proxy::from_client(pair& p) {
  const auto bytes = receive(p.client);
  if (bytes.find("SUBSCRIBE") != bytes.npos) p.subscribes = true;
  if (!mark_.empty() && bytes.find(mark_) != bytes.npos) {
    p.loses = true;
    mark_.clear();
  }
  return !bytes.empty() && send_all(p.server, bytes);
}

bool redis_proxy::from_server(pair& p) {
  const auto bytes = receive(p.server);
  if (bytes.empty()) return false;
  if (p.loses) {
    ++answers_lost_;
    return false;
  }
  return p.deaf || send_all(p.client, bytes);
}

}  // namespace coax::test
