#include "protocol/close_frame.hpp"
#include "websocket/connection.hpp"

#include <boost/asio/error.hpp>

#include <string>
#include <utility>

namespace coax::detail {

// Our own close: the frame goes behind what is queued, then the peer has its time to answer.
void connection::begin_close(coax::status code, std::string_view reason) {
  if (deferred([code, why = std::string(reason)](connection& c) { c.begin_close(code, why); })) return;
  if (ended_ || (outbox_.close_requested() && !half_sent_)) return;
  if (!std::exchange(half_sent_, false)) {
    info_.initiator = close_initiator::local;
    info_.status = code;
    info_.reason = reason;
  }
  // What has arrived and nobody is reading is not waited for, nor is a message that is being written in parts.
  if (!reading_) drop_unread();
  if (outbox_.stream_open()) drop_writers(started_write::goes_on);
  outbox_.close(code, reason);
  keep_alive_ = self();
  close_due_ = after(now(), close_timeout_);
  wake_at(close_due_);
  output_changed();
  if (!read_waiting_) post_turn();
}

void connection::on_peer_close() {
  if (on_peer_half_close()) return;
  close_info info;
  const bool ours = outbox_.close_requested();
  // Who has ended one direction only wants to know how the other one ended.
  const bool theirs = !ours || (half_sent_ && assembler_.close_status() != status::no_status);
  info.status = theirs ? assembler_.close_status() : info_.status;
  info.reason = theirs ? std::string(assembler_.close_reason()) : info_.reason;
  info.initiator = ours && info.status == info_.status ? close_initiator::local : close_initiator::remote;
  info.clean = true;
  drop_writers(started_write::goes_on);
  // RFC 6455 5.5.1: the answer echoes the status.
  if (!ours && !write_error_) outbox_.close(assembler_.close_status(), {});
  end(std::move(info), errc::closed);
  linger();
}

// The peer broke a rule: it is told which, and can read that.
void connection::fail(errc code, coax::status status, const std::string& text) {
  input_begin_ = input_end_;
  drop_writers(started_write::goes_on);
  if (!outbox_.close_requested()) outbox_.close(status, protocol::fit_reason(text));
  end({close_initiator::protocol, status, text, false, code}, code);
  linger();
}

// The transport has nothing more to read.
void connection::input_failed(error_code ec) {
  if (lingering_) return finish();
  const bool ours = outbox_.close_requested() && info_.initiator == close_initiator::local;
  const error_code cause = write_error_ && ec == asio::error::eof ? write_error_ : ec;
  end({ours ? close_initiator::local : close_initiator::transport, status::abnormal, {}, false, cause}, errc::closed);
  finish();
}

void connection::end_now() {
  if (deferred([](connection& c) { c.end_now(); })) return;
  if (finished_) return;
  drop_unread();
  input_begin_ = input_end_;
  end({close_initiator::local, status::abnormal, {}, false, errc::closed}, errc::closed);
  finish();
}

// Settles how the connection ended, once, and lets all that wait know.
void connection::end(close_info info, error_code code) {
  if (ended_) return;
  ended_ = true;
  info_ = std::move(info);
  end_code_ = code;
  info_settled_.store(true, std::memory_order_release);
  keep_due_ = use_due_ = life_due_ = rest_due_ = clock::time_point::max();
  if (reader_) wake(*std::exchange(reader_, nullptr));
  for (auto* p : std::exchange(pings_, {})) wake(*p, code);
  if (shut_down()) return;
  // Callbacks of the token are the user's: they run in a turn of their own.
  post([source = done_, scopes = std::move(scopes_)]() mutable { source.request_stop(); });
  if (auto o = drain_observer_.lock()) post([o] { o->on_ended(); });
}

// Takes the transport down so that the peer can read our last words: what is queued leaves, our end is said, input is
// discarded until the peer's end. A client that has closed cleanly lets the server go first (RFC 6455 7.1.1).
void connection::linger() {
  if (finished_ || lingering_) return;
  lingering_ = true;
  keep_alive_ = self();
  input_.give_back();
  input_begin_ = input_end_ = 0;
  close_due_ = after(now(), close_timeout_);
  wake_at(close_due_);
  flush();
  if (!finished_ && !read_waiting_) post_turn();
}

void connection::continue_shutdown() {
  if (finished_ || write_error_) return;
  if (!lingering_) {
    if (outbox_.close_left() && peer_ended_) return answer_half_close();
    // The close frame has left: from here on the peer's time runs.
    if (outbox_.close_left() && !blocked_ && !reply_awaited_ && !half_sent_) {
      reply_awaited_ = true;
      close_due_ = after(now(), close_timeout_);
      wake_at(close_due_);
    }
    return;
  }
  if (!outbox_.empty() || blocked_) return;
  if (role_ == protocol::role::client && info_.clean) return;
  if (half_closed_) return;
  half_closed_ = true;
  transport_->shutdown_send();
  if (transport_->output_pending()) flush();
}

void connection::discard_input() {
  borrowed_buffer scratch;
  for (unsigned i = 0; i != 16; ++i) {
    error_code ec;
    transport_->read_some({scratch.borrow(), borrowed_buffer::size}, ec);
    if (ec == asio::error::would_block) {
      read_waiting_ = true;
      return transport_->wait(transport::direction::read);
    }
    if (ec) return finish();
  }
  post_turn();
}

void connection::finish() {
  if (finished_) return;
  finished_ = true;
  lingering_ = false;
  // The client's side of TLS says its end as well, as far as that goes without waiting.
  if (info_.clean && !half_closed_ && !write_error_) transport_->shutdown_send();
  transport_->close();
  drop_writers(started_write::fails);
  outbox_.clear();
  outbox_.rest();
  assembler_.rest();
  publish_queue();
  read_link_.detach();
  close_due_ = stall_due_ = clock::time_point::max();
  wake_all({});
  wake_never();
  // Whoever called holds the connection.
  keep_alive_.reset();
}

void connection::begin_close_read() {
  if (deferred([](connection& c) { c.begin_close_read(); })) return;
  if (close_read_ || ended_) return;
  close_read_ = true;
  if (has_ready_) return fail(errc::unexpected_data, status::policy_violation, "unexpected data message");
  if (!read_waiting_) post_turn();
}

void connection::abandon() noexcept {
  if (shut_down()) return;
  at_home([](connection& c) {
    if (!c.outbox_.close_requested()) return c.end_now();
    if (c.half_sent_) c.begin_close(status::normal, {});
  });
}

void connection::on_shutdown() noexcept {
  transport_->close();
  finished_ = ended_ = true;
  end_code_ = errc::shut_down;
  read_link_.detach();
  // Kept to the end of the caller, who holds the lot.
  keep_alive_.reset();
}

}  // namespace coax::detail
