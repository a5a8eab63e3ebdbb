// Load for an echo server: N connections with K messages of one size in flight each, one thread, plain epoll.
//
// Every echo must be the message, byte for byte. Prints one line of JSON about a window behind a warm-up: messages
// echoed, seconds, CPU time of the server's process in nanoseconds, and the share of the time that this program was
// idle. A share near 0 says that the load, not the server, was the limit.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

constexpr std::string_view usage =
    "Usage: load --port PORT [--connections 64] [--in-flight 1] [--size 64] [--seconds 3] [--server-pid PID]\n";

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int check(int result, const char* what) {
  if (result < 0) fail(what);
  return result;
}

std::uint64_t cpu_ns(clockid_t clock) {
  timespec t{};
  check(clock_gettime(clock, &t), "clock_gettime");
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

clockid_t cpu_clock(pid_t pid) {
  clockid_t clock{};
  if (const int error = clock_getcpuclockid(pid, &clock)) {
    errno = error;
    fail("clock_getcpuclockid");
  }
  return clock;
}

constexpr std::string_view masking_key = "\x37\xfa\x21\x3d";

char byte(std::uint64_t value) { return static_cast<char>(value & 0xff); }

// One binary frame, masked as a client must: RFC 6455 section 5.2.
std::string frame(std::string_view payload) {
  const std::uint64_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  std::string out{byte(0x82), byte(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127))};
  for (int i = length_bytes - 1; i >= 0; --i) out += byte(size >> (8 * i));
  out += masking_key;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(payload[i] ^ masking_key[i % masking_key.size()]);
  return out;
}

struct traffic {
  std::string payload;
  std::size_t frame_size = 0;
  std::string frames;  // as many as may be in flight
};

traffic make_traffic(std::size_t size, std::size_t in_flight) {
  std::mt19937 random(1);
  traffic t;
  for (std::size_t i = 0; i < size; ++i) t.payload += byte(random());
  const auto one = frame(t.payload);
  t.frame_size = one.size();
  for (std::size_t i = 0; i < in_flight; ++i) t.frames += one;
  return t;
}

// Checks that what a server sends is the message over and over, in one frame or several each.
class echo_checker {
 public:
  explicit echo_checker(std::string_view message) : message_(message) {}

  // Returns how many messages these bytes complete.
  std::size_t consume(std::string_view bytes) {
    std::size_t complete = 0;
    while (!bytes.empty()) {
      if (!in_payload_) {
        take_header(bytes.front());
        bytes.remove_prefix(1);
      } else {
        const auto piece = bytes.substr(0, std::min(left_, bytes.size()));
        if (piece != message_.substr(at_, piece.size())) throw std::runtime_error("an echo differs from the message");
        at_ += piece.size();
        left_ -= piece.size();
        bytes.remove_prefix(piece.size());
      }
      if (in_payload_ && left_ == 0) complete += finish_frame();
    }
    return complete;
  }

 private:
  void take_header(char c) {
    const auto value = static_cast<unsigned char>(c);
    const auto index = header_size_++;
    if (index == 0) {
      final_ = (value & 0x80) != 0;
      const auto expected = at_ == 0 ? 2u : 0u;
      if ((value & 0x7fu) != expected) throw std::runtime_error("neither a binary frame nor the rest of one");
    } else if (index == 1) {
      if (value > 127) throw std::runtime_error("a masked frame");
      header_end_ = value < 126 ? 2 : value == 126 ? 4 : 10;
      left_ = value < 126 ? value : 0;
    } else {
      left_ = left_ << 8 | value;
    }
    in_payload_ = header_size_ >= 2 && header_size_ == header_end_;
  }

  std::size_t finish_frame() {
    in_payload_ = false;
    header_size_ = 0;
    if (!final_) return 0;
    if (at_ != message_.size()) throw std::runtime_error("an echo is shorter than the message");
    at_ = 0;
    return 1;
  }

  std::string_view message_;
  std::size_t at_ = 0;
  std::size_t left_ = 0;  // of the payload of this frame
  std::size_t header_size_ = 0;
  std::size_t header_end_ = 0;
  bool final_ = false;
  bool in_payload_ = false;
};

// Connects and shakes hands, blocking.
int open_websocket(std::uint16_t port) {
  const int fd = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  const int on = 1;
  check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  const timeval patience{5, 0};
  check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");

  const auto request = "GET / HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                       "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) fail("handshake");
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char c = 0;
    if (recv(fd, &c, 1, 0) != 1) fail("handshake");
    head += c;
  }
  if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("the server refused: " + head);
  check(fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  return fd;
}

class connection {
 public:
  connection(const traffic& t, int epoll, std::uint16_t port)
      : traffic_(t), epoll_(epoll), fd_(open_websocket(port)), owed_(t.frames.size()), checker_(t.payload) {
    epoll_event event = interest(EPOLLIN);
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event), "epoll_ctl");
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { close(fd_); }

  void send_owed() {
    while (owed_ != 0) {
      const auto n = std::min(owed_, traffic_.frames.size() - sent_);
      const auto sent = send(fd_, traffic_.frames.data() + sent_, n, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) fail("send");
      if (sent < 0) return wait_for_room(true);
      owed_ -= static_cast<std::size_t>(sent);
      sent_ = (sent_ + static_cast<std::size_t>(sent)) % traffic_.frames.size();
    }
    wait_for_room(false);
  }

  // Returns the number of echoes that are now complete; each is answered by the next message.
  std::size_t receive(std::vector<char>& buffer) {
    const auto n = recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n < 0) fail("recv");
    if (n == 0) throw std::runtime_error("the server closed a connection");

    const auto complete = checker_.consume({buffer.data(), static_cast<std::size_t>(n)});
    owed_ += complete * traffic_.frame_size;
    send_owed();
    return complete;
  }

 private:
  epoll_event interest(std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = this;
    return event;
  }

  void wait_for_room(bool wait) {
    if (wait == waiting_) return;
    waiting_ = wait;
    epoll_event event = interest(wait ? EPOLLIN | EPOLLOUT : EPOLLIN);
    check(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_, &event), "epoll_ctl");
  }

  const traffic& traffic_;
  int epoll_;
  int fd_;
  std::size_t owed_;      // bytes still to send
  std::size_t sent_ = 0;  // place in traffic_.frames
  echo_checker checker_;
  bool waiting_ = false;
};

class load {
 public:
  load(const traffic& t, std::size_t connections, std::uint16_t port)
      : epoll_(check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    for (std::size_t i = 0; i < connections; ++i) {
      connections_.push_back(std::make_unique<connection>(t, epoll_, port));
    }
    for (auto& c : connections_) c->send_owed();
  }

  std::uint64_t run_until(steady::time_point end) {
    std::uint64_t echoes = 0;
    epoll_event events[64];
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady::now()).count();
      if (left <= 0) return echoes;
      const int ready = epoll_wait(epoll_, events, 64, static_cast<int>(left));
      if (ready < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        auto& c = *static_cast<connection*>(events[i].data.ptr);
        if (events[i].events & EPOLLOUT) c.send_owed();
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) echoes += c.receive(buffer_);
      }
    }
  }

 private:
  int epoll_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

std::map<std::string, long> parse(int argc, char** argv) {
  std::map<std::string, long> options{{"--port", 0},  {"--connections", 64}, {"--in-flight", 1},
                                      {"--size", 64}, {"--seconds", 3},      {"--server-pid", 0}};
  if (argc % 2 == 0) throw std::invalid_argument("an option without a value");
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i])) throw std::invalid_argument("unknown option: " + std::string(argv[i]));
    options[argv[i]] = std::stol(argv[i + 1]);
  }
  for (const auto* name : {"--port", "--connections", "--in-flight", "--size", "--seconds"}) {
    if (options[name] <= 0) throw std::invalid_argument(std::string(name) + " must be given and positive");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) try {
  auto options = parse(argc, argv);
  const auto t =
      make_traffic(static_cast<std::size_t>(options["--size"]), static_cast<std::size_t>(options["--in-flight"]));
  const auto server =
      options["--server-pid"] == 0 ? clockid_t{} : cpu_clock(static_cast<pid_t>(options["--server-pid"]));

  load l(t, static_cast<std::size_t>(options["--connections"]), static_cast<std::uint16_t>(options["--port"]));
  l.run_until(steady::now() + std::chrono::milliseconds(500));

  const auto start = steady::now();
  const auto own_before = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  const auto server_before = options["--server-pid"] == 0 ? 0 : cpu_ns(server);
  const auto messages = l.run_until(start + std::chrono::seconds(options["--seconds"]));
  const auto server_cpu = options["--server-pid"] == 0 ? 0 : cpu_ns(server) - server_before;
  const auto own_cpu = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - own_before;
  const std::chrono::duration<double> took = steady::now() - start;

  if (messages == 0) throw std::runtime_error("no echo arrived");
  std::cout << "{\"messages\": " << messages << ", \"seconds\": " << took.count()
            << ", \"server_cpu_ns\": " << server_cpu
            << ", \"idle\": " << std::max(0.0, 1.0 - static_cast<double>(own_cpu) * 1e-9 / took.count()) << "}\n";
} catch (const std::invalid_argument& e) {
  std::cerr << "load: " << e.what() << '\n' << usage;
  return 2;
} catch (const std::exception& e) {
  std::cerr << "load: " << e.what() << '\n';
  return 1;
}
