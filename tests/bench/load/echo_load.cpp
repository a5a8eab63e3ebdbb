#include "echo_load.hpp"

#include "posix.hpp"

#include <algorithm>
#include <utility>

namespace bench {

connection::connection(const traffic& t, int epoll, std::uint16_t port, SSL_CTX* context)
    : traffic_(t), epoll_(epoll), channel_(port, t.what, context), checker_(t, channel_.keeps_window()) {
  epoll_event event = interest(EPOLLIN);
  check(epoll_ctl(epoll_, EPOLL_CTL_ADD, channel_.fd(), &event), "epoll_ctl");
}

epoll_event connection::interest(std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = this;
  return event;
}

void connection::owe(std::size_t messages) {
  later_ += messages;
  send_owed();
}

void connection::send_owed() {
  for (;;) {
    if (sent_ == end_) {
      if (later_ == 0) break;
      // The next run begins in the first of the two cycles, and is contiguous up to the length of one.
      const std::size_t n = std::min(later_, traffic_.cycle);
      sent_ = next_ == 0 ? 0 : traffic_.ends[next_ - 1];
      end_ = traffic_.ends[next_ + n - 1];
      next_ = (next_ + n) % traffic_.cycle;
      later_ -= n;
    }
    const auto sent = channel_.send(traffic_.frames.data() + sent_, end_ - sent_);
    if (sent < 0 && errno != EAGAIN) fail("send");
    if (sent < 0) return wait_for_room(true);
    sent_ += static_cast<std::size_t>(sent);
  }
  wait_for_room(false);
}

std::size_t connection::receive(std::vector<char>& buffer) {
  std::size_t complete = 0;
  do {
    const auto n = channel_.receive(buffer.data(), buffer.size());
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) fail("recv");
    if (n == 0) throw std::runtime_error("the server closed a connection");
    complete += checker_.consume({buffer.data(), static_cast<std::size_t>(n)});
  } while (channel_.buffers());
  return complete;
}

void connection::wait_for_room(bool wait) {
  if (wait == waiting_) return;
  waiting_ = wait;
  epoll_event event = interest(wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
  check(epoll_ctl(epoll_, EPOLL_CTL_MOD, channel_.fd(), &event), "epoll_ctl");
}

echo_load::echo_load(const traffic& t, std::size_t connections, std::uint16_t port, SSL_CTX* context)
    : traffic_(t), epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  for (std::size_t i = 0; i < connections; ++i)
    connections_.push_back(std::make_unique<connection>(t, epoll_, port, context));
}

echo_load::~echo_load() { close(epoll_); }

std::uint64_t echo_load::turn(int timeout, bool go_on) {
  epoll_event events[64];
  const int ready = epoll_wait(epoll_, events, 64, timeout);
  if (ready < 0 && errno != EINTR) fail("epoll_wait");
  std::uint64_t echoes = 0;
  for (int i = 0; i < ready; ++i) {
    auto& c = *static_cast<connection*>(events[i].data.ptr);
    if (events[i].events & EPOLLOUT) c.send_owed();
    if (!(events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) continue;
    const auto complete = c.receive(buffer_);
    echoes += complete;
    if (go_on && complete != 0) c.owe(complete);
  }
  return echoes;
}

std::uint64_t echo_load::run(steady::time_point end, std::uint64_t most) {
  if (!std::exchange(started_, true))
    for (auto& c : connections_) c->owe(traffic_.what.in_flight);
  std::uint64_t echoes = 0;
  while (echoes < most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady::now()).count();
    if (left <= 0) break;
    echoes += turn(static_cast<int>(left), true);
  }
  return echoes;
}

void echo_load::once() {
  for (auto& c : connections_) c->owe(1);
  // A turn may bring parts of echoes alone.
  auto patience = steady::now() + std::chrono::seconds(5);
  for (std::uint64_t echoes = 0; echoes < connections_.size();) {
    const auto now = turn(1000, false);
    if (now != 0) patience = steady::now() + std::chrono::seconds(5);
    if (steady::now() > patience) throw std::runtime_error("an echo is missing");
    echoes += now;
  }
}

}  // namespace bench
