/// Waiting for an operation of Asio that can be left alone.
#pragma once

#include "io/parking_lot.hpp"

namespace coax::detail {

/// One operation, of a derived class that owns its I/O object. The operation's handler holds the completion and calls
/// `finish` as the last thing it does; one coroutine waits for that, and may give up, which does not end the operation.
class completion : public parking_lot {
 public:
  using parking_lot::parking_lot;

  void finish(const error_code& ec) {
    finished_ = true;
    result_ = ec;
    if (parked_) wake_inline(*std::exchange(parked_, nullptr));
  }

  /// The operation's result, or `ctx`'s.
  task<error_code> wait(const context& ctx) {
    if (const auto ec = ctx.stopped()) co_return ec;
    if (finished_) co_return result_;
    plain_waiter w(ctx);
    parked_ = &w;
    co_await park(w);
    const error_code ec = w.result();
    parked_ = nullptr;
    co_return finished_ ? result_ : ec;
  }

 private:
  waiter* parked_ = nullptr;
  bool finished_ = false;
  error_code result_;
};

}  // namespace coax::detail
