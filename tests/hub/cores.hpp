/// Threads with an io_context each, as a server has them.
#pragma once

#include "support/run.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace coax::test {

/// One io_context per core, as a server has them.
class cores {
 public:
  explicit cores(std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) {
      contexts_.push_back(std::make_unique<asio::io_context>(1));
      work_.push_back(asio::make_work_guard(*contexts_.back()));
    }
  }
  void start() {
    for (auto& c : contexts_) threads_.emplace_back([&c] { c->run(); });
  }
  void join() {
    work_.clear();
    threads_.clear();
  }
  asio::any_io_executor executor(std::size_t i) { return contexts_[i % contexts_.size()]->get_executor(); }

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::jthread> threads_;
};

inline void wait_until(const auto& condition) {
  const auto end = std::chrono::steady_clock::now() + watchdog;
  while (!condition() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  BOOST_TEST(condition());
}

}  // namespace coax::test
