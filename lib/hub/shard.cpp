#include "hub/shard.hpp"

#include "hub/registry.hpp"

#include <iterator>

namespace coax::detail {
namespace {

// Messages handed to peers before the other work of the thread has a turn.
constexpr std::size_t deliveries_per_turn = 16 * 1024;
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

void shard::wake() {
  auto self = std::static_pointer_cast<shard>(shared_from_this());
  // The mutex keeps the io_context from being destroyed meanwhile, by way of on_shutdown.
  const std::lock_guard lock(mutex_);
  if (!dead_) asio::post(executor(), [self = std::move(self)] { self->work_off(); });
}

void shard::work_off() {
  if (next_ == batch_.size()) {
    batch_.clear();
    next_ = 0;
    const std::lock_guard lock(mutex_);
    std::swap(batch_, inbox_);
  }
  time_ = now();
  for (std::size_t done = 0; next_ != batch_.size() && done < deliveries_per_turn; ++next_)
    done += std::visit([this](const auto& c) { return run(c); }, batch_[next_]);
  for (auto* p : offered_) p->send_offered();
  offered_.clear();
  settle();
  const bool through = next_ == batch_.size();
  if (through) {
    batch_.clear();
    if (batch_.capacity() > kept_capacity) batch_ = {};
    next_ = 0;
  }
  {
    const std::lock_guard lock(mutex_);
    if (through && inbox_.empty()) {
      posted_ = false;
      return;
    }
  }
  wake();
}

std::size_t shard::run(const commands::attach& c) {
  c.peer->index = peers_.size();
  peers_.push_back(c.peer);
  c.peer->attached();
  return 1;
}

std::size_t shard::run(const commands::detach& c) {
  c.peer->detached();
  return 1;
}

std::size_t shard::run(const commands::join& c) {
  auto& members = c.what->part->members;
  c.what->index = members.size();
  members.push_back(c.what);
  return 1;
}

std::size_t shard::run(const commands::leave& c) {
  auto& members = c.what->part->members;
  auto& place = members[c.what->index];
  place = std::move(members.back());
  place->index = c.what->index;
  members.pop_back();
  return 1;
}

// No member joins or leaves meanwhile: what a peer does here at most asks for it, in the inbox.
std::size_t shard::run(const commands::publish& c) {
  for (const auto& s : c.to->members)
    if (s->peer != c.except) s->peer->offer(c.frame, s->policy.load(std::memory_order_relaxed));
  return c.to->members.size();
}

std::size_t shard::run(const commands::send& c) {
  c.to->offer(c.frame, c.to->default_policy());
  return 1;
}

std::size_t shard::run(const commands::close& c) {
  if (c.peer) {
    c.peer->close(*c.with);
    return 1;
  }
  // A copy, because those whose handle has gone are removed on the way.
  for (const auto& p : std::vector(peers_)) p->close(*c.with);
  return peers_.size();
}

void shard::mark_offered(peer_core& p) {
  if (std::exchange(p.offered_to, true)) return;
  offered_.push_back(&p);
}

void shard::watch_age(peer_core& p) {
  if (std::exchange(p.watched_age, true)) return;
  watched_.push_back(p.weak_from_this());
  wake_at(p.expires());
}

void shard::on_time(steady::time_point time) {
  for (const auto& weak : std::exchange(watched_, {})) {
    const auto p = weak.lock();
    if (!p) continue;
    if (p->has_backlog()) p->check_age(time);
    p->watched_age = false;
    if (p->has_backlog()) watch_age(*p);
  }
  settle();
}

void shard::remove(peer_core& p) {
  if (p.index >= peers_.size() || peers_[p.index].get() != &p) return;
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
  move(counts.delivered, totals_->delivered);
  move(counts.dropped, totals_->dropped);
  move(counts.disconnected, totals_->disconnected);
}

// What waits here will never be sent, and holds the shard. Of the commands only leaving means anything still.
void shard::on_shutdown() noexcept {
  std::vector<command> pending;
  {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    pending.swap(inbox_);
  }
  if (const auto hub = hub_.lock()) hub->forget(*this);
  std::move(batch_.begin(), batch_.end(), std::back_inserter(pending));
  batch_.clear();
  next_ = 0;
  for (const auto& c : pending)
    if (const auto* l = std::get_if<commands::leave>(&c)) l->what->part->members.clear();
  const auto peers = std::exchange(peers_, {});
}

}  // namespace coax::detail
