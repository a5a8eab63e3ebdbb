/// Makes of what a broker tells of one topic an ordered sequence without hole or duplicate, or says that it cannot.
#pragma once

#include "core/clock.hpp"
#include <coax/broker.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <variant>

namespace coax::detail {

/// A state machine without I/O. It takes entries as they come (late, twice, out of order, of a forked history) and
/// answers to its own questions; `next` gives what follows from that, `inquire` the question to ask.
///
///     feed.on_entry(epoch, entry);
///     while (auto e = feed.next()) ...                       // entries in order, resets
///     if (auto q = feed.inquire(now)) session.history(topic, q->since, q->limit, ... feed.on_page(q->id, page, now));
///     if (auto at = feed.due()) ...                          // call `inquire` again then
///
/// It believes the log, not the stream. What the stream tells is delivered only if it continues, by offset and tag,
/// what was delivered last; anything else that it has not delivered already is a doubt, and a doubt is a question to
/// the log, asked from the position where the feed stands. One question is under way at a time, and only an answer to
/// one that was asked from where the feed still stands can reset it. An entry that the log does not know, though it was
/// told before the log was asked, is of a history that is no more. One that the log does not hold any more may have
/// been told all the same, and the answer been faster: a live feed waits a moment for it before it is reset.
///
/// So it never stands still: while there is a doubt there is a question due, and each answer either moves the feed on,
/// discards what gave rise to the doubt, or is followed by another question after a while.
///
/// One machine serves for a topic and for a subscriber who joins it with a position in the past: begun there, it merges
/// history and stream, and has caught up when it is `settled` (at the same position as the topic's).
class topic_feed {
 public:
  struct limits {
    limits() = default;
    std::size_t waiting = 1024;                        // entries behind a hole
    std::size_t waiting_bytes = std::size_t{4} << 20;  // their payload
    std::size_t page = 256;                            // entries asked for at a time
    std::chrono::nanoseconds first_retry = std::chrono::milliseconds(50);
    std::chrono::nanoseconds last_retry = std::chrono::seconds(5);
    std::chrono::nanoseconds patience = std::chrono::seconds(10);  // with one question
  };

  /// Begins at `from` when it is known: what `broker_session::subscribe` has replied.
  explicit topic_feed(const limits& l) : limits_(l) {}
  topic_feed() : topic_feed(limits()) {}

  /// Begins live: entries behind `from` are delivered. Those that came before this call are not lost.
  void start(const position& from);
  /// Begins in the past: entries behind `since` are delivered, from the log first. `position()` is all that is kept,
  /// without a reset.
  void start_since(const position& since);

  void on_entry(std::string_view epoch, const entry_ptr& entry);
  /// Something may have been missed: the link is ready again, or the broker has told of a reset.
  void doubt() noexcept { doubt_ = true; }

  /// A question to the log.
  struct question {
    std::uint64_t id;
    position since;
    std::size_t limit;
  };
  /// What has to be asked now, if anything; it is under way then.
  std::optional<question> inquire(steady::time_point now);
  /// When `inquire` is to be called again though nothing has happened.
  std::optional<steady::time_point> due() const noexcept;
  void on_page(std::uint64_t id, const history_page& page, steady::time_point now);
  void on_failure(std::uint64_t id, steady::time_point now);

  /// What was delivered before may not be followed by all that came after it: `why` is too_old or forked. What is
  /// delivered from here on follows `from`. After a fork it may repeat what was delivered more than `memory` entries
  /// before.
  struct reset {
    continuity why;
    position from;
  };
  using event = std::variant<entry_ptr, reset>;
  std::optional<event> next();

  /// Behind what `next` has delivered or is about to; `position()` before the beginning is known.
  position at() const { return epoch_.empty() ? position() : position(epoch_, offset_, tag_); }
  /// It has begun; nothing waits, nothing is asked, no doubt.
  bool settled() const noexcept { return stage_ == stage::anchored && !asked_ && !has_question(); }

  /// Calls `f(epoch, entry)` for each entry that waits, in the order of their offsets.
  template <class F>
  void for_each_waiting(F f) const {
    for (const auto& [offset, w] : waiting_) f(w.epoch, w.entry);
  }

  /// How many of the last entries a feed can tell from others at the same offset.
  static constexpr std::size_t memory = 16;

 private:
  enum class stage : unsigned char {
    idle,        // not started: entries wait
    unanchored,  // from the oldest entry of the log, which is still to be asked for
    anchored     // behind (epoch_, offset_, tag_)
  };
  struct waiting_entry {
    std::string epoch;
    entry_ptr entry;
    std::uint64_t asked_before;  // the last question when it came
  };
  struct asked_question {
    std::uint64_t id;
    position since;
    steady::time_point deadline;
  };

  bool has_question() const noexcept { return doubt_ || !waiting_.empty(); }
  bool stands_at(const position& p) const noexcept;
  bool continues(const log_entry& e) const noexcept { return e.offset() == offset_ + 1 && e.previous() == tag_; }
  bool remembers(std::uint64_t offset) const noexcept { return offset <= offset_ && offset_ - offset < remembered_; }
  bool has_seen(std::uint64_t offset, std::uint64_t tag) const noexcept {
    return remembers(offset) && tags_[offset % memory] == tag;
  }

  void deliver(const entry_ptr& e);
  void stand_at(const position& p);
  void wait(std::string_view epoch, const entry_ptr& e);
  void drain();
  void drop_waiting(std::map<std::uint64_t, waiting_entry>::iterator which);
  void drop_asked_about(std::uint64_t id);
  void back_off(steady::time_point now);
  bool is_sound(const history_page& page, const position& since) const;
  void anchor(const history_page& page, steady::time_point now);
  position beginning_of(const history_page& page) const;
  bool may_come_yet(const history_page& page) const;
  bool apply(const history_page& page);

  limits limits_;
  stage stage_ = stage::idle;
  bool live_ = false;  // what comes after the beginning is told
  bool doubt_ = false;
  bool was_reset_ = false;  // by the last sound answer
  bool overtaken_ = false;  // the log, asked from where it stands, does not hold what comes next

  std::string epoch_;  // of the position, as these two; apart, because they change with each entry
  std::uint64_t offset_ = 0;
  std::uint64_t tag_ = 0;
  std::array<std::uint64_t, memory> tags_{};  // of the last entries, by their offset
  std::size_t remembered_ = 0;

  std::map<std::uint64_t, waiting_entry> waiting_;  // by offset
  std::size_t waiting_bytes_ = 0;

  std::optional<asked_question> asked_;
  std::uint64_t last_id_ = 0;
  std::chrono::nanoseconds retry_ = limits_.first_retry;
  steady::time_point not_before_ = steady::time_point::min();

  std::vector<event> events_;
  std::size_t taken_ = 0;  // of events_
};

}  // namespace coax::detail
