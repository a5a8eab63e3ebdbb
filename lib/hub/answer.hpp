/// A reply of the broker for a coroutine that waits for it.
#pragma once

#include "io/completion.hpp"
#include "io/elsewhere.hpp"

#include <boost/asio/strand.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coax::detail {

/// Replies come from any thread, often before anybody waits.
template <class T>
class answer {
 public:
  void set(result<T> value) {
    std::shared_ptr<completion> waiting;
    {
      const std::lock_guard lock(mutex_);
      value_.emplace(std::move(value));
      waiting = waiting_.lock();
    }
    if (waiting && !waiting->shut_down()) asio::post(waiting->executor(), [waiting] { waiting->finish({}); });
  }

  /// Nothing if it must be waited for; `by` is told then.
  std::optional<result<T>> take(const std::shared_ptr<completion>& by = nullptr) {
    const std::lock_guard lock(mutex_);
    waiting_ = by;
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<result<T>> value_;
  // Not its owner: whoever still has to reply may outlive the io_context.
  std::weak_ptr<completion> waiting_;
};

/// Calls `ask(reply)` and waits for the reply, or until `ctx` stops.
template <class T, class Ask>
task<result<T>> ask_and_wait(context ctx, Ask ask) {
  const auto a = std::make_shared<answer<T>>();
  ask([a](result<T> r) { a->set(std::move(r)); });
  if (auto there = a->take()) co_return std::move(*there);
  const auto caller = co_await asio::this_coro::executor;
  // The caller may run on several threads at once.
  const auto lot = std::make_shared<completion>(asio::make_strand(caller));
  if (auto there = a->take(lot)) co_return std::move(*there);
  auto wait = [lot](context inner) -> task<error_code> {
    const auto at_call = inner;
    const error_code ec = co_await lot->wait(at_call);
    co_return ec;
  };
  const error_code ec = co_await elsewhere<error_code>(lot->executor(), ctx, wait);
  if (auto there = a->take()) co_return std::move(*there);
  co_return ec;
}

}  // namespace coax::detail
