/// Runs an operation on the executor of the object that it belongs to, for callers on another one.
#pragma once

#include "io/parking_lot.hpp"

#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <exception>
#include <stop_token>
#include <variant>

namespace coax::detail {

/// What the two executors of `elsewhere` share. The caller may run on several threads at once (a coroutine on a plain
/// thread pool), so parking and finishing meet in one atomic. A lot only to die with the caller's io_context.
template <class T>
class remote_call final : public parking_lot {
 public:
  explicit remote_call(asio::any_io_executor caller) : parking_lot(std::move(caller)) {}

  using value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
  std::optional<value> outcome;  // written on the other executor before `finish` is posted here
  std::exception_ptr error;
  std::stop_source stop;

  /// Until `finish`. Asio's cancellation of the caller becomes a stop of the operation, whose own answer is still
  /// awaited: only it knows what it has consumed.
  task<> wait() {
    auto initiate = [this](auto handler) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected())
        slot.assign([this](asio::cancellation_type type) {
          if (type != asio::cancellation_type::none) stop.request_stop();
        });
      handler_.emplace(std::move(handler));
      if (state_.exchange(state::parked) == state::finished) handler_.post(executor());
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable);
  }

  /// On the caller's executor, when the operation has ended.
  void finish() {
    if (state_.exchange(state::finished) == state::parked) handler_.resume();
  }

 private:
  enum class state : unsigned char { running, parked, finished };

  void on_shutdown() noexcept override { handler_.reset(); }

  std::atomic<state> state_{state::running};
  parked_handler handler_;
};

/// The end of the operation, which is also when its executor is gone before it has ended.
template <class T>
class remote_end {
 public:
  explicit remote_end(std::shared_ptr<remote_call<T>> c) noexcept : call_(std::move(c)) {}
  remote_end(remote_end&&) noexcept = default;
  remote_end& operator=(remote_end&&) = delete;
  ~remote_end() {
    if (call_) (*this)(std::make_exception_ptr(system_error(errc::shut_down, "an operation on another executor")));
  }

  void operator()(std::exception_ptr error) {
    const auto call = std::exchange(call_, nullptr);
    call->error = error;
    if (!call->shut_down()) asio::post(call->executor(), [call] { call->finish(); });
  }

 private:
  std::shared_ptr<remote_call<T>> call_;
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
  asio::co_spawn(home, std::move(body), remote_end<T>(call));

  // The stop token goes straight to the operation's own; the deadline is watched there, not here.
  auto forward = [source = call->stop]() mutable { source.request_stop(); };
  std::optional<std::stop_callback<decltype(forward)>> link;
  if (ctx.stop_token().stop_possible()) link.emplace(ctx.stop_token(), std::move(forward));
  co_await call->wait();
  if (call->error) std::rethrow_exception(call->error);
  if constexpr (!std::is_void_v<T>) co_return std::move(*call->outcome);
}

/// The same for a caller that may be at `home` already: then it is a call.
template <class T, class Make>
task<T> on_home(asio::any_io_executor home, context ctx, Make make) {
  const auto caller = co_await asio::this_coro::executor;
  if (caller == home) co_return co_await make(std::move(ctx));
  co_return co_await elsewhere<T>(std::move(home), std::move(ctx), std::move(make));
}

}  // namespace coax::detail
