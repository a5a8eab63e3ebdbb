#include "websocket/connection.hpp"

#include <boost/asio/error.hpp>

#include <cstdint>
#include <span>
#include <utility>

namespace coax::detail {
namespace {

// A batch leaves at this size, be there more to come or not.
constexpr std::size_t batch_limit = 64 * 1024;

}  // namespace

write_waiter::write_waiter(connection& c, const context& ctx, outgoing what)
    : self_linked_waiter(ctx), write_op(std::move(what)), connection_(c) {}

// Frames of parked writes are destroyed when the io_context is; the outbox must not keep them.
write_waiter::~write_waiter() { connection_.outbox_.remove(*this); }

error_code write_waiter::leaving(error_code why) {
  const bool sent = connection_.outbox_.remove(*this);
  connection_.publish_queue();
  if (!sent) return why;
  return although_sent(why);
}

bool connection::send(protocol::opcode op, std::span<const const_buffer> pieces, std::size_t total, compression how,
                      error_code& ec) {
  if (takes_no_writes()) [[unlikely]]
    return ec = errc::closed, true;
  if (!outbox_.accepts(total)) return false;
  outbox_.append(op, pieces, total, how);
  messages_sent_.add();
  output_changed();
  return true;
}

bool connection::send(const outgoing& what, error_code& ec) {
  if (takes_no_writes()) return ec = errc::closed, true;
  if (!outbox_.accepts(what)) return false;
  outbox_.append(what);
  if (what.opens_stream) return true;
  messages_sent_.add();
  output_changed();
  return true;
}

outgoing connection::frame_of(const shared_message& m) const {
  const auto size = m->payload().size();
  const auto* parameters = outbox_.deflates(size);
  const auto* frame = parameters ? &m->deflated_frame(*parameters) : &m->frame();
  return outgoing(shared_bytes(m, frame), frame == &m->frame() ? 0 : size);
}

outgoing connection::prepared(const shared_message& m, const const_buffer& payload) const {
  if (role_ == protocol::role::server) return frame_of(m);
  return outgoing(protocol::opcode_of(m->kind()), std::span(&payload, 1), payload.size());
}

bool connection::append_encoded(const shared_message& m, error_code& ec) {
  const auto what = frame_of(m);
  if (takes_no_writes()) return ec = errc::closed, false;
  if (!blocked_ && (outbox_.queued() >= batch_limit || !outbox_.accepts(what))) flush();
  if (takes_no_writes()) return ec = errc::closed, false;
  if (blocked_ || !outbox_.accepts(what)) return false;
  outbox_.append(what);
  messages_sent_.add();
  return true;
}

// All of it is there: no turn has to be waited for.
void connection::send_appended() {
  publish_queue();
  if (!blocked_ && !held() && !outbox_.empty()) flush();
}

task<error_code> connection::send_queued(outgoing what, const context& ctx) {
  const auto keep = self();
  const bool counts = !what.opens_stream;
  write_waiter w(*this, ctx, std::move(what));
  outbox_.push(w);
  if (!blocked_) flush();
  publish_queue();
  error_code ec;
  if (w.at() != write_op::stage::finished && !ended_ && !write_error_) {
    co_await park(w);
    ec = w.result();
  } else if (turn_is_used_up()) {
    co_await next_turn();
  }
  if (w.at() == write_op::stage::finished && (!ec || was_sent(ec)) && counts) messages_sent_.add();
  if (w.at() != write_op::stage::finished && !ec) ec = errc::closed;
  co_return ec;
}

// Something was appended: it leaves now, or with what this turn is still going to write.
void connection::output_changed() {
  publish_queue();
  if (blocked_ || held()) return;
  if (outbox_.queued() < batch_limit && (turn_posted_ || input_ahead())) return post_turn();
  flush();
  post_turn();
}

// A control frame takes along what is held back: it may not wait.
void connection::control_changed() {
  if (held() && !blocked_) flush();
  output_changed();
}

// Whether the output waits for its batch to be complete; not for ever, and not for the end.
bool connection::held() const noexcept {
  return holds_ != 0 && outbox_.queued() < batch_limit && !outbox_.close_requested();
}

void connection::release_output() {
  if (--holds_ == 0 && !outbox_.empty()) output_changed();
}

// What the transport takes of the first bytes that are to leave; false: there is nothing to be done.
bool connection::write_front(std::size_t& n, error_code& ec) {
  const auto write = [&](std::span<const const_buffer> what) {
    if (what.empty() && !transport_->output_pending()) return false;
    n = transport_->write_some(what, ec);
    return true;
  };
  // Mostly it is one run, and a list of sixteen is not made for nothing.
  const_buffer run;
  if (outbox_.in_one_run(run)) [[likely]]
    return write(std::span(&run, run.size() != 0));
  outbox::gather_list buffers;
  return write(std::span(buffers).first(outbox_.gather(buffers)));
}

void connection::flush() {
  while (!blocked_ && !finished_) {
    error_code ec;
    std::size_t n = 0;
    if (!write_front(n, ec)) break;
    if (n != 0) {
      bytes_sent_.add(n);
      ++sends_in_turn_;
      sent_since_receive_ = true;
      outbox_.consume(n);
      if (finished_) return;
    }
    if (ec == asio::error::would_block) {
      blocked_ = true;
      stall_due_ = after(now(), write_stall_);
      wake_at(stall_due_);
      transport_->wait(transport::direction::write);
    } else if (ec) {
      return write_failed(ec);
    }
  }
  wake_writers();
  publish_queue();
  if (outbox_.close_requested() || lingering_) continue_shutdown();
}

void connection::publish_queue() noexcept {
  bytes_queued_.store(outbox_.queued(), std::memory_order_relaxed);
  writers_waiting_.store(outbox_.waiting(), std::memory_order_relaxed);
}

void connection::wake_writers() {
  while (auto* op = outbox_.pop_finished()) wake(*static_cast<write_waiter*>(op));
  if (room_waiter_ && outbox_.stream_has_room()) wake(*std::exchange(room_waiter_, nullptr));
  if (!drain_waiters_.empty() && drained())
    for (auto* w : std::exchange(drain_waiters_, {})) wake(*w);
}

// Writes that have not begun to leave fail; one that has, only when its rest cannot leave. A message that is being
// written in parts is cut off.
void connection::drop_writers(started_write what) {
  while (auto* op = outbox_.pop_waiting()) wake(*static_cast<write_waiter*>(op), errc::closed);
  if (what == started_write::fails)
    if (auto* op = outbox_.drop_started()) wake(*static_cast<write_waiter*>(op), errc::closed);
  outbox_.stream_abort();
  if (room_waiter_) wake(*std::exchange(room_waiter_, nullptr), errc::closed);
  for (auto* w : std::exchange(drain_waiters_, {})) wake(*w, errc::closed);
  outbox_.proceed();
  wake_writers();
}

// What the peer said before it went may still be there to be read, its close frame above all; so the input decides.
void connection::write_failed(error_code ec) {
  if (write_error_) return;
  write_error_ = ec;
  write_failed_.store(true, std::memory_order_release);
  drop_writers(started_write::fails);
  outbox_.clear();
  publish_queue();
  if (lingering_) return finish();
  if (ended_) return;
  close_due_ = after(now(), close_timeout_);
  wake_at(close_due_);
  if (!read_waiting_) post_turn();
}

void connection::post_turn() {
  if (turn_posted_ || finished_ || shut_down()) return;
  turn_posted_ = true;
  post([c = self()] { c->on_turn(); });
}

// A writer that never has to wait would keep the thread: what it has written has been sent, and others have their turn.
task<> connection::next_turn() {
  post_turn();
  co_await asio::post(executor(), asio::use_awaitable);
}

// The end of an executor turn: what it has written leaves, and whoever waits for input has had others go first.
void connection::on_turn() {
  turn_posted_ = false;
  sends_in_turn_ = 0;
  if (finished_) return;
  if (!outbox_.empty() && !held()) flush();
  sent_since_receive_ = false;
  if (stream_ended_ && !blocked_ && outbox_.empty()) tell_drained();
  if (!read_waiting_) pump();
}

// To whoever has found no room before, be it because of the transport or of a message in parts.
void connection::tell_drained() {
  stream_ended_ = false;
  if (auto o = drain_observer_.lock()) o->on_drained();
}

void connection::on_ready(transport::direction d) {
  if (d == transport::direction::read) {
    read_waiting_ = false;
    return pump();
  }
  blocked_ = false;
  stall_due_ = clock::time_point::max();
  flush();
  if (blocked_ || !outbox_.empty()) return;
  tell_drained();
}

task<error_code> connection::wait_until_drained(const context& ctx) {
  const auto keep = self();
  if (const auto stopped = ctx.stopped()) co_return stopped;
  if (ended_ || write_error_) co_return errc::closed;
  if (!blocked_) flush();
  if (ended_ || write_error_) co_return errc::closed;
  if (drained()) co_return error_code();
  plain_waiter w(ctx);
  struct guard {
    guard(std::vector<waiter*>& l, waiter* w) : list(l), self(w) { list.push_back(w); }
    ~guard() { std::erase(list, self); }
    std::vector<waiter*>& list;
    waiter* self;
  } in_line(drain_waiters_, &w);
  co_await park(w);
  co_return w.result();
}

task<result<std::chrono::nanoseconds>> connection::ping(const context& ctx) {
  const auto keep = self();
  if (const auto stopped = ctx.stopped()) co_return stopped;
  if (takes_no_writes()) co_return errc::closed;
  ping_waiter w(*this, ctx, ++last_ping_);
  pings_.push_back(&w);
  outbox_.ping(std::as_bytes(std::span(&w.id, 1)));
  control_changed();
  // Without a reader the pong is read here.
  if (!read_waiting_) post_turn();
  co_await park(w);
  const error_code ec = w.result();
  if (ec) co_return ec;
  co_return w.round_trip;
}

ping_waiter::ping_waiter(connection& c, const context& ctx, std::uint64_t number)
    : self_linked_waiter(ctx), id(number), sent(now()), connection_(c) {}

ping_waiter::~ping_waiter() { std::erase(connection_.pings_, this); }

error_code ping_waiter::leaving(error_code why) {
  std::erase(connection_.pings_, this);
  return why;
}

}  // namespace coax::detail
