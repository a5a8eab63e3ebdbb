/// What the parts of a Redis broker share.
#pragma once

#include "broker/topic_log.hpp"
#include "redis/client.hpp"
#include "redis/redis_names.hpp"
#include "redis/redis_wire.hpp"
#include <coax/redis_broker.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace coax::detail {

/// The time of a Redis key; at least 1 ms, because 0 deletes it.
inline std::int64_t to_milliseconds(std::chrono::nanoseconds t) noexcept {
  return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(t).count());
}

/// All members may be called from any thread.
class redis_site {
 public:
  explicit redis_site(const redis_broker_options& o)
      : options(o),
        topics(o.prefix()),
        probes(o.prefix() + "probe:"),
        control(o.prefix() + "control:"),
        id(to_hex(tag_source().next())),
        epoch_(new_epoch()) {}

  /// @param owner  kept until each command has been answered.
  void start(asio::any_io_executor ex, std::string_view url, const std::weak_ptr<redis::client_events>& owner) {
    owner_ = owner;
    redis_ = std::make_unique<redis::client>(std::move(ex), url, options.redis(), owner);
    if (redis_->cluster() && options.sharded()) kind = redis::channel_kind::shard, verb = "SPUBLISH";
  }
  redis::client& redis() const noexcept { return *redis_; }

  /// As `client::send`. Nothing is sent when the io_context has ended.
  template <class Handler>
  void send(redis::command c, Handler done) const {
    if (ended) return;
    redis_->send(std::move(c),
                 [keep = owner_.lock(), done = std::move(done)](const result<redis::value>& r) mutable { done(r); });
  }

  /// A name for a history that may begin; another one once it has been used.
  std::string new_history() const {
    const std::lock_guard lock(mutex_);
    return epoch_;
  }
  void used(std::string_view epoch) {
    const std::lock_guard lock(mutex_);
    if (epoch == epoch_) epoch_ = new_epoch();
  }

  const redis_broker_options options;
  const redis_names topics;
  /// Other topics, of the broker's own: where its probes go, and what it tells all nodes.
  const redis_names probes;
  const redis_names control;
  const std::string id;
  redis::channel_kind kind = redis::channel_kind::plain;
  std::string_view verb = "PUBLISH";
  std::atomic<bool> ended{false};

 private:
  std::weak_ptr<redis::client_events> owner_;
  std::unique_ptr<redis::client> redis_;
  mutable std::mutex mutex_;
  std::string epoch_;
};

/// What the error in a reply is to whoever has asked a question: whether it was executed is nothing to them.
inline error_code error_of(const result<redis::value>& r) {
  if (!r && r.error() != errc::publication_in_doubt) return r.error();
  return errc::broker_unavailable;
}

/// Asks the log of a topic; `done` is called on the executor.
void read_log(redis_site& site, const redis_names& names, std::string_view topic, const position& since,
              std::size_t limit, std::function<void(result<history_page>)> done);

}  // namespace coax::detail
