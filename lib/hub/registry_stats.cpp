#include "hub/registry.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

namespace coax::detail {

std::vector<topic_stats> registry::topics() const {
  std::vector<topic_stats> list;
  const std::lock_guard lock(mutex_);
  list.reserve(topics_.size());
  for (const auto& [name, t] : topics_) list.push_back({name, t->members, t->tally->published, t->tally->dropped});
  return list;
}

// What was handed out is read last, so that nothing is counted as delivered before.
hub_stats registry::stats() const {
  const auto read = [](const hub_counts::counter& c) { return c.load(std::memory_order_relaxed); };
  hub_stats s;
  s.published = read(counts_->published);
  s.publish_errors = read(counts_->publish_errors);
  s.delivered = read(counts_->delivered);
  s.dropped = read(counts_->dropped);
  s.filtered = read(counts_->filtered);
  s.skipped = read(counts_->skipped);
  s.rewinds = read(counts_->rewinds);
  s.resets = read(counts_->resets);
  s.notices = read(counts_->notices);
  s.disconnected = read(counts_->disconnected);
  s.flushed = read(counts_->flushed);
  s.given_up = read(counts_->given_up);
  s.undelivered = read(counts_->undelivered);
  s.cut = read(counts_->cut);
  s.filter_errors = read(counts_->filter_errors);
  s.failures = read(counts_->failures);
  const auto settled = s.delivered + s.dropped + s.filtered + s.skipped;
  s.queued = std::max(counts_->handed_out.load(std::memory_order_acquire), settled) - settled;
  const std::lock_guard lock(mutex_);
  s.topics = topics_.size();
  s.peers = peers_.size();
  return s;
}

}  // namespace coax::detail
