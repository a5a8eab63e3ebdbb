/// A topic, its part on each executor, and the parts of the peers in it.
#pragma once

#include "broker/topic_feed.hpp"
#include "hub/log_reader.hpp"
#include "hub/ring.hpp"
#include <coax/join_options.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coax::detail {

class peer_core;
class shard;
class subscription;
class waiter;

/// A place in a topic that moves on with each message.
struct history_cursor {
  history_cursor() = default;
  history_cursor(std::string_view topic, const position& p) : offset(p.offset()), tag(p.tag()) {
    if (p) history = name_history(topic, p.epoch());
  }

  explicit operator bool() const noexcept { return history != nullptr; }
  void move_behind(const delivery& d) noexcept {
    if (history != d.history()) history = d.history();
    offset = d.entry()->offset();
    tag = d.entry()->tag();
  }
  position at() const { return history ? position(history->epoch, offset, tag) : position(); }

  shared_history history;
  std::uint64_t offset = 0, tag = 0;
};

/// The members of one topic on one executor.
struct topic_part {
  topic_part(std::shared_ptr<shard> s, const std::shared_ptr<topic_tally>& t)
      : home(std::move(s)), log(std::make_shared<ring>(t)) {}

  const std::shared_ptr<shard> home;
  std::size_t count = 0;  // of the members, as the registry knows them; guarded by it
  /// From the executor. They hold the part in turn: they leave through a command, or when the executor is dead.
  std::vector<std::shared_ptr<subscription>> members;
  const shared_ring log;  // from the executor
  /// Something was told that is not in the executor's inbox. From any thread.
  std::atomic<bool> lost{false};
  /// Up to where the members have been told; from the executor, once the part is there.
  history_cursor told;
};

/// A topic, or a filter with wildcards, with at least one member. All but the names is guarded by the registry.
struct topic {
  topic(std::string_view n, bool with_wildcards)
      : tally(std::make_shared<topic_tally>(n)), name(tally->name), is_filter(with_wildcards) {}

  const std::shared_ptr<topic_tally> tally;
  const std::string& name;
  const bool is_filter;
  bool asked = false;  // the broker: to subscribe to it, or watch it
  /// Whether it tells what is published, so that nothing falls between the log and that. From any thread.
  std::atomic<bool> is_told{false};
  std::size_t members = 0;
  std::vector<std::shared_ptr<topic_part>> parts;
  std::vector<subscription*> blockers;  // the members under overflow::block

  /// Makes one order of what the broker tells; not of filters, which take it as it comes.
  topic_feed feed;
  shared_history history;  // of what the feed tells
  /// Where the feed was started; none after a reset.
  position begin;
  /// Whether the feed leaves an entry out because it begins behind it. It is news for filters all the same.
  bool begins_behind(std::string_view of, const log_entry& e) const noexcept {
    return begin && begin.epoch() == of && e.offset() <= begin.offset();
  }
};

/// What the past of a membership was found to be.
enum class past : unsigned char { unknown, whole, holed };

/// A peer's part in a topic.
class subscription : public std::enable_shared_from_this<subscription> {
 public:
  subscription(std::shared_ptr<peer_core> p, std::shared_ptr<detail::topic> t, std::shared_ptr<topic_part> l) noexcept
      : peer(std::move(p)), topic(std::move(t)), part(std::move(l)) {}

  const std::shared_ptr<peer_core> peer;
  const std::shared_ptr<detail::topic> topic;
  const std::shared_ptr<topic_part> part;

  // Guarded by the registry.
  std::size_t handles = 0;
  bool left = false;
  bool blocks = false;
  bool is_present = false;  // as the broker knows it

  std::atomic<detail::past> past{past::unknown};

  // From the executor.
  static constexpr std::size_t nowhere = SIZE_MAX;
  std::size_t index = nowhere;  // in part->members
  overflow policy = overflow::disconnect;
  join_options::predicate filter;
  bool presence = false;
  bool resumable = true;
  std::unique_ptr<log_reader> reader;  // while it is not live
  /// Where the last reader has stopped, until what is told is behind it: it may have read what is told only now.
  position read_to;
  /// Whether a reader, now or before, has got the entry from the log, or will.
  bool reads(const delivery& d) noexcept {
    if (reader) return true;
    if (!read_to || d.epoch() != read_to.epoch()) return false;
    if (d.entry()->offset() <= read_to.offset()) return true;
    read_to = {};
    return false;
  }
  std::vector<waiter*> awaits_recovery;
  std::vector<waiter*> awaits_news;  // until the topic is told
};

}  // namespace coax::detail
