/// One connection to Redis that is always wanted: what its two kinds have in common.
#pragma once

#include "io/parking_lot.hpp"
#include "protocol/resp.hpp"
#include "redis/backoff.hpp"
#include <coax/redis_options.hpp>
#include <coax/transport.hpp>

#include <functional>
#include <stop_token>

namespace coax::redis {

/// Connects, notices the end, and connects again, until it is closed. What is asked on the connection is answered in
/// order; a question that stays unanswered, with nothing at all arriving, ends the connection, and when nothing is
/// asked for a while a PING is.
///
/// Confined to its executor. What the derived class is told, it is told there, and never inside one of its own calls,
/// except by `give_up`. Owned by shared_ptr; whoever the derived class tells must close it before he dies.
class link : public coax::detail::parking_lot, public transport::observer {
 public:
  /// Gives a connection that is ready for use. Runs on the link's executor and may outlive the link.
  using opener = std::function<task<std::shared_ptr<transport>>(context)>;

  link(asio::any_io_executor ex, opener open, const redis_options& options);

  void start();
  /// Ends the connection, as if it had failed; the next attempt follows at once, or as after a failure.
  enum class again : bool { at_once, with_jitter };
  void give_up(std::string_view why, again when);
  /// For good; nobody is told.
  void close() noexcept;

  bool up() const noexcept { return state_ == state::up; }

 protected:
  ~link() override = default;
  using time_point = coax::detail::steady::time_point;

  /// The connection is there: the first questions may be asked.
  virtual void came_up() = 0;
  /// It is not any more; what was asked will not be answered. `why` is for people.
  virtual void went_down(std::string_view why) = 0;
  /// An attempt has failed, the first one since the link was up.
  virtual void refused(std::string_view why) = 0;
  virtual void heard(const protocol::resp_value& v) = 0;
  /// All that arrived together has been heard.
  virtual void heard_all() {}
  /// All bytes have left.
  virtual void drained() {}
  /// When the oldest question was asked that has no answer yet.
  virtual std::optional<time_point> oldest_question() const = 0;
  virtual void ask_ping() = 0;
  /// Called now and then, at `alarm` at the latest; returns when it is to be next.
  virtual time_point on_alarm(time_point) { return time_point::max(); }
  void alarm(time_point at);

  /// Where questions are written to; they leave with `flush`.
  std::string& output() noexcept { return out_; }
  std::size_t unsent() const noexcept { return out_.size() - out_sent_; }
  void flush();

  /// How much may lie in the output; what is more waits its turn, so that a server that does not read costs no memory.
  static constexpr std::size_t most_unsent = 256 * 1024;

 private:
  enum class state : unsigned char { resting, waiting, connecting, up, closed };

  void on_ready(transport::direction d) override;
  void on_time(time_point now) override;
  void on_shutdown() noexcept override { close(); }
  void connect();
  void connected(std::shared_ptr<transport> t, std::string_view why);
  void receive();
  bool hear();
  void wait_for_next_attempt(again when);
  void check_liveness(time_point now);

  opener open_;
  std::chrono::nanoseconds reply_timeout_;
  std::chrono::nanoseconds ping_interval_;
  backoff backoff_;
  state state_ = state::resting;
  std::stop_source stop_;  // of the attempt
  std::shared_ptr<transport> transport_;
  protocol::resp_parser parser_;
  std::string out_;
  std::size_t out_sent_ = 0;
  std::uint64_t epoch_ = 0;  // counts connections, so that a loop sees that its own has ended
  time_point next_attempt_{};
  time_point last_heard_{};
  time_point alarm_ = time_point::max();
  again after_attempt_ = again::with_jitter;
  bool refusal_told_ = false;
};

}  // namespace coax::redis
