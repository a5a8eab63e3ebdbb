/// @file
/// When to give up: the last argument of every operation.
///
///     co_await c.read(ctx.with_timeout(5s));   // ends after 5 s or when ctx is stopped; the connection lives on
#pragma once

#include <coax/detail/export.hpp>
#include <coax/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

namespace coax {

namespace asio = boost::asio;

/// A coroutine of this library: an Asio awaitable, spawned with `asio::co_spawn`.
template <class T = void>
using task = asio::awaitable<T>;

/// A stop token and an optional deadline. A value: copying is cheap and allocates nothing, and it holds no timer of
/// its own. Any `std::stop_token` converts to it; the default never stops.
///
/// Stopping a context ends the operations that wait with it, never the connection they wait on.
class COAX_EXPORT context {
 public:
  /// The clock of all deadlines.
  using clock = std::chrono::steady_clock;
  /// A point in time of that clock.
  using time_point = clock::time_point;

  /// Never stops.
  context() noexcept = default;
  /// Stops when `token` does.
  context(std::stop_token token) noexcept : token_(std::move(token)) {}

  /// This context with a deadline `d` from now; an earlier deadline of this one holds on.
  context with_timeout(std::chrono::nanoseconds d) const;
  /// This context with a deadline; an earlier deadline of this one holds on.
  context with_deadline(time_point at) const noexcept {
    context c = *this;
    if (at < c.deadline_) c.deadline_ = at;
    return c;
  }

  /// The token; one that never stops if there is none.
  const std::stop_token& stop_token() const noexcept { return token_; }
  /// When it stops at the latest; nothing if there is no deadline.
  std::optional<time_point> deadline() const noexcept {
    if (deadline_ == never) return std::nullopt;
    return deadline_;
  }
  /// Whether there is a deadline.
  bool has_deadline() const noexcept { return deadline_ != never; }

  /// Nothing, `errc::canceled` or `errc::deadline_exceeded`. Looks at the clock only if there is a deadline.
  error_code stopped() const noexcept {
    if (!has_deadline() && !token_.stop_requested()) [[likely]]
      return {};
    return why_stopped();
  }
  /// The same against a time that the caller has at hand.
  error_code stopped(time_point now) const noexcept;

 private:
  static constexpr time_point never = time_point::max();

  error_code why_stopped() const noexcept;

  std::stop_token token_;
  time_point deadline_ = never;
};

/// A stop source linked to a parent context and to time, for code that needs a real `std::stop_token`: Go's
/// `WithCancel` and `WithTimeout`. Fires when the parent stops, when the time is up, or by hand; the destructor only
/// ends the link, it does not fire. The members may be called from any thread.
class COAX_EXPORT stop_scope {
 public:
  /// `ex` runs the timer that watches the deadline of `parent` and of `expires_after`.
  explicit stop_scope(asio::any_io_executor ex, context parent = {});
  /// Takes the scope of another one over, tokens and all.
  stop_scope(stop_scope&&) noexcept;
  /// The same; what this one was is no longer linked to its parent and its time, as after its destructor.
  stop_scope& operator=(stop_scope&&) noexcept;
  ~stop_scope();

  /// Fires in `d`, at the latest; replaces an earlier call.
  void expires_after(std::chrono::nanoseconds d);
  /// Fires now. Does nothing the second time.
  void request_stop();

  /// A token that stops when the scope fires, and is good beyond its life.
  std::stop_token get_token() const noexcept;
  /// Whether it has fired.
  bool stop_requested() const noexcept { return get_token().stop_requested(); }
  /// The token as a context, without a deadline of its own: the scope has it.
  operator context() const { return context(get_token()); }

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace coax
