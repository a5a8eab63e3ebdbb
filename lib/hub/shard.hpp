/// The part of a hub that lives on one executor: an inbox that any thread may append to, and the peers there.
#pragma once

#include "hub/peer_core.hpp"
#include "io/parking_lot.hpp"

#include <atomic>
#include <mutex>
#include <variant>

namespace coax::detail {

struct topic_part;

/// Counters that all threads add to, once a turn.
struct hub_counts {
  using counter = std::atomic<std::uint64_t>;
  counter published{0}, publish_errors{0}, handed_out{0}, delivered{0}, dropped{0}, filtered{0}, skipped{0};
  counter rewinds{0}, resets{0}, notices{0}, disconnected{0}, cut{0}, filter_errors{0}, failures{0};
  counter flushed{0}, given_up{0}, undelivered{0};
};

namespace commands {

/// A close that has its time.
struct farewell {
  std::shared_ptr<peer_core> peer;
  std::shared_ptr<const close_request> with;
  steady::time_point at, by;
};
/// It may have to go at once, or later.
struct attach {
  std::shared_ptr<peer_core> peer;
  std::shared_ptr<const close_request> close_with;
  std::optional<commands::farewell> farewell;
};
struct detach {
  std::shared_ptr<peer_core> peer;
  std::vector<broker_session::reply<std::size_t>> then;  // who waits for the last peer to go
};
/// For the first time, or under other options.
struct join {
  std::shared_ptr<subscription> what;
  join_options options;
};
/// Whom it has been before it came back.
struct resume {
  std::shared_ptr<peer_core> peer;
  std::vector<origin> was;
};
struct leave {
  std::shared_ptr<subscription> what;
};
struct publish {
  std::shared_ptr<topic_part> to;
  shared_delivery what;
  std::uint64_t except;
  std::uint64_t serial;
};
/// The broker tells the topic now: its log may be read.
struct begin {
  std::shared_ptr<topic_part> what;
  position from;
};
/// The history of a topic may have been lost.
struct reset {
  std::shared_ptr<topic_part> of;
  position from;  // where what comes follows
};
/// An answer of the log to one that reads it.
struct page {
  std::shared_ptr<subscription> to;
  std::uint64_t reader;
  std::uint64_t question;
  result<history_page> answer;
};
/// The registry has something to do at that time.
struct alarm {
  steady::time_point at;
};
struct send {
  std::shared_ptr<peer_core> to;
  shared_delivery what;
};
/// A message of the hub's own for the members that follow a topic's presence.
struct tell {
  std::shared_ptr<topic_part> to;
  shared_delivery what;
};
/// Null is all peers of the shard.
struct close {
  std::shared_ptr<peer_core> peer;
  std::shared_ptr<const close_request> with;
};

}  // namespace commands

using command = std::variant<commands::attach, commands::detach, commands::join, commands::resume, commands::leave,
                             commands::publish, commands::begin, commands::reset, commands::page, commands::alarm,
                             commands::send, commands::tell, commands::farewell, commands::close>;

/// Everything that happens to the peers of an executor happens in the order of this inbox. One post is under way while
/// there is something in it, whatever is thrown: a peer for which something goes wrong is ended, the others go on. Of
/// user code it runs only the filters.
class shard final : public parking_lot {
 public:
  shard(asio::any_io_executor ex, std::weak_ptr<registry> hub, std::shared_ptr<hub_counts> totals);
  ~shard() override;

  // From any thread -----------------------------------------------------------------------------------------------

  enum class pushed : unsigned char {
    awake,
    asleep,  // `wake` must be called
    dead     // the io_context is going down: not taken
  };
  pushed push(command c);
  /// There is a part of which something was lost: its members are to be ended. Answers as `push`.
  pushed note_loss() noexcept;
  /// Posts the working off of the inbox. Apart from `push` so that it is done outside the registry's lock. False if
  /// that fails: the next who pushes will be told to do it.
  bool wake() noexcept;
  void submit(command c) {
    if (push(std::move(c)) == pushed::asleep) wake();
  }

  std::size_t peers_attached = 0;  // guarded by the registry

  // From the executor, for its peers ------------------------------------------------------------------------------

  steady::time_point time() const noexcept { return time_; }
  void mark_offered(peer_core& p);
  /// Calls `on_time` of the peer when it is due.
  void watch(peer_core& p);
  void remove(peer_core& p);
  /// Wakes all of a list.
  void wake_waiting(std::vector<waiter*>& list) noexcept;
  /// Calls `f` for `p`, which is ended if it throws.
  template <class F>
  void guarded(peer_core& p, F f) noexcept {
    try {
      f();
    } catch (...) {
      p.fail();
    }
  }
  struct {
    std::uint64_t handed_out = 0, delivered = 0, dropped = 0, filtered = 0, skipped = 0;
    std::uint64_t rewinds = 0, notices = 0, disconnected = 0, cut = 0, filter_errors = 0, failures = 0;
    std::uint64_t flushed = 0, given_up = 0, undelivered = 0;
  } counts;
  /// Adds what was counted to the totals.
  void settle() noexcept;

 private:
  struct earlier {
    bool operator()(const peer_core& a, const peer_core& b) const noexcept { return a.watched_until < b.watched_until; }
  };
  using watch_list =
      boost::intrusive::multiset<peer_core,
                                 boost::intrusive::member_hook<peer_core, peer_core::watch_hook, &peer_core::watched>,
                                 boost::intrusive::compare<earlier>, boost::intrusive::constant_time_size<false>>;

  bool holds(const peer_core& p) const noexcept { return p.index < peers_.size() && peers_[p.index].get() == &p; }
  void work_off() noexcept;
  void take_batch();
  void end_losers() noexcept;
  bool rests() noexcept;
  std::size_t run(const commands::attach& c);
  std::size_t run(const commands::detach& c);
  std::size_t run(const commands::join& c);
  std::size_t run(const commands::resume& c);
  std::size_t run(const commands::leave& c);
  std::size_t run(const commands::publish& c);
  const commands::publish* next_publication(const topic_part& to) noexcept;
  std::size_t run(const commands::begin& c);
  std::size_t run(const commands::reset& c);
  std::size_t run(const commands::page& c);
  std::size_t run(const commands::alarm& c);
  std::size_t run(const commands::send& c);
  std::size_t run(const commands::tell& c);
  std::size_t run(const commands::farewell& c);
  std::size_t run(const commands::close& c);
  void on_time(steady::time_point time) override;
  void on_shutdown() noexcept override;

  const std::weak_ptr<registry> hub_;
  const std::shared_ptr<hub_counts> totals_;

  std::mutex mutex_;
  std::vector<command> inbox_;  // these four under the mutex
  bool posted_ = false;
  bool dead_ = false;
  bool lost_ = false;

  std::vector<command> batch_;  // taken from the inbox
  std::size_t next_ = 0;        // of batch_
  steady::time_point time_;
  steady::time_point alarm_ = steady::time_point::max();
  std::vector<std::shared_ptr<peer_core>> peers_;
  std::vector<peer_core*> offered_;  // in this turn; alive as long as batch_ is
  watch_list watched_;               // those of peers_ that have a time to wait for
};

}  // namespace coax::detail
