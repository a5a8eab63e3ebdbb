#include "broker/topic_log.hpp"

#include <algorithm>
#include <memory>
#include <string>

namespace coax::detail {

// 14 characters: short enough to be held in a string without memory of its own.
std::string new_epoch() {
  static constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuv";
  const auto random = protocol::random_nonce();
  std::string name;
  for (std::size_t i = 0; i < 14; ++i) name += digits[random[i] % digits.size()];
  return name;
}

topic_log::topic_log(const history_limits& limits, std::size_t max_bytes) : limits_(limits), max_bytes_(max_bytes) {
  begin();
}

void topic_log::begin() {
  epoch_ = new_epoch();
  offset_ = tag_ = 0;
}

entry_ptr topic_log::append(publication what, steady::time_point now) {
  if (what.history()) limits_ = *what.history();
  auto entry = std::make_shared<const log_entry>(std::move(what), offset_ + 1, tags_.next(), tag_);
  if (limits_.size() != 0) {
    if (kept_.full() && kept_.size() < limits_.size())
      kept_.set_capacity(std::min(limits_.size(), std::max<std::size_t>(8, 2 * kept_.capacity())));
    if (kept_.full()) drop_oldest();
    kept_.push_back({entry, now});
    bytes_ += entry->message().size();
  }
  offset_ = entry->offset();
  tag_ = entry->tag();
  trim();
  expire(now);
  return entry;
}

// Smaller limits than before give the memory back as well.
void topic_log::trim() {
  while (kept_.size() > limits_.size() || (kept_.size() > 1 && bytes_ > max_bytes_)) drop_oldest();
  if (kept_.capacity() > std::max<std::size_t>(8, limits_.size())) kept_.set_capacity(limits_.size());
}

void topic_log::drop_oldest() {
  bytes_ -= kept_.front().entry->message().size();
  kept_.pop_front();
}

void topic_log::expire(steady::time_point now) {
  while (!kept_.empty() && now - kept_.front().stored >= limits_.ttl()) drop_oldest();
}

std::optional<steady::time_point> topic_log::expires() const {
  if (kept_.empty()) return std::nullopt;
  return kept_.front().stored + limits_.ttl();
}

steady::time_point topic_log::ends(steady::time_point now) const {
  return kept_.empty() ? now : kept_.back().stored + limits_.ttl();
}

history_page topic_log::read(const position& since, std::size_t limit, steady::time_point now) {
  expire(now);
  history_page page;
  page.end = end();
  page.found = compare(since);
  const auto oldest = offset_ - kept_.size() + 1;
  const auto first = since && page.found == continuity::whole ? since.offset() + 1 : oldest;
  const auto skipped = static_cast<std::size_t>(first - oldest);
  const auto n = std::min(limit, kept_.size() - skipped);
  page.entries.reserve(n);
  for (std::size_t i = 0; i < n; ++i) page.entries.push_back(kept_[skipped + i].entry);
  page.more = skipped + n < kept_.size();
  return page;
}

continuity topic_log::compare(const position& since) const noexcept {
  if (!since) return continuity::whole;
  if (since.epoch() != epoch_ || since.offset() > offset_) return continuity::forked;
  const auto behind = static_cast<std::size_t>(offset_ - since.offset());
  if (behind > kept_.size()) return continuity::too_old;
  const auto tag = behind == 0 ? tag_ : kept_[kept_.size() - behind].entry->previous();
  return since.tag() == tag ? continuity::whole : continuity::forked;
}

void topic_log::lose_last(std::size_t n) {
  for (; n != 0 && !kept_.empty(); --n) {
    const auto& last = *kept_.back().entry;
    offset_ = last.offset() - 1;
    tag_ = last.previous();
    bytes_ -= last.message().size();
    kept_.pop_back();
  }
}

void topic_log::lose_all() {
  kept_.clear();
  bytes_ = 0;
  begin();
}

}  // namespace coax::detail
