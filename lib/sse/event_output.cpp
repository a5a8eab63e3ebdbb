// How an event_connection sends.

#include "io/coarse_clock.hpp"
#include "protocol/event_block.hpp"
#include "sse/event_connection.hpp"

#include <boost/asio/error.hpp>

#include <optional>
#include <span>
#include <utility>

namespace coax::detail {
namespace {

// A batch leaves at this size, be there more to come or not.
constexpr std::size_t full_batch = 64 * 1024;

}  // namespace

task<error_code> event_connection::send_queued(shared_bytes block, const context& ctx) {
  const auto keep = self();
  send_waiter w(ctx, std::move(block));
  waiting_.push_back(w);
  if (!blocked_) flush();
  if (ended_) co_return end_code_;
  if (!w.in_queue.is_linked()) co_return error_code();
  co_await park(w);
  co_return w.result();
}

bool event_connection::append_encoded(const shared_bytes& block, std::string_view tail, error_code& ec) {
  const auto size = block->size() + tail.size();
  if (!takes_no_sends() && !blocked_ && (body_.queued() >= full_batch || !accepts(size))) flush();
  if (takes_no_sends()) return ec = end_code_, false;
  if (blocked_ || !accepts(size)) return false;
  body_.append(block);
  body_.back().append(tail.data(), tail.size());
  return true;
}

// All of it is there: no turn has to be waited for.
void event_connection::send_appended() {
  publish_queue();
  if (!blocked_ && !finished_ && body_.queued() != 0) flush();
}

// Something was appended: it leaves with all else that this turn is going to send.
void event_connection::output_changed() {
  publish_queue();
  if (blocked_) return;
  if (body_.queued() >= full_batch) flush();
  post_turn();
}

void event_connection::flush() {
  admit_waiting();
  while (!blocked_ && !finished_) {
    stream_body::gather_list buffers;
    const auto count = body_.gather(buffers);
    if (count == 0 && !transport_->output_pending()) break;
    error_code ec;
    const auto n = transport_->write_some(std::span(buffers).first(count), ec);
    if (n != 0) {
      sent_at_ = coarse_now();
      ++sends_in_turn_;
      body_.consume(n);
      admit_waiting();
    }
    if (ec == asio::error::would_block) {
      blocked_ = true;
      stall_due_ = after(now(), write_stall_);
      wake_at(stall_due_);
      transport_->wait(transport::direction::write);
    } else if (ec) {
      end(ec);
      return finish();
    }
  }
  publish_queue();
  if (closing_ && !blocked_ && !finished_ && waiting_.empty() && body_.empty()) linger();
}

// Those that wait come next as far as there is room, and behind the last of them the end.
void event_connection::admit_waiting() {
  while (!waiting_.empty() && fits(waiting_.front().block->size())) {
    auto& w = waiting_.front();
    waiting_.pop_front();
    body_.append(w.block);
    wake(w);
  }
  if (!closing_ || ended_ || !waiting_.empty()) return;
  if (const auto retry = std::exchange(last_retry_, std::nullopt)) protocol::append_retry(body_.back(), *retry);
  body_.finish();
}

void event_connection::publish_queue() noexcept { bytes_queued_.store(body_.queued(), std::memory_order_relaxed); }

void event_connection::post_turn() {
  if (turn_posted_ || finished_ || shut_down()) return;
  turn_posted_ = true;
  post([c = self()] { c->on_turn(); });
}

// A sender that never has to wait would keep the thread: what it has sent is queued, and others have their turn.
task<> event_connection::next_turn() {
  post_turn();
  co_await asio::post(executor(), asio::use_awaitable);
}

void event_connection::on_turn() {
  turn_posted_ = false;
  sends_in_turn_ = 0;
  if (!finished_) flush();
}

void event_connection::on_ready(transport::direction d) {
  if (finished_) return;
  if (d == transport::direction::read) return receive();
  blocked_ = false;
  stall_due_ = clock::time_point::max();
  flush();
  if (finished_ || blocked_ || body_.queued() != 0) return;
  if (auto o = drain_observer_.lock()) o->on_drained();
}

// What has left since the last look has pushed the heartbeat back; what cannot leave needs none.
void event_connection::check_heartbeat(clock::time_point time) {
  if (body_.queued() != 0) sent_at_ = time;
  if (time - sent_at_ >= beat_every_) {
    if (heartbeat_)
      body_.append(heartbeat_);
    else
      protocol::append_comment(body_.back(), {});
    flush();
    body_.rest();
    sent_at_ = time;
  }
  if (!ended_) beat_due_ = after(sent_at_, beat_every_);
}

// The one timer of the connection: everything that has a time looks whether it has come, and asks for the next one.
void event_connection::on_time(clock::time_point time) {
  if (finished_) return;
  if (time >= stall_due_ || time >= close_due_) {
    end(errc::write_stalled);
    return finish();
  }
  if (time >= beat_due_) check_heartbeat(time);
  if (finished_) return;
  for (const auto due : {stall_due_, close_due_, beat_due_})
    if (due != clock::time_point::max()) wake_at(due);
}

}  // namespace coax::detail
