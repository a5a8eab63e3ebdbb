/// The connections of one thread of a server.
#pragma once

#include "http/session.hpp"
#include "io/parking_lot.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <vector>

namespace coax::http {

class listener;

/// Owns the sessions of its executor and the loops that accept on its sockets: none is left when `drain` is through.
/// Confined to its executor.
class worker final : public detail::parking_lot {
 public:
  worker(asio::any_io_executor ex, std::shared_ptr<site> s);
  ~worker() override;

  /// Accepts on `l` until the worker drains.
  void listen(std::shared_ptr<listener> l);
  /// Serves a connection that has been counted in `site::open`.
  void serve(std::shared_ptr<transport> t);

  /// Ends everything in good order; `drained` is called, on this executor, when nothing is left.
  void drain(std::function<void()> drained);
  /// Cuts what is left.
  void abort();

  /// From any thread: a connection has gone, wherever.
  void slot_freed();

 private:
  using session_list = boost::intrusive::list<session, boost::intrusive::constant_time_size<false>>;

  task<> accept_loop(std::shared_ptr<listener> l);
  task<> wait_for_slot();
  task<> pause(std::chrono::nanoseconds d);
  void session_ended(session& s, std::exception_ptr error);
  void leave();
  void close_listeners();
  bool full() const noexcept { return site_->open.load() >= site_->options.max_connections(); }
  std::vector<std::shared_ptr<session>> sessions();
  std::shared_ptr<worker> self() { return std::static_pointer_cast<worker>(shared_from_this()); }

  std::shared_ptr<site> site_;
  session_list sessions_;
  std::vector<std::weak_ptr<listener>> listeners_;  // which know their workers: weak, or both would live for ever
  std::stop_source stop_;
  std::function<void()> drained_;
  std::size_t alive_ = 0;  // sessions and loops
  detail::waiter* slot_waiter_ = nullptr;
  std::atomic<bool> wants_slot_{false};
  bool draining_ = false;
  bool told_full_ = false;
};

}  // namespace coax::http
