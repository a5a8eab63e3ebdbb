/// What a session is for the Redis broker, and the replies that it waits for.
#pragma once

#include <coax/broker.hpp>

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace coax::detail {

class redis_listener;

/// A reply under way. Its session keeps it until somebody replies.
class awaited_reply : public boost::intrusive::list_base_hook<> {
 public:
  explicit awaited_reply(std::weak_ptr<redis_listener> who) noexcept : who_(std::move(who)) {}
  awaited_reply(const awaited_reply&) = delete;
  awaited_reply& operator=(const awaited_reply&) = delete;
  virtual ~awaited_reply() = default;

  virtual void fail(error_code why) = 0;

 protected:
  /// True once: whoever gets it replies.
  bool take();

 private:
  friend class redis_listener;

  const std::weak_ptr<redis_listener> who_;
  std::shared_ptr<awaited_reply> self_;
};

/// Called once: by the answer, or when its session ends.
template <class T>
class awaited final : public awaited_reply {
 public:
  awaited(std::weak_ptr<redis_listener> who, broker_session::reply<T> done)
      : awaited_reply(std::move(who)), done_(std::move(done)) {}

  void finish(result<T> r) {
    if (take()) done_(std::move(r));
  }
  void fail(error_code why) override { finish(result<T>(why)); }

 private:
  const broker_session::reply<T> done_;
};

/// Shared by a session, the broker, and what is under way.
class redis_listener : public std::enable_shared_from_this<redis_listener> {
 public:
  redis_listener(std::uint64_t number, std::weak_ptr<broker_events> events) noexcept
      : number_(number), events_(std::move(events)) {}

  /// Among the sessions of the broker.
  std::uint64_t number() const noexcept { return number_; }
  /// Null if nothing is to be told any more.
  std::shared_ptr<broker_events> events() const noexcept { return open_.load() ? events_.lock() : nullptr; }

  /// Null for a reply that is null.
  template <class T>
  std::shared_ptr<awaited<T>> await(broker_session::reply<T> done) {
    if (!done) return nullptr;
    auto reply = std::make_shared<awaited<T>>(weak_from_this(), std::move(done));
    const std::lock_guard lock(mutex_);
    waiting_.push_back(*reply);
    waiting_.back().self_ = reply;
    return reply;
  }

  /// Nothing is told any more; what is under way is canceled.
  void close() {
    open_.store(false);
    std::vector<std::shared_ptr<awaited_reply>> left;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& r : waiting_) left.push_back(r.self_);
    }
    for (const auto& r : left) r->fail(errc::canceled);
  }

  // Guarded by what they belong to.
  std::set<std::string, std::less<>> subscribed;
  std::set<std::string, std::less<>> watched;             // filters
  std::set<std::pair<std::string, std::string>> entered;  // topics, handles

 private:
  friend class awaited_reply;

  const std::uint64_t number_;
  const std::weak_ptr<broker_events> events_;
  std::atomic<bool> open_{true};
  std::mutex mutex_;
  boost::intrusive::list<awaited_reply, boost::intrusive::constant_time_size<false>> waiting_;
};

inline bool awaited_reply::take() {
  const auto who = who_.lock();
  if (!who) return false;
  const auto keep = [&]() -> std::shared_ptr<awaited_reply> {
    const std::lock_guard lock(who->mutex_);
    if (!is_linked()) return nullptr;
    who->waiting_.erase(who->waiting_.iterator_to(*this));
    return std::move(self_);
  }();
  return keep != nullptr;
}

}  // namespace coax::detail
