#include "broker/topic_feed.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace coax::detail {

void topic_feed::start(const position& from) {
  const bool missed = doubt_;  // an entry that found no room
  live_ = true;
  start_since(from);
  doubt_ = missed || !from;
  drain();
}

void topic_feed::start_since(const position& since) {
  doubt_ = true;
  if (!since) {
    stage_ = stage::unanchored;
    return;
  }
  stage_ = stage::anchored;
  stand_at(since);
}

void topic_feed::on_entry(std::string_view epoch, const entry_ptr& entry) {
  if (entry->offset() == 0) return;  // there is no such entry
  if (stage_ == stage::anchored && epoch == epoch_) {
    if (continues(*entry)) {
      deliver(entry);
      if (!waiting_.empty()) drain();
      return;
    }
    if (has_seen(entry->offset(), entry->tag())) return;
  }
  wait(epoch, entry);
}

std::optional<topic_feed::event> topic_feed::next() {
  if (taken_ == events_.size()) return std::nullopt;
  event e = std::move(events_[taken_++]);
  if (taken_ == events_.size()) events_.clear(), taken_ = 0;
  return e;
}

// Questions ------------------------------------------------------------------------------------------------------

std::optional<topic_feed::question> topic_feed::inquire(steady::time_point now) {
  if (asked_ && now >= asked_->deadline) on_failure(asked_->id, now);
  if (stage_ == stage::idle || asked_ || !has_question() || now < not_before_) return std::nullopt;
  doubt_ = false;
  asked_ = asked_question{++last_id_, at(), now + limits_.patience};
  return question{last_id_, asked_->since, limits_.page};
}

std::optional<steady::time_point> topic_feed::due() const noexcept {
  if (stage_ == stage::idle) return std::nullopt;
  if (asked_) return asked_->deadline;
  if (has_question()) return not_before_;
  return std::nullopt;
}

void topic_feed::on_failure(std::uint64_t id, steady::time_point now) {
  if (!asked_ || asked_->id != id) return;
  asked_.reset();
  doubt_ = true;
  back_off(now);
}

void topic_feed::back_off(steady::time_point now) {
  not_before_ = now + retry_;
  retry_ = std::min(2 * retry_, limits_.last_retry);
}

// Answers --------------------------------------------------------------------------------------------------------

void topic_feed::on_page(std::uint64_t id, const history_page& page, steady::time_point now) {
  if (!asked_ || asked_->id != id) return;
  const position since = asked_->since;
  if (!is_sound(page, since)) return on_failure(id, now);
  asked_.reset();
  // In a busy topic the stream may have brought meanwhile all that the log knew of.
  const bool caught_up = page.found == continuity::too_old && has_seen(page.end.offset(), page.end.tag());
  const bool whole = page.found == continuity::whole || caught_up;
  if (stage_ == stage::unanchored || !whole) {
    // The stream has moved it on since it asked: whether that belongs to the history is another question.
    if (!stands_at(since)) return doubt();
    if (may_come_yet(page) && !std::exchange(overtaken_, true)) {
      back_off(now);
      return doubt();
    }
    anchor(page, now);
  }
  if (whole) {
    retry_ = limits_.first_retry;
    was_reset_ = overtaken_ = false;
  }
  if (!apply(page) || page.more) return doubt();
  drop_asked_about(id);
}

// What a broker says may be wrong; what contradicts itself is not used.
bool topic_feed::is_sound(const history_page& page, const position& since) const {
  if (!page.end || (page.more && page.entries.empty())) return false;
  const entry_ptr* before = nullptr;
  for (const auto& e : page.entries) {
    if (!e || e->offset() == 0) return false;
    if (before && (e->offset() != (*before)->offset() + 1 || e->previous() != (*before)->tag())) return false;
    before = &e;
  }
  const auto& epoch = page.end.epoch();
  if (before && !page.more && (*before)->behind(epoch) != page.end) return false;
  if (!since) return true;
  const position start = before ? page.entries.front()->before(epoch) : page.end;
  if (page.found == continuity::whole) return start == since;
  if (page.found == continuity::too_old) return epoch == since.epoch() && start.offset() >= since.offset();
  return true;
}

// What is told comes in order, as a rule: what has not been skipped may be on its way.
bool topic_feed::may_come_yet(const history_page& page) const {
  return live_ && page.found == continuity::too_old && waiting_.upper_bound(offset_) == waiting_.end();
}

// Where to go on when the log does not, from where the feed stands.
void topic_feed::anchor(const history_page& page, steady::time_point now) {
  const position from = beginning_of(page);
  if (stage_ == stage::anchored) {
    events_.emplace_back(reset{page.found, from});
    // A log that denies its own answers is not asked without end.
    if (was_reset_) back_off(now);
    was_reset_ = true;
  }
  stage_ = stage::anchored;
  stand_at(from);
}

// Behind the last entry that was delivered and is still in the log, if it is known; otherwise as far back as the page,
// and what waits in front of it, go.
position topic_feed::beginning_of(const history_page& page) const {
  const auto& epoch = page.end.epoch();
  const bool same_epoch = stage_ == stage::anchored && epoch == epoch_;
  if (same_epoch) {
    const auto seen = std::find_if(page.entries.rbegin(), page.entries.rend(),
                                   [&](const auto& e) { return has_seen(e->offset(), e->tag()); });
    if (seen != page.entries.rend()) return (*seen)->behind(epoch);
  }
  position from = page.entries.empty() ? page.end : page.entries.front()->before(epoch);
  while (!(same_epoch && has_seen(from.offset(), from.tag()))) {
    const auto w = waiting_.find(from.offset());
    if (w == waiting_.end() || w->second.epoch != epoch || w->second.entry->tag() != from.tag()) break;
    from = w->second.entry->before(epoch);
  }
  return from;
}

// False if the page does not fit to what the stream has brought since it was asked for.
bool topic_feed::apply(const history_page& page) {
  for (const auto& e : page.entries) {
    // What waits in front of the page, after a reset.
    if (e->offset() > offset_ + 1) drain();
    if (continues(*e)) {
      deliver(e);
    } else if (e->offset() > offset_ || (remembers(e->offset()) && !has_seen(e->offset(), e->tag()))) {
      return false;
    }
  }
  drain();
  return true;
}

// The log has told all that it holds: what had come before it was asked, and is not in it, is of no history any more.
void topic_feed::drop_asked_about(std::uint64_t id) {
  for (auto w = waiting_.begin(); w != waiting_.end();) {
    const auto which = w++;
    if (which->second.asked_before < id) drop_waiting(which);
  }
}

// Entries --------------------------------------------------------------------------------------------------------

bool topic_feed::stands_at(const position& p) const noexcept {
  return p.epoch() == epoch_ && p.offset() == offset_ && p.tag() == tag_;
}

void topic_feed::deliver(const entry_ptr& e) {
  overtaken_ = false;
  offset_ = e->offset();
  tag_ = e->tag();
  tags_[offset_ % memory] = tag_;
  remembered_ = std::min(remembered_ + 1, memory);
  events_.emplace_back(e);
}

// What is remembered of the entries up to there stays so, if they are the same.
void topic_feed::stand_at(const position& p) {
  overtaken_ = false;
  if (p.epoch() == epoch_ && has_seen(p.offset(), p.tag())) {
    remembered_ -= static_cast<std::size_t>(offset_ - p.offset());
  } else {
    remembered_ = 1;
  }
  epoch_ = p.epoch();
  offset_ = p.offset();
  tag_ = p.tag();
  tags_[offset_ % memory] = tag_;
}

void topic_feed::wait(std::string_view epoch, const entry_ptr& e) {
  const auto found = waiting_.find(e->offset());
  if (found != waiting_.end()) {
    if (found->second.epoch == epoch && found->second.entry->tag() == e->tag()) return;
    // The later of two is more likely of the history that goes on.
    drop_waiting(found);
  }
  const auto bytes = e->message().size();
  if (waiting_.size() >= limits_.waiting || waiting_bytes_ + bytes > limits_.waiting_bytes) return doubt();
  waiting_bytes_ += bytes;
  waiting_.emplace(e->offset(), waiting_entry{std::string(epoch), e, last_id_});
}

void topic_feed::drop_waiting(std::map<std::uint64_t, waiting_entry>::iterator which) {
  waiting_bytes_ -= which->second.entry->message().size();
  waiting_.erase(which);
}

// Delivers what waits for no more than what was delivered last, and forgets what has been delivered by now.
void topic_feed::drain() {
  for (auto w = waiting_.begin(); stage_ == stage::anchored && w != waiting_.end();) {
    const auto which = w++;
    const auto& [epoch, entry, asked] = which->second;
    if (epoch != epoch_) continue;
    if (entry->offset() > offset_ + 1) break;
    if (continues(*entry)) {
      deliver(entry);
    } else if (!has_seen(entry->offset(), entry->tag())) {
      continue;
    }
    drop_waiting(which);
  }
}

}  // namespace coax::detail
