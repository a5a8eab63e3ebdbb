/// Brokers over one real Redis, on a thread of their own.
#pragma once

#include "broker/hearing.hpp"
#include "support/redis_server.hpp"
#include <coax/redis_broker.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace coax::test {

/// The one that tests share which do not hurt it; each has a prefix of its own.
inline redis_server& shared_redis() {
  static redis_server one;
  return one;
}

inline std::string fresh_prefix() {
  static std::atomic<int> last{0};
  return "t" + std::to_string(++last) + ":";
}

/// An io_context of one thread. It ends by itself when all that is on it has ended.
class redis_thread {
 public:
  redis_thread() : work_(ioc_.get_executor()), thread_([this] { ioc_.run(); }) {}
  redis_thread(const redis_thread&) = delete;
  redis_thread& operator=(const redis_thread&) = delete;
  ~redis_thread() {
    work_.reset();
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!ioc_.stopped() && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    BOOST_TEST(ioc_.stopped(), "something keeps the io_context from ending");
    ioc_.stop();
    thread_.join();
  }
  boost::asio::any_io_executor executor() { return ioc_.get_executor(); }

 private:
  boost::asio::io_context ioc_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

/// Brokers as in as many processes.
class redis_brokers {
 public:
  /// @param url  of a server of the test's own.
  redis_brokers(std::string url, std::size_t n, redis_broker_options o = {}) : url_(std::move(url)) {
    options_ = o.prefix(fresh_prefix());
    while (all_.size() != n) add();
  }
  explicit redis_brokers(std::size_t n, const redis_broker_options& o = {})
      : redis_brokers(shared_redis().url(), n, o) {}

  redis_broker& add() { return add(url_); }
  redis_broker& add(const std::string& url) {
    auto& thread = *threads_.emplace_back(std::make_unique<redis_thread>());
    all_.push_back(std::make_shared<redis_broker>(thread.executor(), url, options_));
    return *all_.back();
  }
  redis_broker& operator[](std::size_t i) { return *all_.at(i); }
  std::shared_ptr<redis_broker> shared(std::size_t i) { return all_.at(i); }
  void remove(std::size_t i) { all_.at(i).reset(); }
  redis_broker_options& options() { return options_; }
  const std::string& prefix() const { return options_.prefix(); }

 private:
  const std::string url_;
  redis_broker_options options_;
  std::vector<std::unique_ptr<redis_thread>> threads_;  // outlive the brokers
  std::vector<std::shared_ptr<redis_broker>> all_;
};

inline void wait_ready(const node& n) {
  wait_until([&] { return n.session->link() == link_state::ready; }, "the link is ready");
}

}  // namespace coax::test
