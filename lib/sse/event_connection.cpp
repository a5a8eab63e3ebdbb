#include "sse/event_connection.hpp"

#include "core/buffer_pool.hpp"
#include "io/jitter.hpp"
#include "protocol/event_block.hpp"

#include <boost/asio/error.hpp>

#include <memory>
#include <optional>

namespace coax::detail {
namespace {

// A client has nothing to say behind its request: what it sends is dropped, and one that goes on is.
constexpr std::size_t most_received = 64 * 1024;
// When clients are to come back to a server that goes down, each at its own time: not before another can have taken
// its place, and not all at once.
constexpr std::chrono::milliseconds soonest_return{1000}, return_within{4000};

}  // namespace

std::shared_ptr<event_connection> event_connection::create(std::shared_ptr<transport> t,
                                                           const event_settings& settings) {
  auto c = std::make_shared<event_connection>(std::move(t), settings);
  c->start();
  return c;
}

event_connection::event_connection(std::shared_ptr<transport> t, const event_settings& s)
    : parking_lot(t->executor()),
      compresses_(s.gzip.has_value()),
      transport_(std::move(t)),
      body_(s.framing, s.gzip),
      beat_every_(s.heartbeat > s.heartbeat.zero() ? with_jitter(s.heartbeat) : s.heartbeat.zero()),
      write_stall_(s.write_stall),
      close_timeout_(s.close_timeout),
      send_queue_limit_(s.send_queue_limit),
      last_event_id_(s.last_event_id) {
  if (s.retry) protocol::append_retry(body_.back(), *s.retry);
}

event_connection::~event_connection() {
  if (!finished_) transport_->close();
}

void event_connection::start() {
  transport_->observe(self());
  sent_at_ = now();
  if (beat_every_ > beat_every_.zero()) {
    beat_due_ = after(sent_at_, beat_every_);
    wake_at(beat_due_);
  }
  output_changed();
  // Its departure is all that is to be read of the client; it may have been seen already, by who had the transport.
  receive();
}

void event_connection::receive() {
  borrowed_buffer scratch;
  for (;;) {
    error_code ec;
    const auto n = transport_->read_some({scratch.borrow(), borrowed_buffer::size}, ec);
    if (ec == asio::error::would_block) break;
    received_ += n;
    if (!ec && received_ <= most_received) continue;
    if (!lingering_) end(ec ? ec : make_error_code(errc::unexpected_data));
    return finish();
  }
  transport_->wait(transport::direction::read);
  // TLS may have to answer what it has read.
  if (transport_->output_pending() && !blocked_) flush();
}

void event_connection::begin_close(std::optional<std::chrono::milliseconds> retry) {
  if (closing_ || ended_) return;
  closing_ = true;
  last_retry_ = retry;
  keep_alive_ = self();
  beat_due_ = clock::time_point::max();
  close_due_ = after(now(), close_timeout_);
  wake_at(close_due_);
  admit_waiting();
  output_changed();
}

void event_connection::go_away() { begin_close(soonest_return + random_up_to(return_within)); }

void event_connection::end_now() {
  end(errc::closed);
  finish();
}

// Settles how the stream ended, once, and lets all that wait know.
void event_connection::end(error_code why) {
  if (ended_) return;
  ended_ = closing_ = true;
  ended_with_ = why;
  if (why == errc::write_stalled) end_code_ = why;
  end_settled_.store(true, std::memory_order_release);
  beat_due_ = clock::time_point::max();
  if (shut_down()) return;
  // Callbacks of the token are the user's: they run in a turn of their own.
  post([source = done_]() mutable { source.request_stop(); });
  if (auto o = drain_observer_.lock()) post([o] { o->on_ended(); });
}

// Everything has left. A close over unread input would send RST and lose what the client has not read yet, so the
// client goes first.
void event_connection::linger() {
  if (lingering_) return;
  lingering_ = true;
  end({});
  close_due_ = after(now(), close_timeout_);
  wake_at(close_due_);
  transport_->shutdown_send();
  if (transport_->output_pending()) flush();
}

void event_connection::finish() {
  if (finished_) return;
  finished_ = true;
  transport_->close();
  while (!waiting_.empty()) {
    auto& w = waiting_.front();
    waiting_.pop_front();
    wake(w, end_code_);
  }
  body_.clear();
  publish_queue();
  close_due_ = stall_due_ = clock::time_point::max();
  wake_all({});
  wake_never();
  // Whoever called holds the connection.
  keep_alive_.reset();
}

void event_connection::abandon() noexcept {
  if (shut_down()) return;
  at_home([](event_connection& c) {
    if (!c.closing_) c.end_now();
  });
}

std::optional<error_code> event_connection::ended() const {
  if (!end_settled_.load(std::memory_order_acquire)) return std::nullopt;
  return ended_with_;
}

void event_connection::on_shutdown() noexcept {
  transport_->close();
  finished_ = ended_ = closing_ = true;
  end_code_ = errc::shut_down;
  // Kept to the end of the caller, who holds the lot.
  keep_alive_.reset();
}

}  // namespace coax::detail
