/// Finds the end of a request's head, and refuses a head that is malformed or beyond its limits before it is whole.
#pragma once

#include "http/refusal.hpp"

#include <string_view>

namespace coax::http {

struct head_limits {
  std::size_t bytes = 16 * 1024;
  std::size_t request_line = 8 * 1024;
  std::size_t fields = 100;
};

/// What lenient parsers read differently from strict ones is how requests are smuggled past a proxy, so it is refused:
/// line ends that are not CRLF, folded fields, control characters (RFC 9112 sections 2.2 and 5.2).
class head_scanner {
 public:
  explicit head_scanner(const head_limits& limits) noexcept : limits_(limits) {}

  enum class verdict : unsigned char { need_more, complete, refused };

  /// Looks at `input`, the same bytes as in the last call and maybe more behind them.
  verdict scan(std::string_view input);

  /// Of a complete head: empty lines before it, which are to be skipped, and its end behind the empty line.
  std::size_t begin() const noexcept { return begin_; }
  std::size_t end() const noexcept { return at_; }
  const refusal& why() const noexcept { return why_; }

 private:
  verdict refuse(unsigned status, const char* text);
  verdict take(char c);
  verdict end_line();

  head_limits limits_;
  refusal why_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::size_t line_ = 0;   // where the current line began
  std::size_t lines_ = 0;  // not empty ones before it
  bool after_cr_ = false;
  bool in_method_ = true;
};

}  // namespace coax::http
