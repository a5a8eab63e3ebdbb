/// Many connections that each keep some messages in flight to an echo server, on one thread with plain epoll.
#pragma once

#include "channel.hpp"
#include "echo_checker.hpp"

#include <sys/epoll.h>

#include <chrono>
#include <limits>

namespace bench {

using steady = std::chrono::steady_clock;

class connection {
 public:
  connection(const traffic& t, int epoll, std::uint16_t port, SSL_CTX* context);

  /// Sends another `messages`, as far as there is room; the rest when there is.
  void owe(std::size_t messages);
  void send_owed();
  /// Receives what is there and returns the number of echoes that are now complete.
  std::size_t receive(std::vector<char>& buffer);

 private:
  void wait_for_room(bool wait);
  epoll_event interest(std::uint32_t events);

  const traffic& traffic_;
  int epoll_;
  channel channel_;
  echo_checker checker_;
  std::size_t next_ = 0;   // message of the cycle
  std::size_t sent_ = 0;   // bytes of traffic_.frames, up to which all is sent
  std::size_t end_ = 0;    // bytes of that, up to which all is owed
  std::size_t later_ = 0;  // messages owed beyond what is contiguous
  bool waiting_ = false;
};

class echo_load {
 public:
  echo_load(const traffic& t, std::size_t connections, std::uint16_t port, SSL_CTX* context);
  echo_load(const echo_load&) = delete;
  echo_load& operator=(const echo_load&) = delete;
  ~echo_load();

  /// Keeps `in_flight` messages on each connection under way until the time has come or so many echoes have; returns
  /// their number.
  std::uint64_t run(steady::time_point end, std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
  /// Sends one message on each connection and waits for its echo.
  void once();

 private:
  std::uint64_t turn(int timeout, bool go_on);

  const traffic& traffic_;
  int epoll_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  bool started_ = false;
};

}  // namespace bench
