/// Who is at which node: each node tells the others of its people when they change, and every second besides.
#pragma once

#include "../chat/chat.hpp"
#include <coax/broker.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <memory>

/// Keeps what a chat knows of the other nodes up to date, until it is destroyed. A node that says nothing for four
/// seconds is gone. Runs on one executor, on which it is made and destroyed too, or while that does not run.
class roster {
 public:
  /// @param ex  runs one handler at a time.
  roster(const boost::asio::any_io_executor& ex, chat& c, coax::broker& b);
  roster(const roster&) = delete;
  roster& operator=(const roster&) = delete;
  ~roster();

  /// How long the last message of each node has taken to Redis and back, as it says itself; this node included.
  /// From any thread.
  std::map<std::string, std::chrono::microseconds> lags() const;

 private:
  class listener;

  void tell();
  void tick();

  chat& chat_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  std::shared_ptr<listener> listener_;
  std::unique_ptr<coax::broker_session> session_;
};
