/// The state behind `coax::sse::event_stream`: it owns the transport and does all I/O; callers only park on it.
#pragma once

#include "io/drain_observer.hpp"
#include "io/parking_lot.hpp"
#include "io/successor.hpp"
#include "sse/stream_body.hpp"
#include <coax/event_stream.hpp>
#include <coax/transport.hpp>

#include <boost/asio/dispatch.hpp>

#include <atomic>

namespace coax::detail {

/// What a stream is made with.
struct event_settings {
  event_settings(const sse::stream_options& o, http::framing h, std::string last_id)
      : framing(h),
        last_event_id(std::move(last_id)),
        retry(o.retry()),
        heartbeat(o.heartbeat()),
        write_stall(o.write_stall_timeout()),
        close_timeout(o.close_timeout()),
        send_queue_limit(o.send_queue_limit()) {}

  http::framing framing;
  std::optional<protocol::compressor_parameters> gzip;
  std::string last_event_id;
  std::optional<std::chrono::milliseconds> retry;
  std::chrono::nanoseconds heartbeat;
  std::chrono::nanoseconds write_stall;
  std::chrono::nanoseconds close_timeout;
  std::size_t send_queue_limit;
};

/// A send that waits for room in the queue.
class send_waiter final : public self_linked_waiter {
 public:
  send_waiter(const context& ctx, shared_bytes b) noexcept : self_linked_waiter(ctx), block(std::move(b)) {}

  const shared_bytes block;
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> in_queue;

 private:
  // It has not begun to leave: what has room is copied or shared at once.
  error_code leaving(error_code why) override {
    in_queue.unlink();
    return why;
  }
};

class event_connection final : public parking_lot, public transport::observer, public successor {
 public:
  /// A stream over `t`, on its executor, whose head has left.
  static std::shared_ptr<event_connection> create(std::shared_ptr<transport> t, const event_settings& settings);
  event_connection(std::shared_ptr<transport> t, const event_settings& settings);
  ~event_connection() override;

  // From its executor ---------------------------------------------------------------------------------------------

  /// Sends what `write(storage&)` appends, of about `size` bytes, if there is room. False: it must wait its turn.
  template <class Write>
  bool send(std::size_t size, Write write, error_code& ec) {
    if (takes_no_sends()) [[unlikely]]
      return ec = end_code_, true;
    if (!accepts(size)) return false;
    auto& out = body_.back();
    const auto before = out.size();
    try {
      write(out);
    } catch (...) {
      // For want of memory it is not sent: then no part of it may be.
      out.resize(before);
      throw;
    }
    output_changed();
    return true;
  }
  task<error_code> send_queued(shared_bytes block, const context& ctx);
  /// Whether this turn has sent so much that others are to have theirs: then a send goes on in the next one.
  bool turn_is_used_up() const noexcept { return sends_in_turn_ >= sends_per_turn; }
  task<> next_turn();

  /// Appends events that are encoded already, and `tail` behind them, unless the transport has no room. They leave with
  /// `send_appended`, or before, when a batch is full: so that all of one turn leaves in one write.
  bool append_encoded(const shared_bytes& block, std::string_view tail, error_code& ec);
  void send_appended();
  /// At most one; null to end it. `on_drained` comes in a turn of its own, when the queue has become empty.
  void observe_drain(std::weak_ptr<drain_observer> o) noexcept { drain_observer_ = std::move(o); }
  std::size_t queued() const noexcept { return body_.queued(); }
  /// What is sent when nothing else was, from now on: a comment, or an id alone. Null for a plain comment.
  void heartbeat(shared_bytes block) noexcept { heartbeat_ = std::move(block); }

  /// The end, behind what is queued. `retry`: when the client is to come again.
  void begin_close(std::optional<std::chrono::milliseconds> retry);
  void go_away() override;
  void end_now() override;
  task<error_code> wait_until_finished(const context& ctx) override { return wait_until(finished_, ctx); }

  // From any thread -----------------------------------------------------------------------------------------------

  /// The handle has gone: ends what is open, leaves alone what is closing.
  void abandon() noexcept;
  /// Why it has ended, once it has.
  std::optional<error_code> ended() const;
  std::stop_token done() const noexcept override { return done_.get_token(); }
  const std::string& last_event_id() const noexcept { return last_event_id_; }
  std::size_t bytes_queued() const noexcept { return bytes_queued_.load(std::memory_order_relaxed); }
  bool compresses() const noexcept { return compresses_; }
  const transport& lower() const noexcept override { return *transport_; }

  std::shared_ptr<event_connection> self() { return std::static_pointer_cast<event_connection>(shared_from_this()); }
  /// Calls `f(*this)` on the executor: inside this call if that is where it is.
  template <class F>
  void at_home(F f) {
    asio::dispatch(executor(), [c = self(), f = std::move(f)]() mutable { f(*c); });
  }

 private:
  using clock = steady;
  using send_queue = boost::intrusive::list<
      send_waiter, boost::intrusive::member_hook<send_waiter, decltype(send_waiter::in_queue), &send_waiter::in_queue>,
      boost::intrusive::constant_time_size<false>>;

  bool takes_no_sends() const noexcept { return ended_ || closing_; }
  bool accepts(std::size_t size) const noexcept { return waiting_.empty() && fits(size); }
  // An event alone may be larger than the limit: otherwise it could never be sent.
  bool fits(std::size_t size) const noexcept {
    const auto n = body_.queued();
    return n == 0 || n + size <= send_queue_limit_;
  }

  // event_output.cpp
  void output_changed();
  void flush();
  void admit_waiting();
  void publish_queue() noexcept;
  void post_turn();
  void on_turn();
  void on_ready(transport::direction d) override;
  void check_heartbeat(clock::time_point time);
  void on_time(clock::time_point time) override;

  // event_connection.cpp
  void start();
  void receive();
  void end(error_code why);
  void linger();
  void finish();
  void on_shutdown() noexcept override;

  static constexpr unsigned sends_per_turn = 16;
  unsigned sends_in_turn_ = 0;
  bool blocked_ = false;  // the transport had no room and will tell
  bool turn_posted_ = false;
  bool closing_ = false;    // no more sends are taken
  bool ended_ = false;      // ended() is settled
  bool lingering_ = false;  // all has left, and the client's end is waited for
  bool finished_ = false;   // the transport is closed
  bool compresses_ = false;

  std::shared_ptr<transport> transport_;
  stream_body body_;
  send_queue waiting_;
  std::optional<std::chrono::milliseconds> last_retry_;
  std::weak_ptr<drain_observer> drain_observer_;
  shared_bytes heartbeat_;
  std::size_t received_ = 0;

  clock::time_point sent_at_;
  clock::time_point beat_due_ = clock::time_point::max();
  clock::time_point stall_due_ = clock::time_point::max();
  clock::time_point close_due_ = clock::time_point::max();  // of the current step of closing
  std::chrono::nanoseconds beat_every_;
  std::chrono::nanoseconds write_stall_;
  std::chrono::nanoseconds close_timeout_;
  std::size_t send_queue_limit_;

  const std::string last_event_id_;
  std::shared_ptr<event_connection> keep_alive_;  // while it closes on its own
  error_code end_code_ = errc::closed;            // what sends fail with
  error_code ended_with_;
  std::atomic<bool> end_settled_{false};
  std::stop_source done_;
  std::atomic<std::size_t> bytes_queued_{0};
};

}  // namespace coax::detail
