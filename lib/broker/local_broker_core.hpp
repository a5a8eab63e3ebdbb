/// The state behind `coax::local_broker`.
#pragma once

#include "broker/local_topic.hpp"

#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace coax::detail {

/// Two locks. `state_` is short and guards everything; no foreign code runs under it. `order_` makes the order of what
/// is told: it is held from the change until all sessions have been told, so that all hear of everything in one order,
/// and whoever changed something knows that it has been told. A change that is made from inside an event, by the thread
/// that holds `order_`, is made at once and told when that event has returned.
class COAX_EXPORT local_broker_core final : public broker, public std::enable_shared_from_this<local_broker_core> {
 public:
  explicit local_broker_core(const local_broker_options& options) : options_(options) {}

  std::unique_ptr<broker_session> open(std::weak_ptr<broker_events> events) override;

  // For the sessions -------------------------------------------------------------------------------------------------

  using listener_ptr = std::shared_ptr<local_listener>;

  listener_ptr add(std::weak_ptr<broker_events> events);
  position subscribe(const listener_ptr& who, std::string_view topic);
  void unsubscribe(const listener_ptr& who, std::string_view topic);
  void watch(const listener_ptr& who, std::string_view filter);
  void unwatch(const listener_ptr& who, std::string_view filter);
  position publish(std::string_view topic, publication what);
  history_page history(std::string_view topic, const position& since, std::size_t limit);
  void enter(const listener_ptr& who, std::string_view topic, presence_member member);
  void leave(const listener_ptr& who, std::string_view topic, std::string_view handle);
  std::vector<present_user> members(std::string_view topic);
  void broadcast(std::string_view message);
  /// Nothing is told to it any more, unless it is inside an event.
  void close(const listener_ptr& who);

  // For tests --------------------------------------------------------------------------------------------------------

  /// The topic's history forks behind all but the last `n` entries that it keeps, as after a lossy fail-over.
  void fork(std::string_view topic, std::size_t n);
  /// The topic begins a new history, as after a restart without data.
  void lose(std::string_view topic);
  std::size_t topics();

 private:
  using topic_ptr = std::shared_ptr<local_topic>;
  using timetable = std::set<std::pair<steady::time_point, local_topic*>>;

  /// Something to tell: an entry, or a change of presence; or a message about nothing in particular.
  struct announcement {
    topic_ptr about;
    std::shared_ptr<const local_parts> to;
    std::string epoch;
    entry_ptr entry;
    presence_change change;
    std::string message = {};
  };

  template <class Change>
  void in_order(Change change);
  static void tell(const announcement& a);
  void tell_queued();

  // With state_ held.
  topic_ptr use(std::string_view name, steady::time_point now);
  local_topic* find(std::string_view name) const;
  void watch_new(local_topic& t);
  static void change_part(local_topic& t, const listener_ptr& who, const std::function<void(local_part&)>& change);
  void announce(const topic_ptr& t, presence_table::changes changes);
  void drop_part(const listener_ptr& who, std::string_view topic);
  void drop_watch(const listener_ptr& who, std::string_view filter);
  void drop_member(const listener_ptr& who, std::string_view topic, std::string_view handle);
  void schedule(local_topic& t);
  void sweep(steady::time_point now);
  steady::time_point farewell_of(const local_topic& t) const;
  void forget(local_topic& t);

  const local_broker_options options_;

  std::mutex order_;
  std::atomic<std::thread::id> teller_;  // who holds order_
  std::vector<announcement> queued_;     // only touched by the teller, as is the next
  std::vector<announcement> being_told_;

  std::mutex state_;
  local_parts sessions_;
  std::unordered_map<std::string, topic_ptr, string_hash, std::equal_to<>> topics_;
  std::vector<std::pair<std::string, listener_ptr>> watches_;
  timetable expiries_;   // when something that is kept becomes too old
  timetable farewells_;  // when an idle topic is to be forgotten
};

}  // namespace coax::detail
