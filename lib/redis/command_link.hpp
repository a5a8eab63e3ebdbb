/// The connection for commands: a queue in front of it, and the questions whose answers are awaited, in order.
#pragma once

#include "redis/client.hpp"
#include "redis/counters.hpp"
#include "redis/link.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace coax::redis {

/// A command that waits for its reply.
struct pending_command {
  pending_command(command c, reply_handler d, context::time_point e)
      : what(std::move(c)), done(std::move(d)), expiry(e) {}

  command what;
  reply_handler done;
  context::time_point expiry;
  bool perhaps_executed = false;  ///< Sent on a connection that has ended before the reply.
  bool ended = false;             ///< Replied to; what the server may still say of it is for nobody.
  unsigned refusals = 0;
  bool asking = false;     ///< To be sent behind ASKING (a slot is moving).
  bool as_source = false;  ///< EVAL: the script's name is not known.
};

/// What a command that is not executed any more ends with.
inline error_code not_executed(const pending_command& c) noexcept {
  return c.perhaps_executed ? errc::publication_in_doubt : errc::broker_unavailable;
}

/// Why a command was not executed, the gravest last.
enum class refusal : unsigned char {
  again,    ///< Elsewhere or otherwise (MOVED, NOSCRIPT): at once.
  later,    ///< The server is not able to, for the moment.
  demoted,  ///< It is no master (any more).
};

/// Keeps commands until they can be sent; sends them again if they were surely not executed, or may be executed twice.
/// When the server refuses one, none is sent until all that were sent have been answered: so those that follow cannot
/// overtake it. A server that has just come up, or has refused, gets one command alone before it gets the rest: it may
/// be about to change its mind (LOADING, CLUSTERDOWN), in the middle of what it is sent. So it is with a single slot
/// while that is moving (TRYAGAIN, ASKING): the commands of other slots wait no longer than `while_unable`.
class command_link final : public link {
 public:
  /// Who owns the link, and outlives it.
  class owner {
   public:
    virtual void command_link_changed(command_link& l, link_event event, std::string_view why) = 0;
    /// Whether it knows other nodes; if not, MOVED and ASK are errors like any other.
    virtual bool follows_redirects() const noexcept = 0;
    /// MOVED: the slot's node. Commands for it keep coming to this link until `commands_refused`.
    virtual void slot_moved(command_link& l, std::uint16_t slot, std::string_view to) = 0;
    /// ASK: this one command goes there.
    virtual void slot_is_moving(command_link& l, pending_command c, std::string_view to) = 0;
    /// All that was sent has been answered, and some was refused: it is in front of the queue again, and nothing is
    /// sent until `go_on`.
    virtual void commands_refused(command_link& l, refusal gravest) = 0;
    /// A reply, or the end of the command without one.
    virtual void complete(pending_command& c, const result<value>& r) = 0;

   protected:
    ~owner() = default;
  };

  command_link(asio::any_io_executor ex, opener open, const redis_options& options, counters& stats, owner& o)
      : link(std::move(ex), std::move(open), options), stats_(stats), owner_(o) {}

  /// How long a server that refuses for the moment is left alone.
  static constexpr std::chrono::milliseconds while_unable{50};

  /// Behind all that waits; sent by `pump`.
  void push(pending_command c) { waiting_.push_back(std::move(c)); }
  /// Sends what can be sent, in one write.
  void pump();
  /// After `commands_refused`; what waits is sent when that returns.
  void go_on() noexcept { refusing_ = false; }
  void go_on_at(time_point t);
  /// The slot may have come here, or not yet: its commands go one by one until one is taken.
  void doubt(std::uint16_t slot) { moving_.try_emplace(slot, false); }
  /// Whether commands have been sent that are not answered, or refused.
  bool busy() const noexcept { return !asked_.empty() || !refused_.empty(); }
  bool has_commands() const noexcept { return busy() || !waiting_.empty(); }
  /// What has not been sent, for another link.
  std::deque<pending_command> take_waiting() noexcept { return std::exchange(waiting_, {}); }
  /// Ends the commands whose time is up; when the next one's is.
  time_point expire(time_point now);
  /// Ends all commands, in the order in which they came.
  void cancel_all();
  /// Drops them without a reply: the io_context has ended.
  void forget_all() noexcept;

 private:
  struct question {
    std::optional<pending_command> c;  // none: PING, ASKING, SCRIPT LOAD
    time_point asked;
  };
  using moving_slots = std::map<std::uint16_t, bool>;  // and whether a command of it is under way

  void came_up() override;
  void went_down(std::string_view why) override;
  void refused(std::string_view why) override { owner_.command_link_changed(*this, link_event::refused, why); }
  void heard(const value& v) override;
  void heard_all() override;
  void drained() override { pump(); }
  std::optional<time_point> oldest_question() const override;
  void ask_ping() override { ask_own(command("PING")); }
  time_point on_alarm(time_point now) override;

  void transmit(pending_command c);
  bool transmit_waiting();
  moving_slots::iterator moving(const pending_command& c);
  bool must_wait(const pending_command& c);
  void put_in_front(std::vector<pending_command>& those);
  void took(const pending_command& c);
  void ask_own(const command& c);
  void load(const script& s);
  bool refuse(pending_command& c, const value& v);
  void keep_refused(pending_command c, refusal how);
  bool has_refused(std::uint16_t slot) const noexcept;
  void settle_refusals();

  counters& stats_;
  owner& owner_;
  std::deque<pending_command> waiting_;
  std::deque<question> asked_;
  std::vector<pending_command> refused_;
  moving_slots moving_;
  std::unordered_set<std::string> loaded_;  // scripts, on this connection
  refusal gravest_ = refusal::again;
  bool refusing_ = false;
  bool trusted_ = false;  // has taken a command since it came up, and since it refused one
  bool trying_ = false;   // one command is sent alone
  time_point pause_until_{};
  time_point turn_{};  // when the writing of now began
};

}  // namespace coax::redis
