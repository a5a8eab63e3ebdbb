#include "redis/link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace coax::redis {

using coax::detail::now;
using direction = transport::direction;

namespace {

constexpr std::size_t least_room = 16 * 1024;
constexpr std::size_t most_room = 1024 * 1024;
constexpr std::size_t most_read_at_once = 1024 * 1024;
constexpr std::size_t kept_output = 1024 * 1024;

}  // namespace

link::link(asio::any_io_executor ex, opener open, const redis_options& options)
    : parking_lot(std::move(ex)),
      open_(std::move(open)),
      reply_timeout_(options.reply_timeout()),
      ping_interval_(options.ping_interval()),
      backoff_(options.backoff_least(), options.backoff_most()) {}

void link::start() {
  if (state_ == state::resting) connect();
}

void link::close() noexcept {
  state_ = state::closed;
  ++epoch_;
  stop_.request_stop();
  if (transport_) transport_->close();
  wake_never();
}

void link::give_up(std::string_view why, again when) {
  if (state_ == state::waiting && when == again::at_once) {
    connect();
  } else if (state_ == state::connecting && when == again::at_once) {
    after_attempt_ = when;
    stop_.request_stop();
  } else if (state_ == state::up) {
    ++epoch_;
    std::exchange(transport_, nullptr)->close();
    out_.clear();
    out_sent_ = 0;
    wait_for_next_attempt(when);
    went_down(why);
  }
}

void link::wait_for_next_attempt(again when) {
  state_ = state::waiting;
  next_attempt_ = when == again::at_once ? now() : coax::detail::after(now(), backoff_.next());
  wake_at(next_attempt_);
}

void link::connect() {
  state_ = state::connecting;
  after_attempt_ = again::with_jitter;
  stop_ = std::stop_source();
  const auto self = std::static_pointer_cast<link>(shared_from_this());
  // The callable is kept by Asio; the link is not needed while the attempt goes on, and ends it by its token.
  auto attempt = [open = open_, ctx = context(stop_.get_token())] { return open(ctx); };
  asio::co_spawn(executor(), std::move(attempt), [self](std::exception_ptr error, std::shared_ptr<transport> t) {
    std::string why;
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      why = e.what();
    }
    self->connected(std::move(t), why);
  });
}

void link::connected(std::shared_ptr<transport> t, std::string_view why) {
  if (state_ != state::connecting || shut_down()) {
    if (t) t->close();
    return;
  }
  if (!t) {
    wait_for_next_attempt(after_attempt_);
    if (!std::exchange(refusal_told_, true)) refused(why);
    return;
  }
  state_ = state::up;
  refusal_told_ = false;
  transport_ = std::move(t);
  transport_->observe(std::static_pointer_cast<link>(shared_from_this()));
  parser_ = {};
  last_heard_ = now();
  transport_->wait(direction::read);
  wake_at(coax::detail::after(last_heard_, std::min(ping_interval_, reply_timeout_)));
  came_up();
}

void link::on_ready(direction d) {
  if (state_ != state::up) return;
  if (d == direction::read) return receive();
  const auto epoch = epoch_;
  flush();
  if (epoch == epoch_ && unsent() == 0) drained();
}

void link::receive() {
  last_heard_ = now();
  const auto epoch = epoch_;
  error_code ec;
  std::size_t total = 0;
  while (total < most_read_at_once) {
    const auto room = parser_.prepare(std::clamp(parser_.wanted(), least_room, most_room));
    const auto n = transport_->read_some(asio::mutable_buffer(room.data(), room.size()), ec);
    parser_.commit(n);
    total += n;
    if (n != 0 && !hear()) break;
    if (ec || (n < room.size() && !transport_->secure())) break;
  }
  if (epoch == epoch_) heard_all();
  if (epoch != epoch_) return;
  if (parser_.error()) return give_up(parser_.error()->text, again::with_jitter);
  if (ec && ec != asio::error::would_block) return give_up(ec.message(), again::with_jitter);
  if (total < most_read_at_once) return transport_->wait(direction::read);
  // TLS may hold more that no wait would tell of; others get a turn first.
  post([self = std::static_pointer_cast<link>(shared_from_this())] { self->on_ready(direction::read); });
}

// Whether the connection is still the same.
bool link::hear() {
  const auto epoch = epoch_;
  while (const auto v = parser_.next()) {
    backoff_.reset();
    heard(*v);
    if (epoch != epoch_) return false;
  }
  return !parser_.error();
}

void link::flush() {
  if (state_ != state::up) return;
  while (unsent() != 0 || transport_->output_pending()) {
    error_code ec;
    const std::array rest{asio::const_buffer(out_.data() + out_sent_, unsent())};
    const auto n = transport_->write_some(rest, ec);
    out_sent_ += n;
    if (ec == asio::error::would_block || (!ec && n == 0)) {
      if (out_sent_ >= kept_output) out_.erase(0, std::exchange(out_sent_, 0));
      return transport_->wait(direction::write);
    }
    if (ec) return give_up(ec.message(), again::with_jitter);
  }
  out_.clear();
  out_sent_ = 0;
  if (out_.capacity() > kept_output) out_.shrink_to_fit();
}

void link::alarm(time_point at) {
  if (at >= alarm_) return;
  alarm_ = at;
  wake_at(at);
}

void link::on_time(time_point time) {
  if (state_ == state::closed) return;
  if (state_ == state::waiting) {
    if (time >= next_attempt_)
      connect();
    else
      wake_at(next_attempt_);
  }
  if (state_ == state::up) check_liveness(time);
  if (state_ == state::closed) return;
  if (time >= alarm_) alarm_ = on_alarm(time);
  if (alarm_ != time_point::max() && state_ != state::closed) wake_at(alarm_);
}

void link::check_liveness(time_point time) {
  const auto asked = oldest_question();
  const auto since = asked ? std::max(*asked, last_heard_) : last_heard_;
  const auto due = coax::detail::after(since, asked ? reply_timeout_ : ping_interval_);
  if (time < due) return wake_at(std::min(due, coax::detail::after(time, ping_interval_)));
  if (asked) return give_up("it does not answer", again::with_jitter);
  ask_ping();
  flush();
  if (state_ == state::up) wake_at(coax::detail::after(time, std::min(ping_interval_, reply_timeout_)));
}

}  // namespace coax::redis
