/// A member of a topic that is not live: it reads the topic's log, at the pace of its socket. No I/O.
#pragma once

#include "broker/topic_feed.hpp"
#include "hub/delivery.hpp"
#include <coax/broker.hpp>

#include <boost/container/deque.hpp>

namespace coax::detail {

/// It begins at a position in the past and is told what is published meanwhile; the feed merges the two. When it has
/// come to the end of both it is not needed any more.
class log_reader {
 public:
  /// Everything behind `since`. The name of the topic must stay.
  log_reader(std::uint64_t number, std::string_view topic, const position& since);
  /// The last `n` of all that was kept when the member came, and what was published since.
  log_reader(std::uint64_t number, std::string_view topic, std::size_t n);
  /// Where the member came: what is behind that was published for it. The first call counts.
  void came_at(const position& p);

  const std::uint64_t id;  // of the readers of its peer
  bool answered = false;   // the log has, at least once

  /// Of what is published meanwhile it keeps only a little: the rest is in the log.
  void on_entry(std::string_view epoch, const entry_ptr& entry);
  /// The history may be another than before.
  void doubt() noexcept { feed_.doubt(); }
  void on_page(std::uint64_t question, const result<history_page>& page, steady::time_point now);
  /// What has to be asked now, if anything.
  std::optional<topic_feed::question> inquire(steady::time_point now);
  std::optional<steady::time_point> due() const noexcept { return feed_.due(); }

  /// What comes next, until `pop`: an entry for the peer, or that there is a hole. Null when all that is known was
  /// taken.
  const topic_feed::event* next();
  void pop();
  /// How many messages a hole has swallowed, as far as can be told: at least one.
  std::uint64_t lost(const topic_feed::reset& hole) const noexcept;
  shared_delivery make(const entry_ptr& e);

  /// Behind what was popped last; where it has begun before that, which is nowhere for the last `n`.
  const position& seen() const noexcept { return seen_; }
  /// Up to where the peer has got all when it is `through`.
  position at() const { return feed_.at(); }
  /// Whether the peer has got all that there is.
  bool through() { return next() == nullptr && feed_.settled(); }

 private:
  std::optional<topic_feed::event> take();
  void collect(const entry_ptr& e);
  const shared_history& history();

  const std::string_view topic_;
  topic_feed feed_;
  bool asked_ = false;      // the log, for the first time
  std::size_t unread_ = 0;  // entries that were told since all was taken
  std::optional<topic_feed::event> next_;
  position seen_;
  std::size_t recent_ = 0;
  bool collecting_ = false;  // the past, of which only the last entries count
  boost::container::deque<entry_ptr> last_;
  shared_history history_;  // of what comes next
  position came_at_;
};

}  // namespace coax::detail
