#include "websocket/connection.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace coax::detail {
namespace {

// How often input may be received without giving other work of the thread a turn.
constexpr unsigned receives_per_turn = 16;

}  // namespace

bool connection::take_ready(message& out, error_code& ec) {
  if (open_reader_ != 0) [[unlikely]]
    drop_unread();
  const flag_guard guard(reading_);
  std::size_t used = 0;
  if (!has_ready_ && !ended_ && !peer_ended_ && assembler_.take_message(unread(), used, out)) [[likely]] {
    input_begin_ += used;
    messages_received_.add();
    go_on_for_control();
    return true;
  }
  if (!has_ready_ && !advance() && !peer_ended_) return false;
  if (has_ready_) {
    out = claim();
  } else {
    ec = read_end();
  }
  return true;
}

// Works off what has been received, up to the next message. True if a message is ready or there will be none any more.
bool connection::advance() {
  while (input_begin_ != input_end_ || assembler_.has_more()) {
    std::size_t used = 0;
    const auto event = assembler_.feed(unread(), used);
    input_begin_ += used;
    if (handle(event)) return true;
  }
  input_.give_back();
  return ended_;
}

// True if there is nothing to go on with: a message is ready, or the input has ended.
bool connection::handle(protocol::assembler::event e) {
  using event = protocol::assembler::event;
  // Also of what is passed by, or turns out to be too much.
  if (assembler_.compressed()) [[unlikely]] {
    inflated_from_.set(assembler_.stats().inflated_from);
    inflated_to_.set(assembler_.stats().inflated_to);
  }
  switch (e) {
    case event::need_more: return false;
    case event::part: return handle_data(true);
    case event::message: messages_received_.add(); return handle_data(false);
    case event::ping: return handle_ping();
    case event::pong: on_pong(assembler_.control_payload()); return ended_;
    case event::close: on_peer_close(); return ended_;
    case event::failed: {
      const auto& why = assembler_.error();
      return fail(why.code, why.status, why.text), true;
    }
  }
  return true;
}

bool connection::handle_data(bool part) {
  if (close_read_ && !ended_)
    return fail(errc::unexpected_data, status::policy_violation, "unexpected data message"), true;
  if (peer_ended_)
    return fail(errc::protocol_error, status::protocol_error, "data behind the close frame (RFC 6455 5.5.1)"), true;
  // While we close, data is only for a reader that waits for it.
  if (outbox_.close_requested() && !half_sent_ && !reading_) {
    assembler_.take_message();
    // A reader in parts must not go on behind a hole.
    if (open_reader_ != 0) drop_unread();
    return false;
  }
  ready_ = assembler_.take_message();
  ready_is_part_ = part;
  has_ready_ = true;
  return true;
}

bool connection::handle_ping() {
  pings_received_.add();
  const bool answered =
      !hooks_ || !hooks_->on_ping || in_hook([&] { return hooks_->on_ping(assembler_.control_payload()); });
  if (answered && !ended_ && (!outbox_.close_requested() || half_sent_)) {
    outbox_.pong(assembler_.control_payload());
    control_changed();
  }
  return ended_;
}

connection::received connection::receive() {
  error_code ec;
  const auto direct = assembler_.direct_buffer();
  const asio::mutable_buffer to = direct.empty() ? asio::mutable_buffer(input_.borrow(), borrowed_buffer::size)
                                                 : asio::mutable_buffer(direct.data(), direct.size());
  const std::size_t n = early_.empty() ? transport_->read_some(to, ec) : take_early(to);
  if (direct.empty()) {
    input_begin_ = 0;
    input_end_ = n;
  }
  if (ec) {
    input_.give_back();
    if (ec == asio::error::would_block) {
      read_waiting_ = true;
      transport_->wait(transport::direction::read);
      return received::nothing;
    }
    input_failed(ec);
    return received::ended;
  }
  sent_since_receive_ = false;
  ++receives_in_turn_;
  heard();
  bytes_received_.add(n);
  if (!direct.empty()) handle(assembler_.commit_direct(n));
  // TLS may have to answer what it has read.
  if (transport_->output_pending() && !blocked_) flush();
  return ended_ ? received::ended : received::some;
}

std::size_t connection::take_early(asio::mutable_buffer to) noexcept {
  const std::size_t n = std::min(to.size(), early_.size() - early_taken_);
  std::memcpy(to.data(), early_.data() + early_taken_, n);
  early_taken_ += n;
  if (early_taken_ == early_.size()) {
    early_.release();
  }
  return n;
}

// Whether somebody other than a reader needs what arrives.
bool connection::awaits_control() const noexcept {
  return close_read_ || !pings_.empty() || keep_probing_ || (outbox_.close_requested() && !ended_) ||
         ((write_error_ || peer_ended_) && !ended_);
}

bool connection::input_ahead() const noexcept { return input_begin_ != input_end_ && assembler_.frame_ahead(unread()); }

// The top of a handler: receives until a message is ready for the reader, then goes on with him as the last act.
void connection::pump() {
  if (lingering_) return discard_input();
  receives_in_turn_ = 0;
  while ((reader_ || awaits_control()) && !has_ready_ && !advance() && !read_waiting_) {
    if (receives_in_turn_ == receives_per_turn) return post_turn();
    if (receive() == received::nothing) return;
  }
  if (reader_ && has_ready_) wake_inline(*std::exchange(reader_, nullptr));
}

message connection::claim() noexcept {
  has_ready_ = false;
  go_on_for_control();
  return std::move(ready_);
}

// Who waits for a control frame behind a message that was taken can go on.
void connection::go_on_for_control() {
  if (awaits_control() && !read_waiting_) post_turn();
}

task<error_code> connection::wait_until_ready(const context& ctx) {
  const auto keep = self();
  read_waiter w(*this, ctx);
  while (w.pending()) co_await park(w);
  co_return w.outcome();
}

read_waiter::read_waiter(connection& c, const context& ctx) noexcept : waiter(ctx, c.read_link_), connection_(c) {
  c.reading_ = true;
}

read_waiter::~read_waiter() {
  if (connection_.reader_ == this) connection_.reader_ = nullptr;
  connection_.reading_ = false;
}

bool read_waiter::pending() {
  auto& c = connection_;
  if (has_waited_) {
    if (c.reader_ == this) c.reader_ = nullptr;
    outcome_ = result();
    // What has been seen to be stopped takes nothing.
    if (!outcome_) outcome_ = until().stopped();
    if (outcome_) return false;
  }
  if (c.wants_input()) {
    has_waited_ = true;
    c.reader_ = this;
    return true;
  }
  if (!c.has_ready_) outcome_ = c.read_end();
  return false;
}

const error_code& read_waiter::claim(message& out) noexcept {
  if (!outcome_) out = connection_.claim();
  return outcome_;
}

// Receives what is there; true if a reader has to wait for more.
bool connection::wants_input() {
  while (!has_ready_ && !advance() && !peer_ended_) {
    if (!outbox_.empty() && !blocked_ && !held()) flush();
    // Right after sending there is hardly anything to receive: others have their turn first (docs/performance.md).
    const bool later = read_waiting_ || sent_since_receive_ || receives_in_turn_ == receives_per_turn;
    if (!later && !ended_) {
      if (receive() != received::nothing) continue;
    } else if (!read_waiting_) {
      post_turn();
    }
    return !ended_;
  }
  return false;
}

void connection::on_pong(std::span<const std::byte> payload) {
  pongs_received_.add();
  if (hooks_ && hooks_->on_pong) in_hook([&] { hooks_->on_pong(payload); });
  if (payload.size() != sizeof(std::uint64_t)) return;
  std::uint64_t id;
  std::memcpy(&id, payload.data(), sizeof id);
  const auto time = now();
  // A pong answers the earlier pings as well: the peer may have answered only the latest (RFC 6455 5.5.3).
  while (!pings_.empty() && pings_.front()->id <= id) {
    auto& p = *pings_.front();
    pings_.erase(pings_.begin());
    p.round_trip = time - p.sent;
    wake(p);
  }
}

}  // namespace coax::detail
