/// A topic's log, a network that may do anything to what it carries, and a feed at its end, with an oracle.
#pragma once

#include "broker/entries.hpp"
#include "broker/topic_feed.hpp"
#include "broker/topic_log.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

namespace coax::test {

/// What a receiver knows who believes the feed: after `base` come these.
class replica {
 public:
  explicit replica(position start = {}) : base_(std::move(start)) {}

  void take(const detail::topic_feed::event& e) {
    if (const auto* r = std::get_if<detail::topic_feed::reset>(&e)) return go_back(*r);
    const auto& entry = std::get<entry_ptr>(e);
    const bool first = !base_ && entries_.empty();
    BOOST_REQUIRE_MESSAGE(first || (entry->offset() == end_offset() + 1 && entry->previous() == end_tag()),
                          "entry " << entry->offset() << " does not continue " << end_offset());
    if (!seen_.insert(entry->tag()).second) ++repeated_;
    entries_.push_back(entry);
  }

  /// That it knows what the log holds, as far as both go back.
  void check(const history_page& page) const {
    BOOST_REQUIRE(end_offset() == page.end.offset() && (end_tag() == page.end.tag() || (!base_ && entries_.empty())));
    const auto n = std::min(entries_.size(), page.entries.size());
    for (std::size_t i = 1; i <= n; ++i)
      BOOST_REQUIRE(entries_[entries_.size() - i] == page.entries[page.entries.size() - i]);
  }

  const std::vector<entry_ptr>& entries() const { return entries_; }
  std::size_t resets() const { return resets_; }
  std::size_t forks() const { return forks_; }
  /// Entries that came more than once.
  std::size_t repeated() const { return repeated_; }
  bool has_seen(std::uint64_t tag) const { return seen_.contains(tag); }

 private:
  std::uint64_t end_offset() const { return entries_.empty() ? base_.offset() : entries_.back()->offset(); }
  std::uint64_t end_tag() const { return entries_.empty() ? base_.tag() : entries_.back()->tag(); }

  void go_back(const detail::topic_feed::reset& r) {
    BOOST_REQUIRE(r.why != continuity::whole);
    ++resets_;
    forks_ += r.why == continuity::forked;
    const auto kept = std::find_if(entries_.begin(), entries_.end(), [&](const entry_ptr& e) {
      return e->offset() == r.from.offset() && e->tag() == r.from.tag();
    });
    if (kept != entries_.end() && r.why == continuity::forked) {
      entries_.erase(kept + 1, entries_.end());
    } else {
      entries_.clear();
      base_ = r.from;
    }
  }

  position base_;
  std::vector<entry_ptr> entries_;
  std::set<std::uint64_t> seen_;
  std::size_t resets_ = 0, forks_ = 0, repeated_ = 0;
};

/// Copyable, so that every way to go on can be tried.
struct feed_world {
  struct delivery {
    std::string epoch;
    entry_ptr entry;
  };

  explicit feed_world(const history_limits& history, const detail::topic_feed::limits& l = {})
      : log(history, std::size_t{1} << 40), feed(l) {}

  void start() {
    feed.start(log.end());
    received = replica(log.end());
    ask();
  }

  void publish() {
    const auto e = log.append(say(std::to_string(++published)), now);
    flight.push_back({log.epoch(), e});
  }
  void arrive(std::size_t i) {
    feed.on_entry(flight[i].epoch, flight[i].entry);
    settle();
  }
  void forget(std::size_t i) { flight.erase(flight.begin() + static_cast<std::ptrdiff_t>(i)); }
  /// Entries that were stored and are no more.
  void fork(std::size_t n) {
    for (const auto& e : log.read({}, SIZE_MAX, now).entries)
      if (e->offset() + n > log.end().offset()) lost.push_back(e->tag());
    log.lose_last(n);
    ++forked;
  }
  void read() { page = log.read(question->since, question->limit, now); }
  void answer() {
    const auto id = question->id;
    const auto told = *std::exchange(page, std::nullopt);
    question.reset();
    feed.on_page(id, told, now);
    settle();
  }
  void fail() {
    const auto id = question->id;
    question.reset();
    page.reset();
    feed.on_failure(id, now);
    settle();
  }

  void settle() {
    while (auto e = feed.next()) received.take(*e);
    ask();
  }
  /// Time passes, as much as the feed wants to wait for.
  void ask() {
    if (question) return;
    if (const auto due = feed.due(); due && *due > now) now = *due;
    if (auto q = feed.inquire(now)) question = std::move(q);
  }

  /// The network behaves from now on, and something may have been missed: all has to come right.
  void finish() {
    flight.clear();
    feed.doubt();
    ask();
    for (int steps = 0; !feed.settled(); ++steps) {
      BOOST_REQUIRE_MESSAGE(steps < 10'000 && question, "the feed does not come to an end");
      if (!page) read();
      answer();
    }
    BOOST_REQUIRE(feed.at() == log.end());
    received.check(log.read({}, SIZE_MAX, now));
  }

  bool delivered_what_was_lost() const {
    return std::any_of(lost.begin(), lost.end(), [&](std::uint64_t tag) { return received.has_seen(tag); });
  }

  detail::topic_log log;
  detail::topic_feed feed;
  replica received;
  std::vector<delivery> flight;
  std::optional<detail::topic_feed::question> question;
  std::optional<history_page> page;  // the answer, on its way
  std::vector<std::uint64_t> lost;
  int published = 0;
  std::size_t forked = 0;
  detail::steady::time_point now{std::chrono::hours(1)};
};

}  // namespace coax::test
