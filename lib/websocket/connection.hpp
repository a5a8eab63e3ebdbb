/// The state behind `coax::conn`: it owns the transport and does all I/O; callers only park on it.
#pragma once

#include "core/buffer_pool.hpp"
#include "io/drain_observer.hpp"
#include "io/parking_lot.hpp"
#include "io/successor.hpp"
#include "protocol/assembler.hpp"
#include "protocol/extensions.hpp"
#include "websocket/counter.hpp"
#include "websocket/encoded_message.hpp"
#include "websocket/outbox.hpp"
#include <coax/conn.hpp>
#include <coax/transport.hpp>

#include <boost/asio/dispatch.hpp>

#include <atomic>
#include <chrono>
#include <vector>

namespace coax::detail {

/// What a connection is made with.
struct connection_settings {
  template <class Options>
  connection_settings(protocol::role r, const conn_options<Options>& o, std::string agreed_subprotocol = {},
                      std::optional<protocol::deflate_agreement> agreed_deflate = std::nullopt)
      : role(r),
        subprotocol(std::move(agreed_subprotocol)),
        agreement(agreed_deflate),
        deflate(o.deflate()),
        read_limit(o.read_limit()),
        send_queue_limit(o.send_queue_limit()),
        validate_utf8(o.validate_utf8()),
        // Clients leave keepalive to the server unless they ask for it.
        keepalive_idle(r == protocol::role::server || o.keepalive_set() ? o.keepalive_idle()
                                                                        : std::chrono::nanoseconds(0)),
        keepalive_timeout(o.keepalive_timeout()),
        write_stall(o.write_stall_timeout()),
        close_timeout(o.close_timeout()),
        idle_timeout(o.idle_timeout()),
        max_lifetime(o.max_lifetime()),
        hooks(o.hooks()) {}

  protocol::role role;
  std::string subprotocol;
  std::optional<protocol::deflate_agreement> agreement;
  deflate_options deflate;
  std::size_t read_limit;
  std::size_t send_queue_limit;
  bool validate_utf8;
  std::chrono::nanoseconds keepalive_idle;
  std::chrono::nanoseconds keepalive_timeout;
  std::chrono::nanoseconds write_stall;
  std::chrono::nanoseconds close_timeout;
  std::chrono::nanoseconds idle_timeout;
  std::chrono::nanoseconds max_lifetime;
  conn_hooks hooks;
};

/// Whether a connection ended as one that has done its work: what a loop over messages takes for their end.
inline bool is_ordinary_end(coax::status code, bool clean) noexcept {
  return clean && (code == status::normal || code == status::going_away);
}

/// The code for a write that gave up for `why` and leaves whole nevertheless.
inline error_code although_sent(const error_code& why) noexcept {
  return why == errc::canceled ? errc::canceled_sent : errc::deadline_exceeded_sent;
}

class connection;

/// Hands the frames of both directions to the user's hook.
struct frame_taps {
  explicit frame_taps(connection& c);
  protocol::frame_tap received, sent;
};

/// A ping whose pong is awaited.
class ping_waiter final : public self_linked_waiter {
 public:
  ping_waiter(connection& c, const context& ctx, std::uint64_t number);
  ~ping_waiter();

  const std::uint64_t id;
  const steady::time_point sent;
  std::chrono::nanoseconds round_trip{};

 private:
  error_code leaving(error_code why) override;
  connection& connection_;
};

/// A read that waits, in the frame of whoever reads:
///
///     read_waiter w(*c, ctx);
///     while (w.pending()) co_await c->park(w);
///     ec = w.claim(message);
class read_waiter final : public waiter {
 public:
  read_waiter(connection& c, const context& ctx) noexcept;
  ~read_waiter();

  /// Receives what is there; whether it must be waited for.
  bool pending();
  /// Nothing if a message is ready.
  const error_code& outcome() const noexcept { return outcome_; }
  /// The same, having taken the message.
  const error_code& claim(message& out) noexcept;

 private:
  connection& connection_;
  error_code outcome_;
  bool has_waited_ = false;
};

/// A write that waits for room in the send queue, or for its bytes to be taken from the caller's memory.
class write_waiter final : public self_linked_waiter, public write_op {
 public:
  write_waiter(connection& c, const context& ctx, outgoing what);
  ~write_waiter();

 private:
  error_code leaving(error_code why) override;
  connection& connection_;
};

class connection final : public parking_lot, public transport::observer, public successor {
 public:
  /// A connection over `t`, on its executor, that begins with the bytes `already_read` (behind the handshake).
  COAX_EXPORT static std::shared_ptr<connection> create(std::shared_ptr<transport> t,
                                                        const connection_settings& settings,
                                                        std::span<const std::byte> already_read);
  connection(std::shared_ptr<transport> t, const connection_settings& settings);
  ~connection() override;

  // From the connection's executor --------------------------------------------------------------------------------

  /// Takes a message that is there, or tells why there will be none. False: it must be waited for.
  bool take(const context& ctx, message& out, error_code& ec) {
    if (!may_read(ec)) [[unlikely]]
      return true;
    if ((ec = ctx.stopped())) [[unlikely]]
      return true;
    return take_ready(out, ec);
  }
  /// The same for who never waits.
  bool take(message& out, error_code& ec) { return !may_read(ec) || take_ready(out, ec); }
  /// Until there is something to take, or will never be.
  task<error_code> wait_until_ready(const context& ctx);
  /// The message that was waited for.
  message claim() noexcept;

  // One message in parts. Its number tells a reader from those before and after it.
  task<error_code> open_reader(const context& ctx, std::uint64_t& number, message_kind& kind);
  /// Copies what has come to `to`. False: it must be waited for. `over`: it was the last of the message.
  bool take_part(std::uint64_t number, const context& ctx, asio::mutable_buffer to, std::size_t& n, bool& over,
                 error_code& ec);

  /// Sends a message if that needs no waiting. False: it must be queued.
  bool send(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t total, compression how,
            error_code& ec);
  bool send(const outgoing& what, error_code& ec);
  task<error_code> send_queued(outgoing what, const context& ctx);
  /// Whether this turn has sent so much that others are to have theirs: then a write goes through `send_queued`.
  bool turn_is_used_up() const noexcept { return sends_in_turn_ >= sends_per_turn && !takes_no_writes(); }
  /// What to send for a message that was prepared; client connections have to mask it.
  outgoing prepared(const std::shared_ptr<const encoded_message>& m, const const_buffer& payload) const;
  /// The frame of a server's connection for it.
  outgoing frame_of(const std::shared_ptr<const encoded_message>& m) const;
  /// Appends a message that is encoded already, unless the transport has no room. It leaves with `send_appended`, or
  /// before, when a batch is full: so that all of one turn leaves in one write.
  bool append_encoded(const std::shared_ptr<const encoded_message>& m, error_code& ec);
  void send_appended();
  /// At most one; null to end it. `on_drained` comes in a turn of its own, when the queue has become empty.
  void observe_drain(std::weak_ptr<drain_observer> o) noexcept { drain_observer_ = std::move(o); }
  std::size_t queued() const noexcept { return outbox_.queued(); }

  // One message in fragments.
  task<error_code> open_writer(protocol::opcode op, compression how, const context& ctx, std::uint64_t& number);
  task<error_code> write_part(std::uint64_t number, std::span<const const_buffer> pieces, const context& ctx);
  error_code flush_writer(std::uint64_t number, const context& ctx);
  error_code finish_writer(std::uint64_t number, const context& ctx);
  void abandon_writer(std::uint64_t number);

  task<error_code> wait_until_drained(const context& ctx);
  void hold_output() noexcept { ++holds_; }
  void release_output();

  task<result<std::chrono::nanoseconds>> ping(const context& ctx);
  task<error_code> wait_until_finished(const context& ctx) override { return wait_until(finished_, ctx); }
  void begin_close(coax::status code, std::string_view reason);
  void go_away() override { begin_close(status::going_away, "the server is going down"); }
  /// Lets the peer end its direction alone, by a close frame that says so (docs/byte-streams.md).
  void welcome_half_close() noexcept { half_closes_ = true; }
  /// Ends our direction alone: reads go on until the peer has ended its own.
  void half_close();
  void end_now() override;
  void begin_close_read();
  void set_read_limit(std::size_t bytes) { assembler_.read_limit(bytes); }

  // From any thread -----------------------------------------------------------------------------------------------

  /// The handle has gone: ends what is open, leaves alone what is closing.
  void abandon() noexcept;
  /// Throws what a read or write that failed with `ec` throws.
  [[noreturn]] void throw_error(error_code ec, std::string_view operation) const;
  std::optional<close_info> closed() const;
  /// Whether `ec`, of a read, is the end that loops wait for.
  bool ended_ordinarily(const error_code& ec) const;
  std::stop_token done() const noexcept override { return done_.get_token(); }
  /// Stopped when the connection ends or `ctx` stops.
  std::stop_token until_done(const context& ctx);
  const std::string& subprotocol() const noexcept { return subprotocol_; }
  conn_stats stats() const;
  const transport& lower() const noexcept override { return *transport_; }
  protocol::role role() const noexcept { return role_; }
  bool deflates() const noexcept { return outbox_.deflates(); }

  std::shared_ptr<connection> self() { return std::static_pointer_cast<connection>(shared_from_this()); }
  /// Calls `f(*this)` on the executor: inside this call if that is where it is.
  template <class F>
  void at_home(F f) {
    asio::dispatch(executor(), [c = self(), f = std::move(f)]() mutable { f(*c); });
  }

 private:
  friend class ping_waiter;
  friend class read_waiter;
  friend class write_waiter;
  friend struct frame_taps;
  using clock = steady;

  /// Sets a flag for as long as it lives.
  class flag_guard {
   public:
    explicit flag_guard(bool& f) noexcept : flag_(f) { flag_ = true; }
    flag_guard(const flag_guard&) = delete;
    flag_guard& operator=(const flag_guard&) = delete;
    ~flag_guard() { flag_ = false; }

   private:
    bool& flag_;
  };
  /// Where one waiter is to be found, for as long as it waits: also when its wait ends with an exception.
  class in_place {
   public:
    in_place(waiter*& place, waiter& w) noexcept : place_(place), waiter_(&w) { place_ = &w; }
    in_place(const in_place&) = delete;
    in_place& operator=(const in_place&) = delete;
    ~in_place() {
      if (place_ == waiter_) place_ = nullptr;
    }

   private:
    waiter*& place_;
    waiter* waiter_;
  };
  template <class Call>
  auto in_hook(Call call) {
    const flag_guard guard(in_hook_);
    return call();
  }
  /// What ends things does not do so from within a hook, which is called in the middle of them: then it comes in a
  /// turn of its own, and this is true.
  template <class F>
  bool deferred(F f) {
    if (!in_hook_) return false;
    post([c = self(), f = std::move(f)]() mutable { f(*c); });
    return true;
  }
  bool may_read(error_code& ec) const noexcept {
    const bool taken = reading_ || in_hook_ || (close_read_ && !ended_);
    if (taken) [[unlikely]]
      ec = errc::concurrent_read;
    return !taken;
  }

  // connection_stream.cpp
  void drop_unread() noexcept;
  void part_taken(bool last) noexcept;
  void give_up_turn();
  void stream_is_over();
  bool writer_is_open(std::uint64_t number, error_code& ec) const;
  task<error_code> wait_for_room(const context& ctx);
  bool drained() const noexcept { return outbox_.empty() && (outbox_.waiting() == 0 || outbox_.stream_open()); }

  // connection_read.cpp
  bool take_ready(message& out, error_code& ec);
  std::span<std::byte> unread() const noexcept {
    if (input_begin_ == input_end_) return {};
    return {input_.data() + input_begin_, input_end_ - input_begin_};
  }
  bool advance();
  bool handle(protocol::assembler::event e);
  bool handle_data(bool part);
  bool handle_ping();
  enum class received { some, nothing, ended };
  received receive();
  bool wants_input();
  std::size_t take_early(asio::mutable_buffer to) noexcept;
  bool awaits_control() const noexcept;
  void go_on_for_control();
  bool input_ahead() const noexcept;
  void pump();
  void on_pong(std::span<const std::byte> payload);

  // connection_write.cpp
  bool takes_no_writes() const noexcept { return ended_ || write_error_ || outbox_.close_requested(); }
  void output_changed();
  void control_changed();
  bool held() const noexcept;
  bool write_front(std::size_t& n, error_code& ec);
  void flush();
  void wake_writers();
  enum class started_write { goes_on, fails };
  void drop_writers(started_write what);
  void publish_queue() noexcept;
  void write_failed(error_code ec);
  void post_turn();
  task<> next_turn();
  void on_turn();
  void tell_drained();

  // connection_close.cpp
  void on_peer_close();
  bool on_peer_half_close();
  void answer_half_close();
  /// Why there is nothing more to read.
  error_code read_end() const noexcept;
  void fail(errc code, coax::status status, const std::string& text);
  void input_failed(error_code ec);
  void end(close_info info, error_code code);
  void linger();
  void discard_input();
  void continue_shutdown();
  void finish();

  // connection_time.cpp
  void on_time(clock::time_point time) override;
  void start_timers();
  void heard();
  void check_keepalive(clock::time_point time);
  void check_use(clock::time_point time);
  void check_rest(clock::time_point time);
  std::uint64_t use() const noexcept;

  void on_ready(transport::direction d) override;
  void on_shutdown() noexcept override;

  const protocol::role role_;
  bool in_hook_ = false;
  // Input
  bool ready_is_part_ = false;
  bool reading_ = false;  // a read is in progress
  bool close_read_ = false;
  bool has_ready_ = false;
  bool read_waiting_ = false;  // the transport will tell
  // Output
  bool blocked_ = false;  // the transport had no room and will tell
  bool turn_posted_ = false;
  bool writing_part_ = false;
  bool stream_ended_ = false;  // and what had to wait for it has not been told
  bool sent_since_receive_ = false;
  static constexpr unsigned sends_per_turn = 16;
  unsigned sends_in_turn_ = 0;
  unsigned receives_in_turn_ = 0;
  unsigned holds_ = 0;  // of the output
  // End
  bool ended_ = false;          // closed() is settled
  bool lingering_ = false;      // the transport is being taken down in good order
  bool finished_ = false;       // the transport is closed
  bool reply_awaited_ = false;  // our close frame has left
  bool half_closed_ = false;
  bool keep_probing_ = false;  // a keepalive ping is out and nothing has come since

  std::shared_ptr<transport> transport_;
  borrowed_buffer input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  storage early_;  // input that came with the handshake
  std::size_t early_taken_ = 0;
  protocol::assembler assembler_;
  message ready_;
  std::size_t ready_taken_ = 0;    // of a part
  std::uint64_t open_reader_ = 0;  // the number of the reader whose message is being read in parts
  std::uint64_t open_writer_ = 0;
  std::uint64_t last_number_ = 0;
  waiter* reader_ = nullptr;
  stop_link read_link_;
  outbox outbox_;
  std::unique_ptr<const conn_hooks> hooks_;  // null unless there are any
  std::unique_ptr<const frame_taps> taps_;
  waiter* room_waiter_ = nullptr;  // a writer in the middle of its message
  std::vector<waiter*> drain_waiters_;
  std::vector<ping_waiter*> pings_;  // in the order of their ids
  std::uint64_t last_ping_ = 0;
  std::weak_ptr<drain_observer> drain_observer_;

  clock::time_point last_heard_;
  clock::time_point keep_due_ = clock::time_point::max();  // of the next probe, or of its failure
  clock::time_point stall_due_ = clock::time_point::max();
  clock::time_point close_due_ = clock::time_point::max();  // of the current step of closing
  clock::time_point use_due_ = clock::time_point::max();    // of the next look at whether it is in use
  clock::time_point life_due_ = clock::time_point::max();
  clock::time_point used_at_;
  std::uint64_t used_ = 0;                                 // `use()` at that time
  clock::time_point rest_due_ = clock::time_point::max();  // of the next look at whether compression is in use
  std::uint64_t rested_ = 0;                               // `use()` at the last one
  std::uint64_t streamed_ = 0;                             // bytes that writers have added
  std::chrono::nanoseconds keepalive_idle_;
  std::chrono::nanoseconds keepalive_timeout_;
  std::chrono::nanoseconds write_stall_;
  std::chrono::nanoseconds close_timeout_;
  std::chrono::nanoseconds idle_timeout_;
  std::chrono::nanoseconds max_lifetime_;

  const std::string subprotocol_;
  std::shared_ptr<connection> keep_alive_;  // while it closes on its own
  bool half_closes_ = false;                // such a close frame of the peer is understood
  bool half_sent_ = false;                  // our close frame ended our direction alone
  bool peer_ended_ = false;                 // the peer's did, and is to be answered when we have ended ours
  error_code write_error_;
  std::atomic<bool> write_failed_{false};  // for other threads: write_error_ is settled
  error_code end_code_;
  close_info info_;
  std::atomic<bool> info_settled_{false};
  std::stop_source done_;
  std::vector<std::shared_ptr<void>> scopes_;  // of until_done, until the connection ends
  std::atomic<std::size_t> bytes_queued_{0}, writers_waiting_{0};
  counter bytes_received_, bytes_sent_, messages_received_, messages_sent_, pings_received_, pongs_received_,
      inflated_from_, inflated_to_;
};

}  // namespace coax::detail
