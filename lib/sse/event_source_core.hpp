/// What is behind an event source.
#pragma once

#include "io/parking_lot.hpp"
#include "protocol/event_parser.hpp"
#include "sse/open_events.hpp"
#include "sse/reconnection.hpp"
#include <coax/event_source.hpp>

#include <atomic>
#include <exception>
#include <stop_token>

namespace coax::detail {

/// Confined to its executor but for `close`. What waits is the caller of `next`: for the time of the next attempt, for
/// an attempt, for bytes. An attempt is a coroutine of its own, which holds this object, so that a caller can leave it
/// and the next one can find its result; `close` and the end of the io_context end it.
class event_source_core final : public parking_lot {
 public:
  event_source_core(asio::any_io_executor ex, std::string_view url, sse::event_source_options options);

  task<std::optional<sse::event>> next(context ctx);
  std::optional<sse::event> try_next();
  sse::ready_state ready_state() const noexcept;
  const std::string& last_event_id() const noexcept { return parser_.last_event_id(); }
  const std::string& url() const noexcept { return url_; }
  const sse::event_source_stats& stats() const noexcept { return stats_; }
  /// From any thread.
  void close() noexcept;

 private:
  using change = sse::event_source_change;
  using kind = change::kind;
  class visit;

  std::shared_ptr<event_source_core> self() { return std::static_pointer_cast<event_source_core>(shared_from_this()); }

  // The stream
  std::optional<sse::event> take();
  void receive(error_code& ec);
  task<error_code> wait_for_bytes(const context& ctx);
  void stream_ended(const error_code& why);

  // Between streams
  task<error_code> wait_for_stream(const context& ctx);
  void begin_attempt();
  void attempt_ended(std::exception_ptr error);
  void attempt_failed(const std::exception_ptr& error);
  bool is_retried(const handshake_error& e) const;
  void failed(change what, std::exception_ptr error, std::optional<std::chrono::seconds> retry_after = std::nullopt);
  void end(change what, std::exception_ptr error);
  void tell(const change& what);

  void let_go();
  void wake_caller();
  void on_time(steady::time_point time) override;
  void on_shutdown() noexcept override;

  const sse::event_source_options options_;
  const dial_target target_;
  const std::string url_;
  const std::string name_;  // for the text of errors
  protocol::event_parser parser_;
  sse::reconnection reconnection_;
  sse::event_source_stats stats_;

  std::unique_ptr<sse::event_stream_reader> stream_;
  steady::time_point heard_at_;  // the last byte of the stream
  int steps_ = 0;                // that `take` has made in this turn of the executor
  bool attempting_ = false;
  steady::time_point due_ = steady::time_point::min();  // the next attempt

  bool visited_ = false;
  waiter* caller_ = nullptr;
  std::exception_ptr error_;  // what has ended it
  std::atomic<bool> closed_{false};
  std::stop_source stop_;
};

}  // namespace coax::detail
