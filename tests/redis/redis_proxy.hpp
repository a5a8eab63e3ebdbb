/// A way to Redis that breaks on demand.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace coax::test {

/// Passes bytes between its own port and a server's, on a thread. All members may be called from any thread.
class redis_proxy {
 public:
  explicit redis_proxy(std::uint16_t server);
  redis_proxy(const redis_proxy&) = delete;
  redis_proxy& operator=(const redis_proxy&) = delete;
  ~redis_proxy();

  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

  /// Ends all connections, and those to come at once, until `open`.
  void close();
  void open();
  /// The next answer to something that contains `mark` is lost, with its connection.
  void lose_answer_to(std::string mark);
  /// From now on what Redis says is swallowed on the connections that are there and have subscribed to something.
  void deafen();

  /// How often an answer was lost.
  int answers_lost() const { return answers_lost_; }

 private:
  struct pair {
    int client;
    int server;
    bool subscribes = false;
    bool deaf = false;
    bool loses = false;
  };

  void run();
  void accept();
  bool from_client(pair& p);
  bool from_server(pair& p);

  const std::uint16_t server_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::list<pair> pairs_;
  std::string mark_;
  bool closed_ = false;
  std::atomic<int> answers_lost_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace coax::test
