/// The state behind `coax::server`.
#pragma once

#include "http/listener.hpp"
#include "http/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

namespace coax::detail {

class server_state : public std::enable_shared_from_this<server_state> {
 public:
  server_state(std::unique_ptr<asio::io_context> own, asio::any_io_executor ex, server_options options);
  ~server_state();

  std::string listen(std::string_view address);
  task<> serve(context stop);
  void run(std::string_view address);

  http::site& site() noexcept { return *site_; }
  const asio::any_io_executor& executor() const noexcept { return executor_; }
  const http::listener* first_listener() const noexcept {
    return listeners_.empty() ? nullptr : listeners_.front().get();
  }

 private:
  class latch;
  /// A thread with an io_context of its own.
  struct lane {
    asio::io_context ioc{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{ioc.get_executor()};
    std::thread thread;
  };

  void start();
  void spread_listeners();
  task<> before_drain();
  task<> drain(std::shared_ptr<latch> all);
  void abort();
  void join() noexcept;

  std::unique_ptr<asio::io_context> own_;
  asio::any_io_executor executor_;
  std::shared_ptr<http::site> site_;
  // Destroyed after everything that lives on them.
  std::vector<std::unique_ptr<lane>> lanes_;
  std::vector<std::shared_ptr<http::worker>> workers_;
  std::vector<std::shared_ptr<http::listener>> listeners_;
  bool served_ = false;
};

}  // namespace coax::detail
