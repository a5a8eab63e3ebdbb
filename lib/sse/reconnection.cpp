#include "sse/reconnection.hpp"

#include "http/response_head.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace coax::sse {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

// Longer than anybody waits, and short enough to be added up.
constexpr nanoseconds longest = std::chrono::hours(24 * 365 * 100);

// Compared in its own unit: there are more milliseconds, and seconds, than nanoseconds.
template <class Duration>
nanoseconds at_most(nanoseconds limit, Duration d) {
  return d > std::chrono::floor<Duration>(limit) ? limit : nanoseconds(d);
}

}  // namespace

reconnection::reconnection(const event_source_options& options, std::uint32_t seed)
    : retry_(std::min(options.retry(), longest)),
      growth_(options.growth()),
      cap_(std::min(options.cap(), longest)),
      stable_after_(options.stable_after()),
      max_retry_(std::min(options.max_retry(), longest)),
      random_(seed) {}

void reconnection::retry(std::chrono::milliseconds d) noexcept { retry_ = at_most(max_retry_, d); }

nanoseconds reconnection::failed(coax::detail::steady::time_point now,
                                 std::optional<std::chrono::seconds> retry_after) {
  if (opened_ && now - *opened_ >= stable_after_) failures_ = 0;
  opened_.reset();
  ++failures_;

  nanoseconds least = retry_;
  if (retry_after) least = std::max(least, at_most(max_retry_, *retry_after));
  // A server that says `retry: 0` wants to be asked at once, but not in a loop while it is away.
  const nanoseconds unit = failures_ == 1 ? least : std::max<nanoseconds>(least, 100ms);
  const double grown = static_cast<double>(unit.count()) * std::pow(growth_, failures_);
  const double most = std::max(static_cast<double>(least.count()), std::min(grown, static_cast<double>(cap_.count())));
  std::uniform_real_distribution<double> part(0, most - static_cast<double>(least.count()));
  return least + nanoseconds(static_cast<nanoseconds::rep>(part(random_)));
}

std::optional<std::chrono::seconds> retry_after(const headers& answer, std::time_t now) {
  const auto text = answer.get("Retry-After");
  if (text.empty()) return std::nullopt;
  if (std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t n = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    return r.ec == std::errc() ? std::chrono::seconds(n) : std::chrono::seconds::max();
  }
  const auto until = http::parse_date(text);
  if (!until) return std::nullopt;
  const auto since = http::parse_date(answer.get("Date")).value_or(now);
  return std::chrono::seconds(std::max<std::int64_t>(0, *until - since));
}

}  // namespace coax::sse
