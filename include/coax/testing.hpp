/// @file
/// A test kit for code over coax: two ends of a pipe in memory that misbehave on demand, and a clock that stands still.
///
///     auto [a, b] = coax::testing::memory_pair(ioc.get_executor(), ioc.get_executor(),
///                                              coax::testing::faults().max_read(1).random_sizes(7));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/transport.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace coax::testing {

/// How one end of a memory pair behaves. The default is a well-behaved pipe of 64 KiB.
class faults {
 public:
  faults() = default;

  /// The most bytes that one read returns; 1 is byte by byte.
  faults& max_read(std::size_t n) { return max_read_ = n, *this; }
  /// The most bytes that one write takes.
  faults& max_write(std::size_t n) { return max_write_ = n, *this; }
  /// Reads and writes move random numbers of bytes, up to their maxima; the same for the same seed.
  faults& random_sizes(std::uint64_t seed) { return seed_ = seed, *this; }
  /// How many bytes written here and not yet read there the pipe holds; 0 stalls it.
  faults& capacity(std::size_t n) { return capacity_ = n, *this; }
  /// What is written here arrives so much later, by the clock of the library (see `virtual_clock`).
  faults& delay(std::chrono::nanoseconds d) { return delay_ = d, *this; }
  /// When so many bytes have been written here, the pair is reset: `connection_reset` at both ends, and what was under
  /// way is lost. Counts from the call of `set_faults`.
  faults& reset_after(std::uint64_t bytes) { return reset_after_ = bytes, *this; }
  /// The next `n` calls of `read_some` and `write_some` work, the one behind them resets the pair. Raise `n` from 0
  /// until a run succeeds, and every step of an operation has failed once.
  faults& fail_after(std::uint64_t n) { return fail_after_ = n, *this; }

 private:
  friend struct memory_pipe;

  std::size_t max_read_ = SIZE_MAX;
  std::size_t max_write_ = SIZE_MAX;
  std::size_t capacity_ = 64 * 1024;
  std::chrono::nanoseconds delay_{0};
  std::optional<std::uint64_t> seed_;
  std::optional<std::uint64_t> reset_after_;
  std::optional<std::uint64_t> fail_after_;
};

/// One end of a memory pair. The two ends may live on different executors and threads; each end is used on its own
/// one, except for the members declared here, which may be called from anywhere. The pair needs no clean-up: it ends
/// with its io_context.
class COAX_EXPORT memory_end : public transport {
 public:
  /// Replaces the behaviour of this end from now on.
  virtual void set_faults(const faults& f) = 0;
  /// From now on nothing written here is taken, until `unstall`.
  virtual void stall() = 0;
  /// Ends `stall`; whoever waits to write is told.
  virtual void unstall() = 0;
  /// Both ends fail with `asio::error::connection_reset` from now on.
  virtual void reset() = 0;
  /// Calls of `read_some` and `write_some` so far.
  virtual std::uint64_t calls() const = 0;
  /// Bytes written here so far.
  virtual std::uint64_t bytes_written() const = 0;

 protected:
  using transport::transport;
};

/// Two connected ends; what is written to one is read from the other.
COAX_EXPORT std::pair<std::shared_ptr<memory_end>, std::shared_ptr<memory_end>> memory_pair(asio::any_io_executor a,
                                                                                            asio::any_io_executor b,
                                                                                            const faults& both = {});

/// Puts a clock that stands still in the place of the library's, for as long as it lives. Deadlines, keepalive, delays
/// of a memory pair: everything that coax times follows it. One at a time in a process, and before the operations that
/// it is to time begin.
class COAX_EXPORT virtual_clock {
 public:
  /// As that of `context`.
  using time_point = std::chrono::steady_clock::time_point;

  /// Stands still at the time of the real clock. @throws std::logic_error  there is another one.
  virtual_clock();
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;
  ~virtual_clock();

  /// The time that it stands at.
  time_point now() const noexcept;
  /// Moves the time on; whatever is due by then is told so in the next turn of its executor. Things that become due
  /// one after the other need one call each, with the executor running in between.
  void advance(std::chrono::nanoseconds d);

 private:
  struct source;
  std::unique_ptr<source> source_;
};

}  // namespace coax::testing
