/// Where coroutines wait for the object that owns the I/O.
///
/// The owner runs its socket operations itself and never cancels them for a caller. A caller parks; whatever makes it
/// give up - its stop token, its deadline, Asio's cancellation slot - only pokes the lot on the owner's executor, and
/// there each waiter looks at *its own* context. So a late stop of one operation cannot hit the next one, and giving
/// up a wait leaves the I/O untouched.
#pragma once

#include "core/clock.hpp"
#include <coax/context.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace coax::detail {

class parking_lot;
class lot_service;

/// The completion handler of a parked coroutine, stored in place: a parked operation allocates nothing.
class parked_handler {
 public:
  parked_handler() noexcept = default;
  parked_handler(const parked_handler&) = delete;
  parked_handler& operator=(const parked_handler&) = delete;
  ~parked_handler() { reset(); }

  template <class Handler>
  void emplace(Handler&& h) {
    using handler_type = std::decay_t<Handler>;
    static_assert(sizeof(handler_type) <= sizeof(memory_) && alignof(handler_type) <= alignof(void*));
    new (memory_) handler_type(std::forward<Handler>(h));
    run_ = [](void* p, how what, const asio::any_io_executor* ex) {
      auto* stored = static_cast<handler_type*>(p);
      handler_type local(std::move(*stored));
      stored->~handler_type();
      // The slot's handler points into the waiter: it must be gone before the coroutine goes on.
      if (what != how::destroy)
        if (auto slot = asio::get_associated_cancellation_slot(local); slot.is_connected()) slot.clear();
      if (what == how::resume)
        std::move(local)();
      else if (what == how::post)
        asio::post(*ex, std::move(local));
    };
  }

  explicit operator bool() const noexcept { return run_ != nullptr; }
  /// Goes on with the coroutine inside this call; `*this` may be gone when it returns.
  void resume() { std::exchange(run_, nullptr)(memory_, how::resume, nullptr); }
  void post(const asio::any_io_executor& ex) { std::exchange(run_, nullptr)(memory_, how::post, &ex); }
  /// Destroys the coroutine.
  void reset() noexcept {
    if (run_) std::exchange(run_, nullptr)(memory_, how::destroy, nullptr);
  }

 private:
  enum class how { resume, post, destroy };

  alignas(void*) std::byte memory_[4 * sizeof(void*)];
  void (*run_)(void*, how, const asio::any_io_executor*) = nullptr;
};

/// Tells a lot when a token stops. Kept across operations while the same token comes back, because registering costs
/// more than the rest of a wait.
class COAX_EXPORT stop_link {
 public:
  void attach(const std::stop_token& token, const std::shared_ptr<parking_lot>& lot);
  void detach() noexcept {
    callback_.reset();
    token_ = {};
  }

 private:
  struct poke {
    std::weak_ptr<parking_lot> lot;
    void operator()() const noexcept;
  };

  std::stop_token token_;
  std::optional<std::stop_callback<poke>> callback_;
};

/// One parked coroutine; lives in the frame of the operation that waits.
class waiter : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// `link` keeps the registration with the stop token.
  waiter(const context& ctx, stop_link& link) noexcept : ctx_(ctx), link_(link) {}
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  bool parked() const noexcept { return static_cast<bool>(handler_); }
  /// What the last wait ended with.
  const error_code& result() const noexcept { return result_; }

 protected:
  ~waiter() = default;
  const context& until() const noexcept { return ctx_; }
  /// Called when the waiter is about to leave before it was woken. Returns the error its coroutine goes on with, or
  /// none to stay (and be woken in the ordinary way).
  virtual error_code leaving(error_code why) { return why; }

 private:
  friend class parking_lot;

  std::shared_ptr<parking_lot> lot_;  // the frame keeps it alive, and it keeps the frame
  const context& ctx_;
  stop_link& link_;
  parked_handler handler_;
  error_code result_;
  bool slot_fired_ = false;
};

/// A waiter that registers with the stop token for itself alone.
class self_linked_waiter : public waiter {
 public:
  explicit self_linked_waiter(const context& ctx) noexcept : waiter(ctx, own_link_) {}

 protected:
  ~self_linked_waiter() = default;

 private:
  stop_link own_link_;
};

/// The same with nothing to undo.
class plain_waiter final : public self_linked_waiter {
 public:
  using self_linked_waiter::self_linked_waiter;
};

/// A waiter about to be parked: an operation of Asio with the signature void(). A coroutine awaits it without a frame
/// of its own for it, which is what makes a wait cheap (docs/performance.md).
class parking {
  struct initiate {
    template <class Handler>
    void operator()(Handler&& h, parking_lot* lot, waiter* w) const;
  };

  parking_lot* lot_;
  waiter* waiter_;

 public:
  parking(parking_lot& lot, waiter& w) noexcept : lot_(&lot), waiter_(&w) {}

  template <class Token>
  auto operator()(Token&& token) -> decltype(asio::async_initiate<Token, void()>(initiate(), token, lot_, waiter_)) {
    return asio::async_initiate<Token, void()>(initiate(), token, lot_, waiter_);
  }
};

/// Base of every object on which coroutines wait. Confined to its executor; owned by shared_ptr.
class COAX_EXPORT parking_lot : public std::enable_shared_from_this<parking_lot> {
 public:
  explicit parking_lot(asio::any_io_executor ex);
  parking_lot(const parking_lot&) = delete;
  parking_lot& operator=(const parking_lot&) = delete;
  virtual ~parking_lot();

  const asio::any_io_executor& executor() const noexcept { return executor_; }

  /// Whether `ex` is the executor: quicker than ==, which every read and write asks.
  bool is_home(const asio::any_io_executor& ex) const noexcept {
    if (!io_) return ex == executor_;
    const auto* const io = ex.target<asio::io_context::executor_type>();
    return io && *io == *io_;
  }

  /// Posts to the executor; without the erasure of its type, which is half of the cost, where it is an io_context's.
  template <class Function>
  void post(Function f) {
    if (io_) {
      asio::post(*io_, std::move(f));
    } else {
      asio::post(executor_, std::move(f));
    }
  }

  /// Throws std::logic_error in debug builds if the calling thread is not inside the executor, as far as its type
  /// lets one tell.
  void check_home() const;

  /// Parks the coroutine that awaits it until it is woken or its context stops; `w.result()` is then the code given to
  /// `wake`, or `errc::canceled` or `errc::deadline_exceeded`. The caller has checked that the context is not stopped.
  parking park(waiter& w) noexcept { return parking(*this, w); }

  /// Waits until `done`, of this object; who sets it calls `wake_all`.
  task<error_code> wait_until(const bool& done, const context& ctx);

  /// Lets a parked coroutine go on: in its next turn, or inside the call. The second is for handlers that have nothing
  /// left to do and hold the lot.
  void wake(waiter& w, error_code result = {});
  void wake_inline(waiter& w, error_code result = {});
  void wake_all(error_code result);

  /// Lets those leave whose contexts have stopped.
  void poke();

  /// Whether the io_context is going down: nothing may be posted any more.
  bool shut_down() const noexcept { return shut_down_; }

  /// The turn at which `on_time` is to be called, at the latest; lazily: the call may come early. From the executor.
  void wake_at(steady::time_point at);
  /// Nothing is to come any more: a timer that waits would keep `io_context::run` from returning.
  void wake_never() noexcept;

 protected:
  /// The time has come for something; `poke` was called. Calls `wake_at` for what is still to come.
  virtual void on_time(steady::time_point) {}
  /// The io_context is being destroyed: let go of the transport and of everything that keeps the lot alive.
  virtual void on_shutdown() noexcept {}

 private:
  friend class lot_service;
  friend class parking;
  using waiter_list = boost::intrusive::list<waiter, boost::intrusive::constant_time_size<false>>;

  template <class Handler>
  void store(Handler&& h, waiter& w);
  void begin_wait(waiter& w);
  void time_is_up();
  void drop() noexcept;

  asio::any_io_executor executor_;
  const asio::io_context::executor_type* io_;  // what executor_ holds, if it is that
  waiter_list waiters_;
  lot_service& service_;
  bool shut_down_ = false;
  // Guarded by the service.
  boost::intrusive::list_member_hook<> service_hook_;
  std::size_t heap_index_ = 0;  // 1-based; 0 = not in the heap
  steady::time_point due_ = steady::time_point::max();
};

template <class Handler>
void parking::initiate::operator()(Handler&& h, parking_lot* lot, waiter* w) const {
  lot->store(std::forward<Handler>(h), *w);
  lot->begin_wait(*w);
}

template <class Handler>
void parking_lot::store(Handler&& h, waiter& w) {
  w.slot_fired_ = false;
  auto slot = asio::get_associated_cancellation_slot(h);
  if (slot.is_connected())
    slot.assign([this, &w](asio::cancellation_type type) {
      if (type == asio::cancellation_type::none || !w.parked()) return;
      w.slot_fired_ = true;
      // A slot's handler must not destroy itself by going on with the coroutine.
      post([self = shared_from_this()] { self->poke(); });
    });
  w.handler_.emplace(std::forward<Handler>(h));
}

}  // namespace coax::detail
