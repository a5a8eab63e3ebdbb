#include "testing/faulty_broker_core.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace coax::testing {

// Events -----------------------------------------------------------------------------------------------------------

void faulty_events::on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) {
  core_->deliver(shared_from_this(), topic, epoch, entry);
}

void faulty_events::on_reset(std::string_view topic, const position& end) {
  const auto to = target();
  if (to && core_->connected()) to->on_reset(topic, end);
}

void faulty_events::on_presence(std::string_view topic, const presence_change& change) {
  const auto to = target();
  if (to && core_->connected()) to->on_presence(topic, change);
}

void faulty_events::on_link(link_state state) {
  const auto to = target();
  if (to && core_->connected()) to->on_link(state);
}

void faulty_events::on_control(std::string_view message) {
  core_->when_connected(shared_from_this(), [to = to_, message = std::string(message)] {
    if (const auto there = to.lock()) there->on_control(message);
  });
}

// Settings ---------------------------------------------------------------------------------------------------------

void faulty_broker_core::set_faults(const broker_faults& f) {
  const std::lock_guard lock(mutex_);
  faults_ = f;
  random_.seed(f.seed_);
}

void faulty_broker_core::set_script(std::function<fate(std::string_view, const log_entry&)> script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void faulty_broker_core::fail_publications(std::size_t n, faulty_broker::stored s) {
  const std::lock_guard lock(mutex_);
  failing_publications_ = n;
  failing_ = s;
}

void faulty_broker_core::fail_history(std::size_t n) {
  const std::lock_guard lock(mutex_);
  failing_history_ = n;
}

void faulty_broker_core::count_dropped() {
  const std::lock_guard lock(mutex_);
  ++dropped_;
}

std::uint64_t faulty_broker_core::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

// Before it is lost, a link takes what is under way with it; once there is one again, what was put off is done first.
void faulty_broker_core::set_link(link_state state) {
  const bool ready = state == link_state::ready;
  std::vector<late> lost;
  std::vector<std::shared_ptr<faulty_events>> told;
  std::vector<std::pair<events_ptr, std::function<void()>>> put_off;
  {
    const std::lock_guard lock(mutex_);
    if (connected_ == ready) return;
    connected_ = ready;
    if (ready) {
      put_off.swap(for_later_);
    } else {
      lost = take([](const auto&) { return true; });
    }
    for (const auto& weak : sessions_)
      if (auto s = weak.lock()) told.push_back(std::move(s));
  }
  for (const auto& l : lost) l(errc::broker_unavailable);
  for (const auto& [who, act] : put_off) act();
  for (const auto& s : told)
    if (const auto to = s->target()) to->on_link(state);
}

// Sessions ---------------------------------------------------------------------------------------------------------

void faulty_broker_core::add(const events_ptr& e) {
  const std::lock_guard lock(mutex_);
  sessions_.push_back(e);
}

void faulty_broker_core::remove(const events_ptr& e) {
  std::vector<late> ended;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(sessions_, [&](const auto& weak) { return weak.expired() || weak.lock() == e; });
    std::erase_if(for_later_, [&](const auto& l) { return l.first == e; });
    ended = take([&](const under_way& u) { return u.to == e; });
  }
  for (const auto& l : ended) l(errc::canceled);
}

bool faulty_broker_core::connected() const {
  const std::lock_guard lock(mutex_);
  return connected_;
}

std::optional<faulty_broker::stored> faulty_broker_core::publication_fails() {
  const std::lock_guard lock(mutex_);
  if (!connected_) return faulty_broker::stored::no;
  if (failing_publications_ == 0) return std::nullopt;
  --failing_publications_;
  return failing_;
}

bool faulty_broker_core::history_fails() {
  const std::lock_guard lock(mutex_);
  if (!connected_) return true;
  if (failing_history_ == 0) return false;
  --failing_history_;
  return true;
}

std::size_t faulty_broker_core::page_limit(std::size_t asked) const {
  const std::lock_guard lock(mutex_);
  return std::min(asked, faults_.max_page_);
}

void faulty_broker_core::when_connected(const events_ptr& who, std::function<void()> act) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) {
      for_later_.emplace_back(who, std::move(act));
      return;
    }
  }
  act();
}

// Deliveries -------------------------------------------------------------------------------------------------------

void faulty_broker_core::deliver(const events_ptr& to, std::string_view topic, std::string_view epoch,
                                 const entry_ptr& entry) {
  const auto target = to->target();
  if (!target) return;
  fate f;
  std::vector<late> behind;
  {
    const std::lock_guard lock(mutex_);
    if (connected_) {
      f = decide(topic, *entry);
    } else {
      f.times(0);
    }
    if (f.times_ == 0) ++dropped_;
    const bool late_one = f.behind_next_ || f.later_.count() > 0;
    if (late_one) {
      const auto act = [this, to, topic = std::string(topic), epoch = std::string(epoch), entry](error_code lost) {
        if (lost == errc::broker_unavailable) return count_dropped();
        if (const auto there = lost ? nullptr : to->target()) there->on_entry(topic, epoch, entry);
      };
      const auto when = f.later_.count() > 0 ? f.later_ : std::chrono::milliseconds(10);
      for (unsigned i = 0; i < f.times_; ++i) postpone(when, {to, f.behind_next_, act});
      return;
    }
    if (f.times_ != 0) behind = take([&](const under_way& u) { return u.to == to && u.behind_next; });
  }
  for (unsigned i = 0; i < f.times_; ++i) target->on_entry(topic, epoch, entry);
  for (const auto& l : behind) l({});
}

fate faulty_broker_core::decide(std::string_view topic, const log_entry& e) {
  if (script_) return script_(topic, e);
  fate f;
  if (chance(faults_.drop_)) return f.times(0);
  if (chance(faults_.duplicate_)) f.times(2);
  if (chance(faults_.reorder_)) f.behind_next();
  if (chance(faults_.delay_)) f.later(up_to(faults_.longest_));
  return f;
}

std::chrono::nanoseconds faulty_broker_core::up_to(std::chrono::nanoseconds most) {
  return std::chrono::nanoseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(random_));
}

void faulty_broker_core::reply(const events_ptr& to, late answer) {
  {
    const std::lock_guard lock(mutex_);
    const auto d = up_to(faults_.answer_delay_);
    if (d.count() > 0) return postpone(d, {to, false, std::move(answer)});
  }
  answer({});
}

// Time -------------------------------------------------------------------------------------------------------------

// With the mutex held.
void faulty_broker_core::postpone(std::chrono::nanoseconds d, under_way what) {
  if (dead_) return;
  const auto added = under_way_.emplace(detail::now() + d, std::move(what));
  if (added == under_way_.begin()) post([self = shared_from_this()] { static_cast<faulty_broker_core&>(*self).arm(); });
}

// What is under way holds the sessions' events, and these hold the broker.
void faulty_broker_core::on_shutdown() noexcept {
  std::multimap<detail::steady::time_point, under_way> lost;
  const std::lock_guard lock(mutex_);
  dead_ = true;
  lost.swap(under_way_);
}

void faulty_broker_core::arm() {
  std::optional<detail::steady::time_point> next;
  {
    const std::lock_guard lock(mutex_);
    if (!under_way_.empty()) next = under_way_.begin()->first;
  }
  if (next) {
    wake_at(*next);
  } else {
    wake_never();
  }
}

void faulty_broker_core::on_time(detail::steady::time_point time) {
  std::vector<late> due;
  {
    const std::lock_guard lock(mutex_);
    while (!under_way_.empty() && under_way_.begin()->first <= time) {
      due.push_back(std::move(under_way_.begin()->second.action));
      under_way_.erase(under_way_.begin());
    }
  }
  for (const auto& l : due) l({});
  arm();
}

// With the mutex held.
template <class Which>
std::vector<faulty_broker_core::late> faulty_broker_core::take(Which which) {
  std::vector<late> taken;
  for (auto u = under_way_.begin(); u != under_way_.end();) {
    if (which(u->second)) {
      taken.push_back(std::move(u->second.action));
      u = under_way_.erase(u);
    } else {
      ++u;
    }
  }
  return taken;
}

}  // namespace coax::testing
