/// The connection for subscriptions: what is wanted, what Redis has been asked for, and what it has confirmed.
#pragma once

#include "core/string_hash.hpp"
#include "redis/client.hpp"
#include "redis/counters.hpp"
#include "redis/link.hpp"

#include <array>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coax::redis {

/// Asks for what is wanted, in batches, and again after each reconnect.
class subscription_link final : public link {
 public:
  /// Who owns the link, and outlives it.
  class owner {
   public:
    virtual void subscription_link_changed(subscription_link& l, link_event event, std::string_view why) = 0;
    virtual void message(channel_kind kind, std::string_view matched, std::string_view channel,
                         std::string_view payload) = 0;
    virtual void subscribed(channel_kind kind, std::string_view name) = 0;
    virtual void lost(channel_kind kind, std::string_view name) = 0;
    virtual void subscription_refused(channel_kind kind, std::string_view name, std::string_view why) = 0;
    /// The node does not have the slot of a shard channel (MOVED, or told while it moved): the channel stays wanted
    /// here until `take`.
    virtual void channel_moved(subscription_link& l, std::string_view name) = 0;

   protected:
    ~owner() = default;
  };

  /// In a Cluster each shard channel is asked for by itself, because Redis refuses channels of several slots together.
  enum class batches : unsigned char { whole, by_slot };

  subscription_link(asio::any_io_executor ex, opener open, const redis_options& options, batches b, counters& stats,
                    owner& o)
      : link(std::move(ex), std::move(open), options), batches_(b), stats_(stats), owner_(o) {}

  void want(channel_kind kind, std::string_view name);
  void unwant(channel_kind kind, std::string_view name);
  /// Asks for what was wanted since the last call, as far as there is room.
  void pump();
  /// All names of a kind that are wanted.
  std::vector<std::string> wanted(channel_kind kind) const;
  /// Gives a name away to another link.
  void take(channel_kind kind, std::string_view name);
  bool empty() const noexcept;

 private:
  struct subscription {
    bool wanted = false;
    bool asked = false;      // what the last command about it said
    bool confirmed = false;  // told to the owner
    bool announce = false;   // it is to be told once more
    bool queued = false;     // in pending_
    unsigned open = 0;       // commands about it that are not answered
  };
  using table = std::unordered_map<std::string, subscription, coax::detail::string_hash, std::equal_to<>>;
  using entry = table::value_type;

  // One command, answered once for each of its names (or once, by an error or if it is a PING).
  struct question {
    channel_kind kind;
    bool subscribe;
    bool ping;
    std::vector<std::string> names;  // in the order of the answers
    std::size_t answered = 0;
    time_point asked;
  };

  void came_up() override;
  void went_down(std::string_view why) override;
  void refused(std::string_view why) override { owner_.subscription_link_changed(*this, link_event::refused, why); }
  void heard(const value& v) override;
  void drained() override { pump(); }
  std::optional<time_point> oldest_question() const override;
  void ask_ping() override;
  time_point on_alarm(time_point now) override;

  table& of(channel_kind kind) noexcept { return tables_[static_cast<std::size_t>(kind)]; }
  void queue(channel_kind kind, entry& e);
  void fill_output();
  void lose(channel_kind kind, entry& e);
  void ask(channel_kind kind, bool subscribe, std::vector<std::string> names);
  void heard_told(const value& v);
  void heard_answer(channel_kind kind, bool subscribe, std::string_view name);
  void heard_error(const value& v);
  void answered(channel_kind kind, std::string_view name);

  batches batches_;
  counters& stats_;
  owner& owner_;
  std::array<table, 3> tables_;
  std::deque<std::pair<channel_kind, std::string>> pending_;  // names whose state is not what Redis was asked for
  std::deque<question> asked_;
  std::vector<std::pair<channel_kind, std::string>> later_;  // refused, to be asked again
};

}  // namespace coax::redis
