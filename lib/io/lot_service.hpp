/// The parking lots of an execution context: their timer, and their end when the context is destroyed.
#pragma once

#include "io/parking_lot.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <vector>

namespace coax::detail {

/// One timer for all lots of a context: a heap of due times, and a `steady_timer` for the earliest. Re-arming later
/// costs nothing (the timer comes early, looks, and sleeps on); only an earlier time touches the heap.
///
/// A coroutine parked in an object that its own frame keeps alive would leak when the io_context dies, because nothing
/// ends the wait; so the service destroys what is parked when the context shuts down.
class lot_service final : public asio::execution_context::service {
 public:
  using key_type = lot_service;
  inline static asio::execution_context::id id;

  explicit lot_service(asio::execution_context& ctx);
  ~lot_service() override;

  void add(parking_lot& lot);
  void remove(parking_lot& lot) noexcept;

  /// Has `lot.time_is_up()` called on the lot's executor at `at`, or earlier. From any thread.
  void schedule(parking_lot& lot, steady::time_point at);

  /// Takes back what was scheduled.
  void unschedule(parking_lot& lot) noexcept;

  /// Calls `time_is_up` of all that are due by the library's clock: the real timer does it by itself; a virtual clock
  /// that has moved calls it for every context.
  void fire_due();
  COAX_EXPORT static void fire_due_everywhere();

 private:
  using lot_list = boost::intrusive::list<
      parking_lot,
      boost::intrusive::member_hook<parking_lot, boost::intrusive::list_member_hook<>, &parking_lot::service_hook_>,
      boost::intrusive::constant_time_size<false>>;

  void shutdown() override;
  void arm(const asio::any_io_executor& ex);
  void sift_up(std::size_t i) noexcept;
  void sift_down(std::size_t i) noexcept;
  void place(std::size_t i, parking_lot* lot) noexcept;
  void erase(parking_lot& lot) noexcept;
  void forget(parking_lot& lot) noexcept;

  std::mutex mutex_;
  lot_list lots_;
  std::vector<parking_lot*> heap_;
  std::optional<asio::steady_timer> timer_;
  bool shut_down_ = false;
  steady::time_point armed_for_ = steady::time_point::max();
};

}  // namespace coax::detail
