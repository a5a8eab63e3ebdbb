/// What the status page shows: the nodes that Redis knows, and the rooms over all of them.
#pragma once

#include "roster.hpp"
#include <coax/redis_broker.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

/// Asks Redis every second, so that answering costs nothing. Made and destroyed on its executor.
class site_status {
 public:
  site_status(const boost::asio::any_io_executor& ex, chat& c, coax::redis_broker& b, const roster& r);

  /// From any thread.
  std::string to_json() const;

 private:
  struct known {
    std::mutex mutex;
    std::vector<coax::redis_node> nodes;
  };

  void ask();

  chat& chat_;
  coax::redis_broker& broker_;
  const roster& roster_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  std::shared_ptr<known> known_ = std::make_shared<known>();
};
