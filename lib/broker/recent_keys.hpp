/// The idempotency keys that a topic remembers, and where their publications went.
#pragma once

#include "core/clock.hpp"
#include "core/string_hash.hpp"
#include <coax/position.hpp>

#include <deque>
#include <unordered_map>

namespace coax::detail {

class recent_keys {
 public:
  recent_keys(std::chrono::nanoseconds time, std::size_t most) : time_(time), most_(most) {}

  /// Where the publication of this name is, if it is remembered.
  const position* find(std::string_view key, steady::time_point now) {
    forget(now, most_);
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second;
  }

  /// Remembers a name that is not remembered.
  void add(std::string_view key, position where, steady::time_point now) {
    if (most_ == 0) return;
    forget(now, most_ - 1);
    const auto added = places_.emplace(key, std::move(where)).first;
    in_order_.push_back({&added->first, after(now, time_)});
  }

  /// When none is remembered any more.
  std::optional<steady::time_point> ends() const {
    if (in_order_.empty()) return std::nullopt;
    return in_order_.back().until;
  }

 private:
  struct remembered {
    const std::string* key;  // in places_
    steady::time_point until;
  };

  void forget(steady::time_point now, std::size_t most) {
    while (!in_order_.empty() && (in_order_.front().until <= now || in_order_.size() > most)) {
      places_.erase(places_.find(*in_order_.front().key));
      in_order_.pop_front();
    }
  }

  std::chrono::nanoseconds time_;
  std::size_t most_;
  std::unordered_map<std::string, position, string_hash, std::equal_to<>> places_;
  std::deque<remembered> in_order_;
};

}  // namespace coax::detail
