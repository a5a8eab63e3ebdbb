#include "sieve.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace {

constexpr std::uint64_t stretch = 1 << 20;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

sieve::sieve(std::uint64_t limit) : limit_(limit), composite_(stretch) {
  if (limit > largest) throw std::out_of_range("a sieve goes up to 10^12");
  const auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(limit))) + 1;
  std::vector<bool> composite(root + 1);
  for (std::uint64_t n = 2; n <= root; ++n) {
    if (composite[n]) continue;
    small_primes_.push_back(static_cast<std::uint32_t>(n));
    for (auto m = n * n; m <= root; m += n) composite[m] = true;
  }
}

std::string sieve::checkpoint() const { return std::to_string(next_) + "." + std::to_string(count_); }

bool sieve::resume(std::string_view checkpoint) {
  const auto dot = checkpoint.find('.');
  if (dot == std::string_view::npos) return false;
  const auto next = number(checkpoint.substr(0, dot)), count = number(checkpoint.substr(dot + 1));
  if (!next || !count || *next > limit_ || *count > *next) return false;
  next_ = *next;
  count_ = *count;
  return true;
}

void sieve::run_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!done() && std::chrono::steady_clock::now() < end) run_stretch();
}

void sieve::run_stretch() {
  const auto begin = next_, end = std::min(limit_, begin + stretch);
  std::fill(composite_.begin(), composite_.end(), false);
  for (const std::uint64_t p : small_primes_) {
    if (p * p >= end) break;
    const auto first = std::max(p * p, (begin + p - 1) / p * p);
    for (auto m = first; m < end; m += p) composite_[m - begin] = true;
  }
  for (auto n = std::max<std::uint64_t>(begin, 2); n < end; ++n) count_ += composite_[n - begin] ? 0 : 1;
  next_ = end;
}
