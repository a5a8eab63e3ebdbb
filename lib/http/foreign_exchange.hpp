/// An exchange for a request that another server has read.
#pragma once

#include "http/exchange_state.hpp"
#include <coax/detail/foreign_request.hpp>

#include <exception>
#include <memory>

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

/// What `accept`, a callable that takes the exchange and returns a task<T>, makes of such a request.
template <class T, class Accept>
task<T> answer_foreign(std::shared_ptr<transport> t, detail::foreign_request request, Accept accept) {
  foreign_exchange foreign(std::move(t), std::move(request));
  std::exception_ptr error;
  try {
    co_return co_await accept(foreign.get());
  } catch (...) {
    error = std::current_exception();
  }
  co_await foreign.end();
  std::rethrow_exception(error);
}

}  // namespace coax::http
