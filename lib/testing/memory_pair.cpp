#include "core/clock.hpp"
#include "io/parking_lot.hpp"
#include <coax/testing.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <random>
#include <span>
#include <string>

namespace coax::testing {
namespace {

struct chunk {
  std::string bytes;
  std::size_t taken = 0;
  detail::steady::time_point arrives;
};

using direction = transport::direction;

}  // namespace

/// What the two ends share, under one mutex. Each end is written about in `sides[i]`: its behaviour, and the bytes that
/// it has written and the other has not read.
struct memory_pipe {
  struct side {
    faults behaviour;
    std::minstd_rand random;
    std::deque<chunk> under_way;
    std::size_t queued = 0;
    std::uint64_t calls = 0;
    std::uint64_t written = 0;
    bool stalled = false;
    bool ended = false;  // shutdown_send
    bool closed = false;
    bool gone = false;  // its io_context is being destroyed: nothing may be posted to it
    bool wanted[2] = {};
    bool told = false;  // a look at its readiness is posted
    std::weak_ptr<memory_end> end;
  };

  void set_faults(side& s, const faults& f) {
    s.behaviour = f;
    if (f.seed_) s.random.seed(static_cast<std::minstd_rand::result_type>(*f.seed_));
    if (f.reset_after_) *s.behaviour.reset_after_ += s.written;
    if (f.fail_after_) *s.behaviour.fail_after_ += s.calls;
  }

  std::size_t room(const side& s) const {
    const auto capacity = s.stalled ? 0 : s.behaviour.capacity_;
    return capacity - std::min(capacity, s.queued);
  }

  std::size_t read_size(side& reader, std::size_t n) { return limit(reader, n, reader.behaviour.max_read_); }
  std::size_t write_size(side& writer, std::size_t n) { return limit(writer, n, writer.behaviour.max_write_); }

  detail::steady::time_point arrival(const side& writer) const {
    const auto delay = writer.behaviour.delay_;
    return delay == delay.zero() ? detail::steady::time_point::min() : detail::now() + delay;
  }

  void count_written(side& s, std::size_t n) {
    s.queued += n;
    s.written += n;
    if (s.behaviour.reset_after_ && s.written >= *s.behaviour.reset_after_) broken = true;
  }

  // Random sizes of all magnitudes, not only large ones.
  std::size_t limit(side& s, std::size_t n, std::size_t most) {
    n = std::min(n, most);
    if (!s.behaviour.seed_ || n < 2) return n;
    const auto bound = std::min(n, std::size_t{1} << (s.random() % 18));
    return 1 + s.random() % bound;
  }

  bool counts(side& s) {
    if (s.behaviour.fail_after_ && s.calls >= *s.behaviour.fail_after_) broken = true;
    ++s.calls;
    return !broken;
  }

  std::mutex mutex;
  std::array<side, 2> sides;
  bool broken = false;
};

namespace {

class memory_end_impl final : public memory_end {
 public:
  memory_end_impl(asio::any_io_executor ex, std::shared_ptr<memory_pipe> pipe, int index)
      : memory_end(ex),
        pipe_(std::move(pipe)),
        own_(pipe_->sides[static_cast<std::size_t>(index)]),
        peer_(pipe_->sides[static_cast<std::size_t>(1 - index)]),
        alarm_(std::make_shared<alarm>(std::move(ex), *this)) {}
  ~memory_end_impl() override {
    alarm_->end = nullptr;
    memory_end_impl::close();
  }

  std::size_t read_some(asio::mutable_buffer to, error_code& ec) override;
  std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) override;
  void wait(direction d) override;
  void shutdown_send() noexcept override;
  void close() noexcept override;

  void set_faults(const faults& f) override {
    change([&] { pipe_->set_faults(own_, f); });
  }
  void stall() override {
    change([&] { own_.stalled = true; });
  }
  void unstall() override {
    change([&] { own_.stalled = false; });
  }
  void reset() override {
    change([&] { pipe_->broken = true; });
  }
  std::uint64_t calls() const override {
    const std::lock_guard lock(pipe_->mutex);
    return own_.calls;
  }
  std::uint64_t bytes_written() const override {
    const std::lock_guard lock(pipe_->mutex);
    return own_.written;
  }

 private:
  using side = memory_pipe::side;

  // Wakes the end when delayed bytes arrive, keeps io_context::run() going while the end waits, as a socket would, and
  // hears of the end of the io_context.
  struct alarm final : detail::parking_lot {
    alarm(asio::any_io_executor ex, memory_end_impl& owner) : parking_lot(std::move(ex)), end(&owner) {}
    void on_time(detail::steady::time_point) override {
      if (end) end->look();
    }
    void on_shutdown() noexcept override {
      work = {};
      if (end) end->io_context_ends();
    }
    memory_end_impl* end;
    asio::any_io_executor work;
  };

  template <class Change>
  void change(Change what) {
    const std::lock_guard lock(pipe_->mutex);
    what();
    tell(own_);
    tell(peer_);
  }

  error_code read_error() const;
  std::optional<detail::steady::time_point> ready_at(direction d) const;
  void tell(side& s);
  void look();
  void io_context_ends() noexcept;

  std::shared_ptr<memory_pipe> pipe_;
  side& own_;
  side& peer_;
  std::shared_ptr<alarm> alarm_;
};

// With the mutex held: has the end look at what it waits for, on its executor.
void memory_end_impl::tell(side& s) {
  if (s.told || s.gone || s.closed || !(s.wanted[0] || s.wanted[1])) return;
  auto end = s.end.lock();
  if (!end) return;
  s.told = true;
  auto& ex = end->executor();
  asio::post(ex, [end = std::move(end)] { static_cast<memory_end_impl&>(*end).look(); });
}

// When reading or writing is worth a try; nothing while there is no telling.
std::optional<detail::steady::time_point> memory_end_impl::ready_at(direction d) const {
  constexpr auto now = detail::steady::time_point::min();
  if (pipe_->broken) return now;
  if (d == direction::write)
    return peer_.closed || own_.ended || pipe_->room(own_) != 0 ? std::optional(now) : std::nullopt;
  if (!peer_.under_way.empty()) return peer_.under_way.front().arrives;
  return peer_.ended || peer_.closed ? std::optional(now) : std::nullopt;
}

void memory_end_impl::look() {
  bool ready[2] = {};
  {
    const std::lock_guard lock(pipe_->mutex);
    own_.told = false;
    if (own_.closed) return;
    for (const auto d : {direction::read, direction::write}) {
      auto& wanted = own_.wanted[static_cast<int>(d)];
      const auto at = wanted ? ready_at(d) : std::nullopt;
      if (!at) continue;
      if (*at > detail::now()) {
        alarm_->wake_at(*at);
      } else {
        ready[static_cast<int>(d)] = true;
        wanted = false;
      }
    }
    if (!own_.wanted[0] && !own_.wanted[1]) alarm_->work = {};
  }
  // The observer may let go of this end, or close it.
  const auto self = shared_from_this();
  for (const auto d : {direction::read, direction::write}) {
    if (!ready[static_cast<int>(d)]) continue;
    {
      const std::lock_guard lock(pipe_->mutex);
      if (own_.closed) return;
    }
    notify(d);
  }
}

std::size_t memory_end_impl::read_some(asio::mutable_buffer to, error_code& ec) {
  const std::lock_guard lock(pipe_->mutex);
  ec.clear();
  if (own_.closed)
    ec = asio::error::bad_descriptor;
  else if (!pipe_->counts(own_))
    ec = asio::error::connection_reset;
  if (ec) {
    tell(peer_);
    return 0;
  }
  const auto most = pipe_->read_size(own_, std::min(to.size(), peer_.queued));
  std::size_t n = 0;
  while (n < most && peer_.under_way.front().arrives <= detail::now()) {
    auto& first = peer_.under_way.front();
    const auto part = std::min(most - n, first.bytes.size() - first.taken);
    std::memcpy(static_cast<char*>(to.data()) + n, first.bytes.data() + first.taken, part);
    n += part;
    first.taken += part;
    if (first.taken == first.bytes.size()) peer_.under_way.pop_front();
  }
  peer_.queued -= n;
  if (n != 0) {
    tell(peer_);
  } else if (peer_.queued == 0 && (peer_.ended || peer_.closed)) {
    ec = asio::error::eof;
  } else {
    ec = asio::error::would_block;
  }
  return n;
}

std::size_t memory_end_impl::write_some(std::span<const asio::const_buffer> from, error_code& ec) {
  const std::lock_guard lock(pipe_->mutex);
  ec.clear();
  std::size_t size = 0;
  for (const auto& b : from) size += b.size();
  if (size == 0) return 0;
  if (own_.closed)
    ec = asio::error::bad_descriptor;
  else if (!pipe_->counts(own_))
    ec = asio::error::connection_reset;
  else if (own_.ended || peer_.closed)
    ec = asio::error::broken_pipe;
  else if (pipe_->room(own_) == 0)
    ec = asio::error::would_block;
  if (ec) {
    if (pipe_->broken) tell(peer_);
    return 0;
  }
  const auto n = pipe_->write_size(own_, std::min(size, pipe_->room(own_)));
  chunk c{{}, 0, pipe_->arrival(own_)};
  c.bytes.reserve(n);
  for (const auto& b : from) c.bytes.append(static_cast<const char*>(b.data()), std::min(b.size(), n - c.bytes.size()));
  own_.under_way.push_back(std::move(c));
  pipe_->count_written(own_, n);
  tell(peer_);
  if (pipe_->broken) tell(own_);
  return n;
}

void memory_end_impl::wait(direction d) {
  const std::lock_guard lock(pipe_->mutex);
  if (own_.closed || own_.gone || alarm_->shut_down()) return;
  own_.wanted[static_cast<int>(d)] = true;
  if (!alarm_->work) alarm_->work = asio::prefer(executor(), asio::execution::outstanding_work.tracked);
  if (ready_at(d)) tell(own_);
}

void memory_end_impl::shutdown_send() noexcept {
  change([&] { own_.ended = true; });
}

void memory_end_impl::close() noexcept {
  change([&] { own_.closed = true; });
  alarm_->work = {};
}

void memory_end_impl::io_context_ends() noexcept {
  change([&] { own_.gone = own_.closed = true; });
}

}  // namespace

std::pair<std::shared_ptr<memory_end>, std::shared_ptr<memory_end>> memory_pair(asio::any_io_executor a,
                                                                                asio::any_io_executor b,
                                                                                const faults& both) {
  const auto pipe = std::make_shared<memory_pipe>();
  std::shared_ptr<memory_end> first = std::make_shared<memory_end_impl>(std::move(a), pipe, 0);
  std::shared_ptr<memory_end> second = std::make_shared<memory_end_impl>(std::move(b), pipe, 1);
  pipe->sides[0].end = first;
  pipe->sides[1].end = second;
  for (auto& s : pipe->sides) pipe->set_faults(s, both);
  return {std::move(first), std::move(second)};
}

}  // namespace coax::testing
