/// Calls what the program has put in the place of a part of `dial`.
#pragma once

#include "io/parking_lot.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <string>

namespace coax::detail {

/// A hook that runs as a coroutine of its own, so that whoever waits for it can cancel it.
template <class T>
class hook_call final : public parking_lot {
 public:
  using parking_lot::parking_lot;

  template <class Hook>
  void begin(Hook hook) {
    const auto self = std::static_pointer_cast<hook_call>(shared_from_this());
    // The callable is spawned, not called: its captures live as long as the coroutine.
    auto body = [self, hook = std::move(hook)]() mutable -> task<> {
      const auto keep = self;
      keep->outcome_.emplace(co_await hook());
    };
    auto ended = [self](std::exception_ptr error) { self->finish(std::move(error)); };
    asio::co_spawn(executor(), std::move(body), asio::bind_cancellation_slot(signal_.slot(), std::move(ended)));
  }

  /// Waits until the hook has ended. If `ctx` stops before, or Asio cancels the caller, the hook is cancelled, and
  /// still waited for: it may refer to what is the caller's. The reason for giving up, or nothing.
  task<error_code> wait(context ctx) {
    caller w(*this, ctx);
    if (!finished_) {
      parked_ = &w;
      co_await park(w);
      const error_code ec = w.result();
      parked_ = nullptr;
      if (ec) co_return ec;
    }
    co_return w.why;
  }

  T take() {
    if (error_) std::rethrow_exception(error_);
    return std::move(*outcome_);
  }

  /// Ends what the hook has given although nobody wants it any more.
  void discard() noexcept {
    if constexpr (requires(T & t) { t->close(); })
      if (outcome_ && *outcome_) (*outcome_)->close();
  }

 private:
  struct caller final : self_linked_waiter {
    caller(hook_call& c, context& ctx) noexcept : self_linked_waiter(ctx), call(c), until(ctx) {}

    error_code leaving(error_code reason) override {
      if (!why) why = reason;
      until = context();  // it has stopped once; from now on the hook alone decides
      call.signal_.emit(asio::cancellation_type::terminal);
      return {};
    }

    hook_call& call;
    context& until;
    error_code why;
  };

  void finish(std::exception_ptr error) {
    finished_ = true;
    error_ = std::move(error);
    // Perhaps from inside `leaving`: not inline.
    if (parked_) wake(*std::exchange(parked_, nullptr));
  }

  asio::cancellation_signal signal_;
  waiter* parked_ = nullptr;
  bool finished_ = false;
  std::exception_ptr error_;
  std::optional<T> outcome_;
};

/// What the task gives that `hook` (a callable) returns. Stopping `ctx` reaches also a hook that does not look at its
/// context: as a cancellation of the operation of Asio in which it waits.
/// @throws system_error with `what`, if `ctx` has stopped; what the hook throws.
template <class T, class Hook>
task<T> call_hook(Hook hook, std::string what, const context& ctx) {
  if (const auto ec = ctx.stopped()) throw system_error(ec, what);
  const auto ex = co_await asio::this_coro::executor;
  const auto call = std::make_shared<hook_call<T>>(ex);
  call->begin(std::move(hook));
  const error_code why = co_await call->wait(ctx);
  if (!why) co_return call->take();
  call->discard();
  throw system_error(why, what);
}

}  // namespace coax::detail
