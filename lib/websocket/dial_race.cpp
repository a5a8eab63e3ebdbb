#include "websocket/dial_race.hpp"

#include "io/parking_lot.hpp"
#include "io/socket_transport.hpp"

#include <algorithm>
#include <deque>

namespace coax::detail {
namespace {

using asio::ip::tcp;

/// The attempts. A handler holds the race, so that the coroutine may leave at any time.
class race final : public parking_lot {
 public:
  using parking_lot::parking_lot;

  void begin(const tcp::endpoint& to) {
    const auto i = sockets_.size();
    sockets_.emplace_back(executor());
    sockets_.back().async_connect(to, [self = std::static_pointer_cast<race>(shared_from_this()), i,
                                       to](const error_code& ec) { self->ended(i, to, ec); });
  }

  /// Waits until an attempt has ended, or `until` stops, or Asio cancels the caller (`errc::canceled` in both cases).
  task<error_code> change(const context& until) {
    if (const auto ec = until.stopped()) co_return ec;
    if (changed_) co_return error_code();
    plain_waiter w(until);
    parked_ = &w;
    co_await park(w);
    const error_code ec = w.result();
    parked_ = nullptr;
    co_return ec;
  }

  /// The failures since the last call.
  std::size_t take_failures() noexcept {
    changed_ = false;
    return std::exchange(failures_, 0);
  }
  std::optional<tcp::socket> winner() {
    if (!winner_) return std::nullopt;
    return std::move(sockets_[*winner_]);
  }
  const error_code& last_error() const noexcept { return last_error_; }
  const tcp::endpoint& last_failed() const noexcept { return last_failed_; }

  void close() noexcept {
    closed_ = true;
    error_code ignored;
    for (auto& s : sockets_) s.close(ignored);
  }

 private:
  void ended(std::size_t i, const tcp::endpoint& to, const error_code& ec) {
    if (closed_ || winner_) return;
    if (ec) {
      ++failures_;
      last_error_ = ec;
      last_failed_ = to;
    } else {
      winner_ = i;
    }
    changed_ = true;
    if (parked_) wake_inline(*std::exchange(parked_, nullptr));
  }

  void on_shutdown() noexcept override { close(); }

  std::deque<tcp::socket> sockets_;  // stay where they are
  waiter* parked_ = nullptr;
  std::optional<std::size_t> winner_;
  error_code last_error_;
  tcp::endpoint last_failed_;
  std::size_t failures_ = 0;
  bool changed_ = false;
  bool closed_ = false;
};

// However the coroutine ends.
class close_at_end {
 public:
  explicit close_at_end(race& r) noexcept : race_(r) {}
  close_at_end(const close_at_end&) = delete;
  close_at_end& operator=(const close_at_end&) = delete;
  ~close_at_end() { race_.close(); }

 private:
  race& race_;
};

}  // namespace

std::vector<asio::ip::address> interleave(const std::vector<asio::ip::address>& addresses) {
  std::vector<asio::ip::address> first;
  std::vector<asio::ip::address> second;
  for (const auto& a : addresses) (a.is_v6() == addresses.front().is_v6() ? first : second).push_back(a);
  std::vector<asio::ip::address> all;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) all.push_back(first[i]);
    if (i < second.size()) all.push_back(second[i]);
  }
  return all;
}

std::optional<std::size_t> attempt_schedule::due(steady::time_point now) noexcept {
  if (begun_ == count_ || now < next_) return std::nullopt;
  next_ = now + delay;
  return begun_++;
}

task<tcp::socket> connect_first(std::vector<asio::ip::address> addresses, std::uint16_t port, std::string what,
                                const context& ctx) {
  const auto ex = co_await asio::this_coro::executor;
  const auto attempts = std::make_shared<race>(ex);
  const close_at_end guard(*attempts);
  const auto order = interleave(addresses);
  attempt_schedule schedule(order.size());
  for (;;) {
    if (const auto ec = ctx.stopped()) throw system_error(ec, what);
    while (const auto i = schedule.due(now())) attempts->begin(tcp::endpoint(order[*i], port));
    const context until = ctx.with_deadline(schedule.next());
    const error_code ec = co_await attempts->change(until);
    if (ec && ec != errc::deadline_exceeded) throw system_error(ec, what);
    if (auto socket = attempts->winner()) co_return std::move(*socket);
    for (auto n = attempts->take_failures(); n != 0; --n) schedule.failed();
    if (schedule.all_failed())
      throw system_error(attempts->last_error(), what + " at " + to_string(attempts->last_failed()));
  }
}

}  // namespace coax::detail
