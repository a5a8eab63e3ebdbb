/// A long job, in slices: counting primes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Counts the primes below a limit, a stretch of numbers at a time. What it needs in order to go on is two numbers, so
/// it can stop anywhere and be taken up again, by another process as well.
class sieve {
 public:
  static constexpr std::uint64_t largest = 1'000'000'000'000;

  /// @throws std::out_of_range a limit above `largest`.
  explicit sieve(std::uint64_t limit);

  /// How far it has come: "300000000.16252325".
  std::string checkpoint() const;
  /// Goes on from there. False for what cannot be a checkpoint on the way to this limit.
  bool resume(std::string_view checkpoint);

  /// Works for about that long.
  void run_for(std::chrono::milliseconds time);

  bool done() const noexcept { return next_ == limit_; }
  std::uint64_t limit() const noexcept { return limit_; }
  /// The primes below it have been counted.
  std::uint64_t reached() const noexcept { return next_; }
  std::uint64_t count() const noexcept { return count_; }

 private:
  void run_stretch();

  std::uint64_t limit_;
  std::uint64_t next_ = 0;
  std::uint64_t count_ = 0;
  std::vector<std::uint32_t> small_primes_;  // up to the root of the limit
  std::vector<bool> composite_;              // of one stretch
};
