/// Runs an operation on the executor of the object that it belongs to, for a caller on another one.
#pragma once

#include "io/parking_lot.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <variant>

namespace coax::detail {

/// What the two executors of `elsewhere` share. The caller waits in a lot of its own, on its own executor.
template <class T>
struct remote_call final : parking_lot {
  explicit remote_call(asio::any_io_executor caller) : parking_lot(std::move(caller)) {}

  using value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  std::optional<value> outcome;  // written on the other executor before `finish` is posted here
  std::exception_ptr error;
  bool finished = false;
  waiter* parked = nullptr;
  std::stop_source stop;

  void finish() {
    finished = true;
    if (parked) wake_inline(*parked);
  }
};

/// Asio's cancellation of the caller becomes a stop of the operation, whose own answer is still awaited: only it knows
/// what it has consumed.
class remote_waiter final : public waiter {
 public:
  remote_waiter(const context& never, std::stop_source stop) noexcept : waiter(never), stop_(std::move(stop)) {}

 private:
  error_code leaving(error_code) override {
    stop_.request_stop();
    return {};
  }
  std::stop_source stop_;
};

/// Awaits `make(ctx)` (a callable that returns a task<T>) on `home` and comes back to the caller's executor. Stop
/// token, deadline and Asio's cancellation of the caller reach the operation as a stop of its context.
template <class T, class Make>
task<T> elsewhere(asio::any_io_executor home, context ctx, Make make) {
  const auto caller = co_await asio::this_coro::executor;
  const auto call = std::make_shared<remote_call<T>>(caller);
  const context inner = ctx.has_deadline() ? context(call->stop.get_token()).with_deadline(*ctx.deadline())
                                           : context(call->stop.get_token());
  // The callable is spawned, not called: its captures live as long as the coroutine.
  auto body = [call, inner, make = std::move(make)]() mutable -> task<> {
    const auto keep = call;
    if constexpr (std::is_void_v<T>) {
      co_await make(inner);
      keep->outcome.emplace();
    } else {
      keep->outcome.emplace(co_await make(inner));
    }
  };
  asio::co_spawn(home, std::move(body), [call](std::exception_ptr error) {
    call->error = error;
    asio::post(call->executor(), [call] { call->finish(); });
  });

  // The stop token goes straight to the operation's own; the deadline is watched there, not here.
  auto forward = [source = call->stop]() mutable { source.request_stop(); };
  std::optional<std::stop_callback<decltype(forward)>> link;
  if (ctx.stop_token().stop_possible()) link.emplace(ctx.stop_token(), std::move(forward));
  const context never;
  remote_waiter w(never, call->stop);
  call->parked = &w;
  error_code ec;
  if (!call->finished) ec = co_await call->park(w);
  call->parked = nullptr;
  if (ec) throw system_error(ec);
  if (call->error) std::rethrow_exception(call->error);
  if constexpr (!std::is_void_v<T>) co_return std::move(*call->outcome);
}

}  // namespace coax::detail
