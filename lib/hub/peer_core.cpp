#include "hub/peer_core.hpp"

#include "hub/notice.hpp"
#include "hub/registry.hpp"
#include "hub/shard.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace coax::detail {
namespace {

// Who resumes is told of what it has missed, without having asked for it.
queue_limits bounds(queue_limits q, bool resumes) { return resumes ? q.notices(true) : q; }

}  // namespace

peer_core::peer_core(std::uint64_t number, peer_socket p, const peer_options& o, std::shared_ptr<registry> r,
                     std::shared_ptr<shard> s)
    : id(number),
      options(o),
      hub(std::move(r)),
      home(std::move(s)),
      socket(std::move(p.socket)),
      events(std::move(p.events)),
      link(std::move(p.link)),
      limits_(bounds(o.queue().value_or(hub->default_limits()), events || o.resumable())),
      queue_(limits_),
      messages_in_(o.message_rate(), std::max(1.0, o.message_rate() * o.burst())),
      bytes_in_(o.byte_rate(), o.byte_rate() * o.burst()) {
  if (o.resumable()) link->make_resumable();
}

bool peer_core::admits(std::size_t size) noexcept {
  const auto time = now();
  return messages_in_.take(1, time) && bytes_in_.take(static_cast<double>(size), time);
}

void peer_core::attached() {
  link->observe(weak_from_this());
  // One that had ended before is not told of any more.
  if (link->ended()) on_ended();
}

void peer_core::joined(subscription& what, const join_options& o) {
  auto* const s = &what;
  const bool again = std::find(parts_.begin(), parts_.end(), s) != parts_.end();
  if (!again) parts_.push_back(s);
  s->policy = o.on_full().value_or(default_policy());
  // A filter has no log to go back to.
  if (s->topic->is_filter && s->policy == overflow::rewind) s->policy = overflow::disconnect;
  s->filter = o.filter();
  s->presence = o.presence();
  s->resumable = o.resumable();
  if (again || state_ != state::open) return;
  if (!o.since() && o.recent() == 0) {
    s->past = past::whole;
    return;
  }
  ++last_reader_;
  s->reader = o.since() ? std::make_unique<log_reader>(last_reader_, s->topic->name, *o.since())
                        : std::make_unique<log_reader>(last_reader_, s->topic->name, o.recent());
  s->reader->came_at(s->part->told.at());
  readers_.push_back(s);
  if (queue_.empty()) home->mark_offered(*this);
}

void peer_core::left(subscription& s) noexcept {
  std::erase(parts_, &s);
  std::erase(readers_, &s);
  s.reader.reset();
  // Nobody is owed anything any more.
  auto unknown = past::unknown;
  s.past.compare_exchange_strong(unknown, past::whole);
  home->wake_waiting(s.awaits_recovery);
  home->wake_waiting(s.awaits_news);
}

void peer_core::take(offering& o, subscription& s) {
  if (token_at_ <= home->time()) [[unlikely]]
    place_changed();
  const bool reads = s.reads(*o.what());
  if (s.reader) {
    s.reader->on_entry(o.what()->epoch(), o.what()->entry());
    if (queue_.empty()) home->mark_offered(*this);
  }
  if (id == o.except || last_serial_ == o.serial) {
    ++home->counts.skipped;
  } else if (!wants(s, *o.what()->entry())) {
    ++home->counts.filtered;
  } else if (reads) {
    last_serial_ = o.serial;
    ++home->counts.skipped;
  } else {
    last_serial_ = o.serial;
    return enqueue(o, s);
  }
  if (s.policy == overflow::block) unblock({1, o.what()->size()});
}

// The queue is for what the connection has no room for: it is empty whenever the connection has.
void peer_core::enqueue(offering& o, subscription& s) {
  const auto policy = s.policy;
  if (state_ == state::open && queue_.empty() && hand_over(*o.what())) {
    if (policy == overflow::block) unblock({1, o.what()->size()});
    return home->mark_offered(*this);
  }
  if (state_ != state::open) return drop(o, policy);
  std::size_t dropped = 0;
  const auto verdict = queue_.push(o.log(), o.at(), policy, dropped);
  home->counts.dropped += dropped;
  if (verdict == send_queue::verdict::overflows) {
    drop(o, policy);
    return evict();
  }
  if (verdict == send_queue::verdict::rewinds) {
    ++home->counts.skipped;
    return go_back(s, o.what()->before());
  }
  if (!queue_.empty()) home->watch(*this);
}

void peer_core::drop(const offering& o, overflow policy) noexcept {
  ++home->counts.dropped;
  o.log()->tally->dropped.fetch_add(1, std::memory_order_relaxed);
  if (policy == overflow::block) unblock({1, o.what()->size()});
}

void peer_core::take(const shared_delivery& direct) {
  if (state_ == state::open && queue_.empty() && hand_over(*direct)) return home->mark_offered(*this);
  if (state_ != state::open) return void(++home->counts.dropped);
  std::size_t dropped = 0;
  const auto verdict = queue_.push(direct, default_policy(), home->time(), dropped);
  home->counts.dropped += dropped;
  if (verdict == send_queue::verdict::overflows) {
    ++home->counts.dropped;
    return evict();
  }
  if (!queue_.empty()) home->watch(*this);
}

// Whoever filters is the user's: what it throws must not end more than this message.
bool peer_core::wants(subscription& s, const log_entry& e) noexcept {
  if (!s.filter) return true;
  try {
    return s.filter(e);
  } catch (...) {
    ++home->counts.filter_errors;
    return false;
  }
}

// True if the connection has taken it. When the connection has closed, nothing more is for it.
bool peer_core::hand_over(const delivery& what) {
  error_code ec;
  if (link->append(what, ec)) {
    ++home->counts.delivered;
    return true;
  }
  if (ec) {
    state_ = state::over;
    end_queue();
  }
  return false;
}

void peer_core::send_offered() {
  offered_to = false;
  if (queue_.empty() && tell_losses()) go_on();
  settle_close();
  link->send_appended();
}

// The connection has room again.
void peer_core::pass_on() {
  if (!tell_losses()) return;
  while (!queue_.empty() && hand_over(*queue_.front())) queue_.pop();
  unblock(queue_.take_unblocked());
  if (queue_.empty()) go_on();
  link->send_appended();
}

// With what is not in the queue.
void peer_core::go_on() {
  read_on();
  tell_place();
}

// False if the connection has no room.
bool peer_core::tell_losses() {
  while (const auto* n = queue_.untold()) {
    const std::string_view topic = n->topic ? std::string_view(n->topic->name) : std::string_view();
    const auto notice = n->messages == 0 ? notice_of_reset(topic) : notice_of_drops(topic, n->messages);
    if (state_ == state::over || !hand_over(*notice)) return false;
    ++home->counts.notices;
    queue_.told();
  }
  return true;
}

void peer_core::on_drained() {
  home->guarded(*this, [this] {
    pass_on();
    settle_close();
  });
  home->settle();
}

void peer_core::on_ended() {
  state_ = state::over;
  end_queue();
  // Where that fails it takes nothing, and leaves when its handle goes.
  home->guarded(*this, [this] { hub->leave_all(*this); });
  if (detached_) home->remove(*this);
  home->settle();
}

void peer_core::close(const close_request& request) {
  if (state_ == state::over || (state_ == state::closing && !request.at_once())) return;
  state_ = state::closing;
  close_with_ = request;
  if (request.at_once()) {
    end_queue();
    hub->leave_all(*this);
  }
  wake_publishers();
  settle_close();
}

void peer_core::close_later(std::shared_ptr<const close_request> with, steady::time_point at, steady::time_point by) {
  farewell_ = std::move(with);
  close_at_ = std::min(close_at_, at);
  cut_at_ = std::min(cut_at_, by);
  home->watch(*this);
}

void peer_core::say_farewell(steady::time_point time) {
  if (close_at_ <= time) {
    close_at_ = steady::time_point::max();
    was_told_to_go_ = was_told_to_go_ || state_ == state::open;
    close(*farewell_);
  }
  if (cut_at_ > time) return;
  cut_at_ = steady::time_point::max();
  if (link->ended()) return;
  ++home->counts.cut;
  state_ = state::over;
  end_queue();
  link->end_now();
}

void peer_core::settle_close() {
  if (state_ != state::closing || !queue_.empty() || (reads_on() && !readers_.empty())) return;
  state_ = state::over;
  end_queue();
  link->begin_close(close_with_);
  if (detached_) home->remove(*this);
}

// A close under way goes on, with the queue before it; the shard keeps the peer until then.
void peer_core::detached() {
  detached_ = true;
  if (was_told_to_go_) ++(link->ended_well() ? home->counts.flushed : home->counts.given_up);
  close_at_ = steady::time_point::max();
  if (state_ == state::closing) return;
  cut_at_ = steady::time_point::max();
  state_ = state::over;
  end_queue();
  link->abandon();
  home->remove(*this);
}

void peer_core::fail() noexcept {
  ++home->counts.failures;
  state_ = state::over;
  end_queue();
  link->abandon();
}

bool peer_core::has_lost() const noexcept {
  return state_ != state::over &&
         std::any_of(parts_.begin(), parts_.end(), [](const auto* s) { return s->part->lost.load(); });
}

void peer_core::forget_losses() noexcept {
  for (const auto* s : parts_) s->part->lost = false;
}

void peer_core::on_time(steady::time_point time) {
  say_farewell(time);
  std::size_t dropped = 0;
  std::vector<send_queue::rewound> back;
  const auto verdict = queue_.expire(time, dropped, back);
  home->counts.dropped += dropped;
  for (const auto& b : back) {
    auto* const s = part_of(*b.log);
    if (s && s->policy == overflow::rewind) {
      home->counts.skipped += b.messages;
      go_back(*s, b.from->before());
    } else {
      std::size_t lost = 0;
      queue_.lose(*b.log, b.messages, lost);
      home->counts.dropped += lost;
    }
  }
  if (verdict == send_queue::verdict::overflows) {
    if (state_ == state::open) return evict();
    end_queue();
  }
  if (renew_at_ <= time) {
    renew_at_ = steady::time_point::max();
    token_due_ = true;
  }
  if (queue_.empty()) go_on();
  settle_close();
  link->send_appended();
}

steady::time_point peer_core::due() const noexcept {
  auto at = std::min({close_at_, cut_at_, renew_at_});
  if (!queue_.empty()) at = std::min(at, queue_.expires());
  // A question that is due already waits for the socket.
  for (const auto* s : readers_) {
    const auto question = s->reader ? s->reader->due() : std::nullopt;
    if (question && *question > home->time()) at = std::min(at, *question);
  }
  return at;
}

void peer_core::evict() {
  state_ = state::over;
  evicted_.store(true, std::memory_order_release);
  end_queue();
  ++home->counts.disconnected;
  link->begin_close(close_request{limits_.close_status(), "slow consumer"});
  hub->leave_all(*this);
}

// Nothing more is sent, and nobody has to wait for it.
void peer_core::end_queue() noexcept {
  token_at_ = renew_at_ = steady::time_point::max();
  if (was_told_to_go_) home->counts.undelivered += queue_.messages();
  home->counts.dropped += queue_.clear();
  unblock(queue_.take_unblocked());
  for (auto* s : std::exchange(readers_, {})) {
    s->reader.reset();
    home->wake_waiting(s->awaits_recovery);
  }
  for (auto* s : parts_) home->wake_waiting(s->awaits_news);
  wake_publishers();
}

subscription* peer_core::part_of(const ring& log) const noexcept {
  const auto found =
      std::find_if(parts_.begin(), parts_.end(), [&](const auto* s) { return s->part->log.get() == &log; });
  return found == parts_.end() ? nullptr : *found;
}

}  // namespace coax::detail
