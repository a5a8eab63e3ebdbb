#include "websocket/connection.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>

namespace coax::detail {

using protocol::assembler;

// Receiving --------------------------------------------------------------------------------------------------------

// A message that is being read in parts, and whose reader has been passed by, goes to its end unseen.
void connection::drop_unread() noexcept {
  open_reader_ = 0;
  ready_taken_ = 0;
  if (std::exchange(has_ready_, false)) ready_ = {};
  assembler_.deliver(assembler::delivery::whole);
  assembler_.discard();
}

task<error_code> connection::open_reader(const context& ctx, std::uint64_t& number, message_kind& kind) {
  error_code ec;
  if (!may_read(ec)) co_return ec;
  if ((ec = ctx.stopped())) co_return ec;
  if (open_reader_ != 0) drop_unread();
  // A message that is there already is its own last part.
  if (!has_ready_ && !ended_) {
    ready_is_part_ = false;
    assembler_.deliver(assembler::delivery::parts);
    const flag_guard guard(reading_);
    std::size_t none = 0;
    handle(assembler_.feed({}, none));
  }
  ec = co_await wait_until_ready(ctx);
  if (ec) {
    // Nobody has seen a part: the message is still whole.
    if (has_ready_ && ready_is_part_) {
      has_ready_ = false;
      assembler_.put_back(std::move(ready_));
    }
    assembler_.deliver(assembler::delivery::whole);
    co_return ec;
  }
  number = open_reader_ = ++last_number_;
  kind = ready_.kind();
  co_return error_code();
}

bool connection::take_part(std::uint64_t number, const context& ctx, asio::mutable_buffer to, std::size_t& n,
                           bool& over, error_code& ec) {
  n = 0;
  over = false;
  if (!may_read(ec) || (ec = ctx.stopped())) return true;
  if (open_reader_ != number) {
    if (ended_ || outbox_.close_requested()) return ec = ended_ ? end_code_ : make_error_code(errc::closed), true;
    throw std::logic_error("coax: a message_reader whose message was given up by a later read");
  }
  bool ready = has_ready_;
  if (!ready) {
    const flag_guard guard(reading_);
    ready = advance();
  }
  if (!ready && !peer_ended_) return false;
  if (!has_ready_) return ec = read_end(), true;
  n = std::min(to.size(), ready_.size() - ready_taken_);
  if (n != 0) std::memcpy(to.data(), ready_.bytes().data() + ready_taken_, n);
  ready_taken_ += n;
  if (ready_taken_ == ready_.size()) {
    over = !ready_is_part_;
    part_taken(over);
  }
  return true;
}

void connection::part_taken(bool last) noexcept {
  ready_taken_ = 0;
  if (last) {
    open_reader_ = 0;
    assembler_.deliver(assembler::delivery::whole);
  }
  claim();
}

// Sending ----------------------------------------------------------------------------------------------------------

task<error_code> connection::open_writer(protocol::opcode op, compression how, const context& ctx,
                                         std::uint64_t& number) {
  error_code ec = ctx.stopped();
  if (ec) co_return ec;
  const outgoing opening(op, how);
  if (!send(opening, ec)) ec = co_await send_queued(opening, ctx);
  if (was_sent(ec)) {
    // Its turn came at the same time as its stop.
    give_up_turn();
    co_return ec == errc::canceled_sent ? errc::canceled : errc::deadline_exceeded;
  }
  if (!ec) number = open_writer_ = ++last_number_;
  co_return ec;
}

// The writer whose turn it is has sent nothing of its message, and will not.
void connection::give_up_turn() {
  open_writer_ = 0;
  outbox_.stream_abort();
  outbox_.proceed();
  output_changed();
  stream_is_over();
}

void connection::stream_is_over() {
  wake_writers();
  stream_ended_ = true;
  post_turn();
}

// Whether the writer may go on; otherwise `ec` tells why not.
bool connection::writer_is_open(std::uint64_t number, error_code& ec) const {
  if (writing_part_) throw std::logic_error("coax: another operation of the message_writer is in progress");
  if (takes_no_writes()) return ec = errc::closed, false;
  if (open_writer_ != number) throw std::logic_error("coax: the message_writer has finished");
  return outbox_.stream_open() || (ec = errc::closed, false);
}

task<error_code> connection::write_part(std::uint64_t number, std::span<const const_buffer> pieces,
                                        const context& ctx) {
  const auto keep = self();
  error_code ec = ctx.stopped();
  if (ec || !writer_is_open(number, ec)) co_return ec;
  const flag_guard guard(writing_part_);
  bool begun = false;
  for (const_buffer piece : pieces) {
    while (piece.size() != 0) {
      if (!ec && !outbox_.stream_has_room()) {
        try {
          ec = co_await wait_for_room(ctx);
        } catch (const boost::system::system_error&) {
          ec = errc::canceled;  // Asio's cancellation has come since the last wait
        }
        if (ec && !begun) co_return ec;
      }
      if (!outbox_.stream_open() || open_writer_ != number) co_return errc::closed;
      // A part that has begun is added whole, be there room or not: its caller has given up and gone.
      const const_buffer some = asio::buffer(piece, outbox::fragment_size);
      outbox_.stream_append(some);
      streamed_ += some.size();
      piece += some.size();
      begun = true;
    }
  }
  if (begun) output_changed();
  if (ec) co_return although_sent(ec);
  if (turn_is_used_up()) co_await next_turn();
  co_return ec;
}

task<error_code> connection::wait_for_room(const context& ctx) {
  if (!blocked_) flush();
  while (!outbox_.stream_has_room() && outbox_.stream_open()) {
    plain_waiter w(ctx);
    const in_place guard(room_waiter_, w);
    co_await park(w);
    const error_code ec = w.result();
    if (ec) co_return ec;
  }
  co_return outbox_.stream_open() ? error_code() : make_error_code(errc::closed);
}

error_code connection::flush_writer(std::uint64_t number, const context& ctx) {
  error_code ec = ctx.stopped();
  if (ec || !writer_is_open(number, ec)) return ec;
  outbox_.stream_flush();
  output_changed();
  return ec;
}

error_code connection::finish_writer(std::uint64_t number, const context& ctx) {
  error_code ec = ctx.stopped();
  if (ec || !writer_is_open(number, ec)) return ec;
  open_writer_ = 0;
  outbox_.stream_finish();
  messages_sent_.add();
  output_changed();
  stream_is_over();
  return ec;
}

void connection::abandon_writer(std::uint64_t number) {
  if (open_writer_ != number || !outbox_.stream_open()) return;
  if (outbox_.stream_begun()) return begin_close(status::internal_error, "a message was left unfinished");
  give_up_turn();
}

}  // namespace coax::detail
