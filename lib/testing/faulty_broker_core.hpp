/// The state of a faulty broker, and what is under way in it.
#pragma once

#include "io/parking_lot.hpp"
#include <coax/testing_broker.hpp>

#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <vector>

namespace coax::testing {

/// What a session of the faulty broker hears from the one inside.
class faulty_events final : public broker_events, public std::enable_shared_from_this<faulty_events> {
 public:
  faulty_events(std::shared_ptr<faulty_broker_core> core, std::weak_ptr<broker_events> to) noexcept
      : core_(std::move(core)), to_(std::move(to)) {}

  void on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) override;
  void on_reset(std::string_view topic, const position& end) override;
  void on_presence(std::string_view topic, const presence_change& change) override;
  void on_link(link_state state) override;
  void on_control(std::string_view message) override;

  std::shared_ptr<broker_events> target() const noexcept { return to_.lock(); }

 private:
  const std::shared_ptr<faulty_broker_core> core_;
  const std::weak_ptr<broker_events> to_;
};

/// One mutex; nothing foreign is called under it but the script. What is late waits in a queue that the executor works
/// off when the time has come.
class faulty_broker_core final : public detail::parking_lot {
 public:
  using events_ptr = std::shared_ptr<faulty_events>;
  /// Called with an error if it is not to come any more.
  using late = std::function<void(error_code)>;

  faulty_broker_core(asio::any_io_executor ex, std::shared_ptr<broker> inner)
      : parking_lot(std::move(ex)), inner_(std::move(inner)) {}

  broker& inner() const noexcept { return *inner_; }
  void set_faults(const broker_faults& f);
  void set_script(std::function<fate(std::string_view, const log_entry&)> script);
  void fail_publications(std::size_t n, faulty_broker::stored s);
  void fail_history(std::size_t n);
  void set_link(link_state state);
  std::uint64_t dropped() const;

  // For the sessions and their events ----------------------------------------------------------------------------

  void add(const events_ptr& e);
  void remove(const events_ptr& e);
  bool connected() const;
  void deliver(const events_ptr& to, std::string_view topic, std::string_view epoch, const entry_ptr& entry);
  /// Whether the next publication is to fail, and how.
  std::optional<faulty_broker::stored> publication_fails();
  bool history_fails();
  std::size_t page_limit(std::size_t asked) const;
  /// Calls `answer` when it is time: at once, or later.
  void reply(const events_ptr& to, late answer);
  /// Calls `act` now, or when there is a link again.
  void when_connected(const events_ptr& who, std::function<void()> act);

 private:
  struct under_way {
    events_ptr to;
    bool behind_next;
    late action;
  };

  void on_time(detail::steady::time_point time) override;
  void on_shutdown() noexcept override;
  fate decide(std::string_view topic, const log_entry& e);
  void postpone(std::chrono::nanoseconds d, under_way what);
  void arm();
  void count_dropped();
  template <class Which>
  std::vector<late> take(Which which);
  bool chance(double part) { return part > 0 && std::bernoulli_distribution(part)(random_); }
  std::chrono::nanoseconds up_to(std::chrono::nanoseconds most);

  const std::shared_ptr<broker> inner_;

  mutable std::mutex mutex_;
  bool dead_ = false;  // the io_context is going down: nothing is late any more, it is lost
  broker_faults faults_;
  std::mt19937 random_;
  std::function<fate(std::string_view, const log_entry&)> script_;
  bool connected_ = true;
  std::size_t failing_publications_ = 0, failing_history_ = 0;
  faulty_broker::stored failing_ = faulty_broker::stored::no;
  std::uint64_t dropped_ = 0;
  std::vector<std::weak_ptr<faulty_events>> sessions_;
  std::multimap<detail::steady::time_point, under_way> under_way_;
  std::vector<std::pair<events_ptr, std::function<void()>>> for_later_;
};

}  // namespace coax::testing
