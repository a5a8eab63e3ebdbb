/// An exchange for a request that another server has read.
#pragma once

#include "http/exchange_state.hpp"
#include <coax/detail/foreign_request.hpp>

namespace coax::http {

class foreign_exchange {
 public:
  foreign_exchange(std::shared_ptr<transport> t, detail::foreign_request request);

  exchange& get() noexcept { return exchange_; }
  /// After a failure: the client gets what has been answered, and the transport is closed.
  task<> end();

 private:
  std::shared_ptr<wire> wire_;
  exchange exchange_;
};

}  // namespace coax::http
