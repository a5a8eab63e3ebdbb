#include "churn.hpp"

#include "channel.hpp"
#include "posix.hpp"

#include <sys/epoll.h>

#include <stdexcept>

namespace bench {
namespace {

// A close frame with status 1000, masked with zeros.
constexpr std::string_view goodbye("\x88\x82\0\0\0\0\x03\xe8", 8);

// Each connection comes from another loopback address, since the ports of one would soon be used up.
std::uint32_t next_source() {
  static std::uint32_t n = static_cast<std::uint32_t>(getpid());
  return INADDR_LOOPBACK + 1 + n++ % 200'000;
}

class visitor {
 public:
  visitor(const traffic& t, const std::string& request, int epoll, std::uint16_t port)
      : traffic_(t), request_(request), epoll_(epoll), port_(port) {
    come();
  }
  visitor(const visitor&) = delete;
  visitor& operator=(const visitor&) = delete;
  ~visitor() { close(fd_); }

  // Returns 1 when it has gone its way; it comes again then.
  int go_on(std::uint32_t events) {
    if (stage_ == stage::connecting) {
      if (!(events & EPOLLOUT)) throw std::runtime_error("a connection was refused");
      send(request_);
      epoll_event event{EPOLLIN, {.ptr = this}};
      check(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event), "epoll_ctl");
      stage_ = stage::shaking_hands;
      return 0;
    }
    char buffer[4096];
    const auto n = recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0 && stage_ != stage::leaving) throw std::runtime_error("the server closed a connection");
    got_.append(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (stage_ == stage::shaking_hands && got_.ends_with("\r\n\r\n")) {
      if (!got_.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("the server refused: " + got_);
      next(stage::talking, std::string_view(traffic_.frames).substr(0, traffic_.ends[0]));
    } else if (stage_ == stage::talking && got_.size() >= traffic_.messages[0].size() + 2) {
      if (!got_.ends_with(traffic_.messages[0])) throw std::runtime_error("an echo differs from the message");
      next(stage::leaving, goodbye);
    } else if (stage_ == stage::leaving && got_.starts_with('\x88')) {
      leave();
      come();
      return 1;
    }
    return 0;
  }

 private:
  enum class stage { connecting, shaking_hands, talking, leaving };

  void come() {
    fd_ = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    no_delay(fd_);
    const int late = 1;
    check(setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late), "IP_BIND_ADDRESS_NO_PORT");
    const auto source = loopback(0, next_source());
    check(bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source), "bind");
    const auto address = loopback(port_);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS)
      fail("connect");
    epoll_event event{EPOLLOUT, {.ptr = this}};
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event), "epoll_ctl");
    stage_ = stage::connecting;
    got_.clear();
  }
  // With a reset, so that no port is left waiting.
  void leave() {
    const linger now{1, 0};
    check(setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now), "SO_LINGER");
    close(fd_);
  }
  void send(std::string_view bytes) {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) fail("send");
  }
  void next(stage s, std::string_view bytes) {
    got_.clear();
    stage_ = s;
    send(bytes);
  }

  const traffic& traffic_;
  const std::string& request_;
  int epoll_;
  std::uint16_t port_;
  int fd_ = -1;
  stage stage_ = stage::connecting;
  std::string got_;
};

}  // namespace

std::uint64_t churn(const traffic& t, std::size_t side_by_side, std::uint16_t port,
                    std::chrono::steady_clock::time_point end) {
  const int epoll = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  const auto request = handshake_request(port, compressed::off);
  std::vector<std::unique_ptr<visitor>> visitors;
  for (std::size_t i = 0; i != side_by_side; ++i)
    visitors.push_back(std::make_unique<visitor>(t, request, epoll, port));

  std::uint64_t visits = 0;
  epoll_event events[64];
  while (std::chrono::steady_clock::now() < end) {
    const int ready = epoll_wait(epoll, events, 64, 100);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; ++i)
      visits += static_cast<unsigned>(static_cast<visitor*>(events[i].data.ptr)->go_on(events[i].events));
  }
  close(epoll);
  return visits;
}

}  // namespace bench
