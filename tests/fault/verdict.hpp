/// What became of numbered messages.
#pragma once

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace coax::test {

struct verdict {
  std::size_t sent = 0;
  std::size_t lost = 0;
  std::size_t duplicated = 0;
  std::size_t reordered = 0;
  std::size_t wrong_topic = 0;

  verdict& operator+=(const verdict& v) {
    sent += v.sent, lost += v.lost, duplicated += v.duplicated, reordered += v.reordered, wrong_topic += v.wrong_topic;
    return *this;
  }
};

inline std::string numbered(const std::string& topic, std::size_t n) { return topic + " " + std::to_string(n); }

/// Of what a listener to `topic` alone has heard, of messages 1 to `sent`.
inline verdict judge(const std::vector<std::string>& heard, const std::string& topic, std::size_t sent) {
  verdict v;
  v.sent = sent;
  std::set<std::size_t> seen;
  std::size_t last = 0;
  for (const auto& text : heard) {
    if (!text.starts_with(topic + " ")) {
      ++v.wrong_topic;
      continue;
    }
    const auto n = std::stoul(text.substr(topic.size() + 1));
    if (!seen.insert(n).second)
      ++v.duplicated;
    else if (n < last)
      ++v.reordered;
    last = std::max<std::size_t>(last, n);
  }
  for (std::size_t n = 1; n <= sent; ++n) v.lost += seen.count(n) == 0;
  return v;
}

/// A row of the table in docs/scaling.md. `resets` are subscribers that were told that their past is gone.
inline void print_row(const char* fault, const char* what, const verdict& v, std::size_t resets,
                      std::chrono::steady_clock::duration recovery) {
  using std::chrono::duration_cast, std::chrono::milliseconds;
  std::printf("| %s | %s | %zu | %zu | %zu | %zu | %zu | %zu | %lld ms |\n", fault, what, v.sent, v.lost, v.duplicated,
              v.reordered, v.wrong_topic, resets,
              static_cast<long long>(duration_cast<milliseconds>(recovery).count()));
  std::fflush(stdout);
}

}  // namespace coax::test
