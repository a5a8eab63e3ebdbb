/// What moves, on standard error.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

/// Silent for the first second, then a line a second; on a terminal one line that changes.
class progress {
 public:
  explicit progress(bool always) : terminal_(::isatty(2) != 0), shown_(always || terminal_) {}

  void update(std::uint64_t forth, std::uint64_t back) {
    if (!shown_) return;
    forth_ = forth;
    back_ = back;
    const auto now = clock::now();
    if (now - last_ < std::chrono::seconds(1)) return;
    last_ = now;
    show(terminal_ ? "\r" : "");
  }

  /// The sum, if there has been a line.
  void finish() {
    if (last_ == begin_) return;
    show(terminal_ ? "\r" : "");
    if (terminal_) std::cerr << std::endl;
  }

 private:
  using clock = std::chrono::steady_clock;

  static std::string size(double bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit != 4; ++unit) bytes /= 1024;
    std::ostringstream text;
    text << std::fixed << std::setprecision(unit == 0 ? 0 : 1) << bytes << ' ' << units[unit];
    return text.str();
  }

  void show(const char* before) const {
    const std::chrono::duration<double> passed = clock::now() - begin_;
    const auto rate = static_cast<double>(forth_ + back_) / passed.count();
    std::cerr << before << "pipe: " << size(static_cast<double>(forth_)) << " there, "
              << size(static_cast<double>(back_)) << " back, " << size(rate) << "/s   " << (terminal_ ? "" : "\n")
              << std::flush;
  }

  const bool terminal_;
  const bool shown_;
  const clock::time_point begin_ = clock::now();
  clock::time_point last_ = begin_;
  std::uint64_t forth_ = 0, back_ = 0;
};
