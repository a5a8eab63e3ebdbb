#include "hub/ring.hpp"

#include <algorithm>

namespace coax::detail {
namespace {

// Dead entries are not worth a sweep below this number.
constexpr std::size_t tolerated = 64;

}  // namespace

ring::number ring::append(shared_delivery what, time_point since) {
  entries_.push_back({next_, 1, since, std::move(what)});
  return next_++;
}

void ring::release(number n) noexcept {
  entry& e = find(n);
  if (--e.holders != 0) return;
  e.what.reset();
  ++dead_;
  for (; !entries_.empty() && !entries_.front().what; --dead_) entries_.pop_front();
  if (entries_.empty()) entries_ = {};
  if (dead_ > tolerated && dead_ > entries_.size() / 2) sweep();
}

ring::entry& ring::find(number n) noexcept {
  // Without holes it is where its number says.
  const auto guess = n - entries_.front().at;
  if (guess < entries_.size() && entries_[guess].at == n) return entries_[guess];
  return *std::lower_bound(entries_.begin(), entries_.end(), n, [](const entry& e, number x) { return e.at < x; });
}

void ring::sweep() noexcept {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), [](const entry& e) { return !e.what; }),
                 entries_.end());
  dead_ = 0;
  try {
    entries_.shrink_to_fit();
  } catch (...) {
    // The memory comes back when the ring is empty.
  }
}

}  // namespace coax::detail
