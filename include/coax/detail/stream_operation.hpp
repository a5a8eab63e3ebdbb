/// @file
/// The completion handler of an operation, type-erased; for `byte_stream`.
#pragma once

#include <coax/detail/export.hpp>
#include <coax/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/recycling_allocator.hpp>

#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coax::detail {

namespace asio = boost::asio;

class byte_stream_core;

/// Cancels one operation of a stream; that it may be over already does no harm.
class COAX_EXPORT cancel_request {
 public:
  cancel_request(std::weak_ptr<byte_stream_core> core, std::uint64_t number) noexcept
      : core_(std::move(core)), number_(number) {}
  void operator()(asio::cancellation_type type) const;

 private:
  std::weak_ptr<byte_stream_core> core_;
  std::uint64_t number_;
};

/// Completes once, by a post to the handler's executor, which takes the handler's memory back first.
class stream_operation {
 public:
  virtual void complete(const error_code& ec, std::size_t n) = 0;
  virtual void destroy() noexcept = 0;
  /// Has `cancel` called when the handler's cancellation slot fires, until the handler is called.
  virtual void on_cancel(cancel_request cancel) = 0;

 protected:
  ~stream_operation() = default;
};

struct destroy_operation {
  void operator()(stream_operation* op) const noexcept { op->destroy(); }
};
using stream_operation_ptr = std::unique_ptr<stream_operation, destroy_operation>;

/// `Arguments`: what the handler takes behind the error code, a std::size_t or nothing.
template <class Handler, class... Arguments>
class erased_operation final : public stream_operation {
 public:
  using allocator_type = typename std::allocator_traits<
      asio::associated_allocator_t<Handler, asio::recycling_allocator<void>>>::template rebind_alloc<erased_operation>;
  using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;

  erased_operation(Handler&& h, const asio::any_io_executor& ex)
      : handler_(std::move(h)), work_(asio::get_associated_executor(handler_, ex)) {}

  void complete(const error_code& ec, [[maybe_unused]] std::size_t n) override {
    // The memory is free before the handler runs, so that its next operation can have it.
    allocator_type allocator(asio::get_associated_allocator(handler_, asio::recycling_allocator<void>()));
    const auto work = std::move(work_);
    auto call = [h = std::move(handler_), ec, rest = std::tuple<Arguments...>(static_cast<Arguments>(n)...)]() mutable {
      if (auto slot = asio::get_associated_cancellation_slot(h); slot.is_connected()) slot.clear();
      std::apply([&](const auto&... more) { std::move(h)(ec, more...); }, rest);
    };
    this->~erased_operation();
    std::allocator_traits<allocator_type>::deallocate(allocator, this, 1);
    asio::post(work.get_executor(), std::move(call));
  }

  void destroy() noexcept override {
    allocator_type allocator(asio::get_associated_allocator(handler_, asio::recycling_allocator<void>()));
    this->~erased_operation();
    std::allocator_traits<allocator_type>::deallocate(allocator, this, 1);
  }

  void on_cancel(cancel_request cancel) override {
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected()) slot.assign(std::move(cancel));
  }

 private:
  Handler handler_;
  asio::executor_work_guard<executor_type> work_;
};

template <class... Arguments, class Handler>
stream_operation_ptr erase_handler(Handler&& h, const asio::any_io_executor& ex) {
  using operation = erased_operation<std::decay_t<Handler>, Arguments...>;
  typename operation::allocator_type allocator(asio::get_associated_allocator(h, asio::recycling_allocator<void>()));
  auto* memory = std::allocator_traits<typename operation::allocator_type>::allocate(allocator, 1);
  try {
    return stream_operation_ptr(new (memory) operation(std::forward<Handler>(h), ex));
  } catch (...) {
    std::allocator_traits<typename operation::allocator_type>::deallocate(allocator, memory, 1);
    throw;
  }
}

}  // namespace coax::detail
