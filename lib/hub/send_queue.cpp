#include "hub/send_queue.hpp"

#include "core/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

namespace coax::detail {
namespace {

bool makes_room(overflow policy) noexcept {
  return policy == overflow::drop_oldest || policy == overflow::conflate || policy == overflow::latest;
}
// A value is as good as it was.
bool ages(overflow policy) noexcept { return policy != overflow::conflate && policy != overflow::latest; }

}  // namespace

send_queue::verdict send_queue::push(const shared_ring& log, ring::number at, overflow policy, std::size_t& dropped) {
  const auto& what = *log->at(at).what;
  const std::size_t size = what.size();
  if (policy == overflow::latest) drop_topic(*log, dropped);
  if (policy == overflow::conflate && !what.key().empty()) drop_key(*log, what.key(), dropped);
  while (!has_room(size, policy) && drop_one(dropped)) {
  }
  if (!has_room(size, policy)) {
    if (policy == overflow::rewind) return verdict::rewinds;
    if (policy == overflow::disconnect || policy == overflow::block) return verdict::overflows;
    lose(*log, 1, dropped);
    return verdict::kept;
  }
  append(log, at, policy);
  messages_ += 1;
  bytes_ += size;
  if (makes_room(policy)) ++droppable_;
  return verdict::kept;
}

send_queue::verdict send_queue::push(shared_delivery direct, overflow policy, time_point now, std::size_t& dropped) {
  if (!direct_) direct_ = std::make_shared<ring>();
  // There is no log to go back to, and nobody who could wait.
  if (policy == overflow::rewind || policy == overflow::block) policy = overflow::disconnect;
  const auto at = direct_->append(std::move(direct), now);
  const auto taken = push(direct_, at, policy, dropped);
  direct_->release(at);
  return taken;
}

// What `block` has let through has room, but for what came from where nobody asks.
bool send_queue::has_room(std::size_t size, overflow policy) const noexcept {
  if (policy != overflow::block) return fits(size);
  const auto twice = [](std::size_t n) { return n > SIZE_MAX / 2 ? n : 2 * n; };
  return fits(size, std::max<std::size_t>(twice(limits_.messages()), 2), twice(limits_.bytes()));
}

void send_queue::append(const shared_ring& log, ring::number at, overflow policy) {
  const bool goes_on = !empty() && runs_.back().log == log && runs_.back().policy == policy &&
                       runs_.back().from + runs_.back().count == at && runs_.back().count != UINT32_MAX;
  if (goes_on) {
    ++runs_.back().count;
  } else {
    runs_.push_back({log, at, 1, policy});
  }
  log->hold(at);
}

send_queue::verdict send_queue::expire(time_point now, std::size_t& dropped, std::vector<rewound>& back) {
  for (auto r = runs_.begin(); r != runs_.end();) {
    if (!ages(r->policy)) {
      ++r;
      continue;
    }
    // What stands behind the first that is young enough is younger still.
    if (due(*r) > now) break;
    switch (r->policy) {
      case overflow::disconnect:
      case overflow::block: return verdict::overflows;
      case overflow::rewind: {
        // Whatever is queued of that topic behind it goes as well, or its order would be lost.
        const auto log = r->log;
        back.push_back({log, first(*r).what, 0});
        const auto keep = std::remove_if(r, runs_.end(), [&](const run& other) {
          const bool goes = other.log == log && other.policy == overflow::rewind;
          if (goes) back.back().messages += let_go(other);
          return goes;
        });
        const auto at = r - runs_.begin();
        runs_.erase(keep, runs_.end());
        r = runs_.begin() + at;
        break;
      }
      default: lose(*r->log, 1, dropped); r = shorten(r);
    }
  }
  if (empty()) runs_ = {};
  return verdict::kept;
}

send_queue::time_point send_queue::expires() const noexcept {
  const auto oldest = std::find_if(runs_.begin(), runs_.end(), [](const run& r) { return ages(r.policy); });
  return oldest == runs_.end() ? time_point::max() : due(*oldest);
}

send_queue::time_point send_queue::due(const run& r) const noexcept { return after(first(r).since, limits_.stall()); }

void send_queue::pop() noexcept {
  shorten(runs_.begin());
  if (empty()) runs_ = {};
}

std::size_t send_queue::clear() noexcept {
  std::size_t n = 0;
  for (const auto& r : runs_) {
    if (r.log->tally) r.log->tally->dropped.fetch_add(r.count, std::memory_order_relaxed);
    n += let_go(r);
  }
  runs_ = {};
  return n;
}

void send_queue::lose(const ring& log, std::size_t n, std::size_t& dropped) {
  dropped += n;
  if (log.tally) log.tally->dropped.fetch_add(n, std::memory_order_relaxed);
  if (!limits_.notices()) return;
  const auto same = std::find_if(untold_.begin(), untold_.end(),
                                 [&](const notice& x) { return x.topic == log.tally && x.messages != 0; });
  if (same != untold_.end()) {
    same->messages += n;
  } else {
    untold_.push_back({log.tally, n});
  }
}

void send_queue::tell_reset(const ring& log) {
  if (limits_.notices() && !owes_reset(log)) untold_.push_back({log.tally, 0});
}

bool send_queue::owes_reset(const ring& log) const noexcept {
  return std::any_of(untold_.begin(), untold_.end(),
                     [&](const notice& n) { return n.topic == log.tally && n.messages == 0; });
}

const shared_delivery* send_queue::first_of(const ring& log) const noexcept {
  const auto r = std::find_if(runs_.begin(), runs_.end(), [&](const run& x) { return x.log.get() == &log; });
  return r == runs_.end() ? nullptr : &first(*r).what;
}

void send_queue::drop_topic(const ring& log, std::size_t& dropped) {
  for (auto r = runs_.begin(); r != runs_.end();) {
    if (r->log.get() != &log || r->policy != overflow::latest) {
      ++r;
      continue;
    }
    lose(log, 1, dropped);
    r = shorten(r);
  }
}

// There is at most one.
void send_queue::drop_key(const ring& log, std::string_view key, std::size_t& dropped) {
  for (auto r = runs_.begin(); r != runs_.end(); ++r) {
    if (r->log.get() != &log || r->policy != overflow::conflate) continue;
    for (std::uint32_t i = 0; i != r->count; ++i) {
      if (log.at(r->from + i).what->key() != key) continue;
      lose(log, 1, dropped);
      // It becomes the first of its run, so that all that drop a message do it at one place.
      if (i != 0) {
        run before = *r;
        before.count = i;
        r->from += i;
        r->count -= i;
        r = runs_.insert(r, std::move(before)) + 1;
      }
      shorten(r);
      return;
    }
  }
}

// The oldest that may be dropped.
bool send_queue::drop_one(std::size_t& dropped) {
  if (droppable_ == 0) return false;
  const auto oldest = std::find_if(runs_.begin(), runs_.end(), [](const run& r) { return makes_room(r.policy); });
  lose(*oldest->log, 1, dropped);
  shorten(oldest);
  return true;
}

// Takes the first message of a run out. Returns what comes next: the rest of the run, or the run behind it.
send_queue::run_list::iterator send_queue::shorten(run_list::iterator r) noexcept {
  gone(*r, first(*r).what->size());
  r->log->release(r->from);
  ++r->from;
  return --r->count == 0 ? runs_.erase(r) : r;
}

std::size_t send_queue::let_go(const run& r) noexcept {
  for (std::uint32_t i = 0; i != r.count; ++i) {
    gone(r, r.log->at(r.from + i).what->size());
    r.log->release(r.from + i);
  }
  return r.count;
}

void send_queue::gone(const run& r, std::size_t size) noexcept {
  --messages_;
  bytes_ -= size;
  if (makes_room(r.policy)) --droppable_;
  if (r.policy != overflow::block) return;
  ++unblocked_.messages;
  unblocked_.bytes += size;
}

}  // namespace coax::detail
