/// @file
/// A broker as bad as a network and a fail-over can make it, for tests of what has to survive that.
///
///     coax::testing::virtual_clock clock;
///     const auto broker = std::make_shared<coax::testing::faulty_broker>(ioc.get_executor(), coax::local_broker());
///     broker->set_faults(coax::testing::broker_faults().drop(0.1).duplicate(0.1).delay(0.2, 50ms).seed(7));
///     broker->fork("lobby", 2);
#pragma once

#include <coax/detail/export.hpp>
#include <coax/local_broker.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <string_view>

namespace coax::testing {

/// How often what happens to a delivery (an entry told to one session). The default is nothing.
class broker_faults {
 public:
  broker_faults() = default;

  /// The part of the deliveries that is lost, from 0 to 1.
  broker_faults& drop(double part) noexcept { return drop_ = part, *this; }
  /// The part that comes twice.
  broker_faults& duplicate(double part) noexcept { return duplicate_ = part, *this; }
  /// The part that comes later, by a random time up to `most`.
  broker_faults& delay(double part, std::chrono::nanoseconds most) noexcept {
    return delay_ = part, longest_ = most, *this;
  }
  /// The part that changes places with the next delivery to the session; that comes after 10 ms if there is none.
  broker_faults& reorder(double part) noexcept { return reorder_ = part, *this; }
  /// What `history` replies comes later, by a random time up to `most`, though it was true when it was asked.
  broker_faults& late_answers(std::chrono::nanoseconds most) noexcept { return answer_delay_ = most, *this; }
  /// The most entries of one answer, whatever was asked for.
  broker_faults& max_page(std::size_t entries) noexcept { return max_page_ = entries, *this; }
  /// The same seed makes the same choices, for the same deliveries.
  broker_faults& seed(unsigned s) noexcept { return seed_ = s, *this; }

 private:
  friend class faulty_broker_core;

  double drop_ = 0, duplicate_ = 0, delay_ = 0, reorder_ = 0;
  std::chrono::nanoseconds longest_{0}, answer_delay_{0};
  std::size_t max_page_ = SIZE_MAX;
  unsigned seed_ = 0;
};

/// What is to happen to one delivery; by default it comes.
class fate {
 public:
  fate() = default;

  /// How many times it comes; 0 is never.
  fate& times(unsigned n) noexcept { return times_ = n, *this; }
  /// How much later, by the clock of the library.
  fate& later(std::chrono::nanoseconds d) noexcept { return later_ = d, *this; }
  /// It comes behind the next delivery to the session, or after 10 ms.
  fate& behind_next() noexcept { return behind_next_ = true, *this; }

 private:
  friend class faulty_broker_core;

  unsigned times_ = 1;
  std::chrono::nanoseconds later_{0};
  bool behind_next_ = false;
};

class faulty_broker_core;

/// Wraps a broker. What comes late, comes on an executor, at its time by the library's clock (`virtual_clock`), and may
/// overlap with what comes in time; the io_context of that executor has to outlive the sessions. All members may be
/// called from any thread.
class COAX_EXPORT faulty_broker final : public broker {
 public:
  /// Whether a publication that fails has happened.
  enum class stored : unsigned char {
    no,  ///< It has not, and says so.
    yes  ///< It has, and nobody knows.
  };

  /// Wraps `inner`; what is late comes on `ex`.
  faulty_broker(boost::asio::any_io_executor ex, std::shared_ptr<broker> inner);
  ~faulty_broker() override;

  std::unique_ptr<broker_session> open(std::weak_ptr<broker_events> events) override;

  /// What happens to deliveries from now on.
  void set_faults(const broker_faults& f);
  /// Decides about each delivery, instead of the faults; null gives the decision back to them. Called under a lock: it
  /// must not call the broker.
  void set_script(std::function<fate(std::string_view topic, const log_entry&)> script);

  /// The last `n` entries that the topic keeps are lost, as in a fail-over to a replica that lagged behind: their
  /// offsets will be given to others, in the same epoch. Nobody is told.
  /// @throws std::logic_error  the broker inside is not a local one.
  void fork(std::string_view topic, std::size_t n);
  /// The topic begins a new epoch, as after a restart without data. Nobody is told. Throws as `fork`.
  void lose_history(std::string_view topic);

  /// Until `reconnect` nothing is told, what was under way is lost, and calls fail with `errc::broker_unavailable`;
  /// members enter and leave when it is over. Both tell the sessions of the state of the link.
  void disconnect();
  /// The end of `disconnect`.
  void reconnect();

  /// The next `n` publications fail: `errc::broker_unavailable` if they are not stored, otherwise
  /// `errc::publication_in_doubt`.
  void fail_publications(std::size_t n, stored s);
  /// The next `n` calls of `history` fail with `errc::broker_unavailable`.
  void fail_history(std::size_t n);

  /// Deliveries that were lost: by the faults, the script, or the link.
  std::uint64_t dropped() const;

 private:
  std::shared_ptr<faulty_broker_core> core_;
};

}  // namespace coax::testing
