#include "hub/shard.hpp"

#include "core/prefetch.hpp"
#include "hub/registry.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace coax::detail {
namespace {

// Messages handed to peers before the other work of the thread has a turn.
constexpr std::size_t deliveries_per_turn = 16 * 1024;
// Messages of one topic that a peer gets in one go.
constexpr std::size_t messages_per_visit = 16;
// When what could not be done is tried again.
constexpr std::chrono::seconds alarm_again_after{1};
// A longer inbox gives its memory back.
constexpr std::size_t kept_capacity = 4096;

}  // namespace

shard::shard(asio::any_io_executor ex, std::weak_ptr<registry> hub, std::shared_ptr<hub_counts> totals)
    : parking_lot(std::move(ex)), hub_(std::move(hub)), totals_(std::move(totals)) {}

shard::~shard() = default;

shard::pushed shard::push(command c) {
  const std::lock_guard lock(mutex_);
  if (dead_) return pushed::dead;
  inbox_.push_back(std::move(c));
  return std::exchange(posted_, true) ? pushed::awake : pushed::asleep;
}

shard::pushed shard::note_loss() noexcept {
  const std::lock_guard lock(mutex_);
  if (dead_) return pushed::dead;
  lost_ = true;
  return std::exchange(posted_, true) ? pushed::awake : pushed::asleep;
}

bool shard::wake() noexcept {
  auto self = std::static_pointer_cast<shard>(shared_from_this());
  // The mutex keeps the io_context from being destroyed meanwhile, by way of on_shutdown.
  const std::lock_guard lock(mutex_);
  if (dead_) return true;
  try {
    asio::post(executor(), [self = std::move(self)] { self->work_off(); });
  } catch (...) {
    posted_ = false;
  }
  return posted_;
}

namespace {

// The peer that a command is about, if it is about one.
peer_core* subject(const commands::attach& c) noexcept { return c.peer.get(); }
peer_core* subject(const commands::detach& c) noexcept { return c.peer.get(); }
peer_core* subject(const commands::join& c) noexcept { return c.what->peer.get(); }
peer_core* subject(const commands::resume& c) noexcept { return c.peer.get(); }
peer_core* subject(const commands::leave& c) noexcept { return c.what->peer.get(); }
peer_core* subject(const commands::page& c) noexcept { return c.to->peer.get(); }
peer_core* subject(const commands::send& c) noexcept { return c.to.get(); }
peer_core* subject(const commands::close& c) noexcept { return c.peer.get(); }
peer_core* subject(const commands::farewell& c) noexcept { return c.peer.get(); }
peer_core* subject(const commands::tell&) noexcept { return nullptr; }
peer_core* subject(const commands::publish&) noexcept { return nullptr; }
peer_core* subject(const commands::begin&) noexcept { return nullptr; }
peer_core* subject(const commands::reset&) noexcept { return nullptr; }
peer_core* subject(const commands::alarm&) noexcept { return nullptr; }

}  // namespace

void shard::work_off() noexcept {
  for (;;) {
    if (next_ == batch_.size()) take_batch();
    time_ = now();
    for (std::size_t done = 0; next_ != batch_.size() && done < deliveries_per_turn;) {
      const auto& next = batch_[next_++];
      const auto run_guarded = [this](const auto& c) {
        try {
          return run(c);
        } catch (...) {
          if (auto* p = subject(c)) p->fail();
          return std::size_t{1};
        }
      };
      done += std::visit(run_guarded, next);
    }
    for (auto* p : offered_) guarded(*p, [p] { p->send_offered(); });
    offered_.clear();
    settle();
    if (rests() || wake()) return;
    // Without a turn of its own, then.
    const std::lock_guard lock(mutex_);
    if (std::exchange(posted_, true)) return;
  }
}

void shard::take_batch() {
  batch_.clear();
  next_ = 0;
  bool lost = false;
  {
    const std::lock_guard lock(mutex_);
    std::swap(batch_, inbox_);
    lost = std::exchange(lost_, false);
  }
  if (lost) end_losers();
}

void shard::end_losers() noexcept {
  for (const auto& p : peers_)
    if (p->has_lost()) p->fail();
  for (const auto& p : peers_) p->forget_losses();
}

// Whether the inbox is empty; then the next that comes posts.
bool shard::rests() noexcept {
  const bool through = next_ == batch_.size();
  if (through) {
    batch_.clear();
    if (batch_.capacity() > kept_capacity) batch_ = {};
    next_ = 0;
  }
  const std::lock_guard lock(mutex_);
  if (through && inbox_.empty() && !lost_) posted_ = false;
  return !posted_;
}

std::size_t shard::run(const commands::attach& c) {
  c.peer->index = peers_.size();
  peers_.push_back(c.peer);
  c.peer->attached();
  if (c.close_with) c.peer->close(*c.close_with);
  if (c.farewell) run(*c.farewell);
  return 1;
}

std::size_t shard::run(const commands::detach& c) {
  c.peer->detached();
  if (!c.then.empty()) settle();
  for (const auto& done : c.then) done(std::size_t{0});
  return 1;
}

std::size_t shard::run(const commands::join& c) {
  auto& members = c.what->part->members;
  if (c.what->index == subscription::nowhere) {
    members.push_back(c.what);
    c.what->index = members.size() - 1;
  }
  c.what->peer->joined(*c.what, c.options);
  c.what->peer->place_changed();
  return 1;
}

std::size_t shard::run(const commands::resume& c) {
  c.peer->resumed(c.was);
  return 1;
}

// One whose joining has failed is not there.
std::size_t shard::run(const commands::leave& c) {
  c.what->peer->left(*c.what);
  c.what->peer->place_changed();
  auto& members = c.what->part->members;
  const auto at = std::exchange(c.what->index, subscription::nowhere);
  if (at == subscription::nowhere) return 1;
  members.back()->index = at;
  std::swap(members[at], members.back());
  members.pop_back();
  c.what->index = subscription::nowhere;
  return 1;
}

// With many members the memory of each is far from the processor, and fetching it costs more than what is done there.
// So a member gets all that stands together in the inbox, and sends it at once if nothing comes behind it; and the
// memory of those behind it is asked for, one step of the way to the connection after the other.
//
// No member joins or leaves meanwhile: what a peer does here at most asks for it, in the inbox.
std::size_t shard::run(const commands::publish& first) {
  std::array<std::optional<offering>, messages_per_visit> visit;
  std::size_t n = 0;
  for (const auto* c = &first; c; c = n == visit.size() ? nullptr : next_publication(*first.to)) {
    c->to->told.move_behind(*c->what);
    visit[n].emplace(c->what, c->to->log, time_, c->except, c->serial, n == 0 ? nullptr : &*visit[n - 1]);
    ++n;
  }
  const bool is_last = next_ == batch_.size();
  const auto& members = first.to->members;
  for (std::size_t m = 0; m != members.size(); ++m) {
    if (m + 6 < members.size()) prefetch(*members[m + 6]);
    if (m + 4 < members.size()) prefetch(*members[m + 4]->peer);
    if (m + 2 < members.size()) members[m + 2]->peer->link->prefetch_connection();
    const auto& s = members[m];
    auto& p = *s->peer;
    for (std::size_t i = 0; i != n; ++i) guarded(p, [&] { p.take(*visit[i], *s); });
    if (!is_last || offered_.empty() || offered_.back() != &p) continue;
    offered_.pop_back();
    guarded(p, [&] { p.send_offered(); });
  }
  return n * first.to->members.size();
}

// Takes the next command if it is another publication to the topic.
const commands::publish* shard::next_publication(const topic_part& to) noexcept {
  if (next_ == batch_.size()) return nullptr;
  const auto* c = std::get_if<commands::publish>(&batch_[next_]);
  if (!c || c->to.get() != &to) return nullptr;
  ++next_;
  return c;
}

// What was told before is behind `from`.
std::size_t shard::run(const commands::begin& c) {
  auto& part = *c.what;
  if (!part.told) part.told = history_cursor(part.log->tally->name, c.from);
  for (const auto& s : part.members)
    guarded(*s->peer, [&] {
      if (s->reader) {
        s->reader->came_at(c.from);
        mark_offered(*s->peer);
      }
      s->peer->place_changed();
      wake_waiting(s->awaits_news);
    });
  return part.members.size();
}

std::size_t shard::run(const commands::reset& c) {
  c.of->told = history_cursor(c.of->log->tally->name, c.from);
  for (const auto& s : c.of->members)
    guarded(*s->peer, [&] {
      s->peer->on_reset(*s);
      s->peer->place_changed();
    });
  return c.of->members.size();
}

std::size_t shard::run(const commands::page& c) {
  c.to->peer->on_page(*c.to, c.reader, c.question, c.answer);
  return 1;
}

std::size_t shard::run(const commands::alarm& c) {
  alarm_ = std::min(alarm_, c.at);
  wake_at(c.at);
  return 1;
}

std::size_t shard::run(const commands::send& c) {
  c.to->take(c.what);
  return 1;
}

std::size_t shard::run(const commands::tell& c) {
  for (const auto& s : c.to->members) {
    if (!s->presence) continue;
    ++counts.handed_out;
    guarded(*s->peer, [&] { s->peer->take(c.what); });
  }
  return c.to->members.size();
}

std::size_t shard::run(const commands::farewell& c) {
  c.peer->close_later(c.with, c.at, c.by);
  return 1;
}

std::size_t shard::run(const commands::close& c) {
  if (c.peer) {
    c.peer->close(*c.with);
    return 1;
  }
  // A copy, because those whose handle has gone are removed on the way.
  for (const auto& p : std::vector(peers_)) guarded(*p, [&] { p->close(*c.with); });
  return peers_.size();
}

void shard::mark_offered(peer_core& p) {
  if (std::exchange(p.offered_to, true)) return;
  offered_.push_back(&p);
}

void shard::watch(peer_core& p) {
  const auto at = p.due();
  if (at == steady::time_point::max() || !holds(p)) return;
  if (p.watched.is_linked()) {
    // It is looked at soon enough, and then again.
    if (p.watched_until <= at) return;
    p.watched.unlink();
  }
  p.watched_until = at;
  watched_.insert(p);
  wake_at(at);
}

void shard::on_time(steady::time_point time) {
  time_ = time;
  // One that is due again at once has its turn with the next timer.
  std::vector<std::shared_ptr<peer_core>> due;
  while (!watched_.empty() && watched_.begin()->watched_until <= time) {
    auto& p = *watched_.begin();
    due.push_back(peers_[p.index]);
    p.watched.unlink();
  }
  for (const auto& p : due)
    guarded(*p, [&] {
      p->on_time(time);
      watch(*p);
    });
  if (!watched_.empty()) wake_at(watched_.begin()->watched_until);
  if (alarm_ <= time) {
    alarm_ = steady::time_point::max();
    try {
      if (const auto hub = hub_.lock()) hub->on_time(time);
    } catch (...) {
      alarm_ = time + alarm_again_after;
      wake_at(alarm_);
    }
  } else if (alarm_ != steady::time_point::max()) {
    wake_at(alarm_);
  }
  settle();
}

void shard::wake_waiting(std::vector<waiter*>& list) noexcept {
  for (auto* w : list) parking_lot::wake(*w);
}

void shard::remove(peer_core& p) {
  if (!holds(p)) return;
  p.watched.unlink();
  auto& place = peers_[p.index];
  // Kept to the end: the shard's may be the last reference.
  const auto removed = std::exchange(place, std::move(peers_.back()));
  if (place) place->index = p.index;
  peers_.pop_back();
}

void shard::settle() noexcept {
  const auto move = [](std::uint64_t& from, std::atomic<std::uint64_t>& to) {
    if (from != 0) to.fetch_add(std::exchange(from, 0), std::memory_order_relaxed);
  };
  move(counts.handed_out, totals_->handed_out);
  move(counts.delivered, totals_->delivered);
  move(counts.dropped, totals_->dropped);
  move(counts.filtered, totals_->filtered);
  move(counts.skipped, totals_->skipped);
  move(counts.rewinds, totals_->rewinds);
  move(counts.notices, totals_->notices);
  move(counts.disconnected, totals_->disconnected);
  move(counts.cut, totals_->cut);
  move(counts.filter_errors, totals_->filter_errors);
  move(counts.failures, totals_->failures);
  move(counts.flushed, totals_->flushed);
  move(counts.given_up, totals_->given_up);
  move(counts.undelivered, totals_->undelivered);
}

// What waits here will never be sent, and holds the shard. Of the commands only leaving means anything still.
void shard::on_shutdown() noexcept {
  std::vector<command> pending;
  {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    pending.swap(inbox_);
  }
  std::move(batch_.begin(), batch_.end(), std::back_inserter(pending));
  batch_.clear();
  next_ = 0;
  std::vector<std::shared_ptr<topic_part>> left;
  for (const auto& c : pending)
    if (const auto* l = std::get_if<commands::leave>(&c)) left.push_back(l->what->part);
  if (const auto hub = hub_.lock()) {
    hub->forget(*this, left);
  } else {
    for (const auto& part : left) part->members.clear();
  }
  watched_.clear();
  const auto peers = std::exchange(peers_, {});
}

}  // namespace coax::detail
