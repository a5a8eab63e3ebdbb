#include "protocol/origin.hpp"

#include "protocol/header_field.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace coax::protocol {
namespace {

[[noreturn]] void malformed(std::string_view pattern, const char* why) {
  throw std::invalid_argument("origin pattern \"" + std::string(pattern) + "\": " + why);
}

/// Reads one character of a class at `at`, escaped or not, and moves behind it; none at the end of the pattern.
std::optional<unsigned char> class_character(std::string_view pattern, std::size_t& at) {
  if (at < pattern.size() && pattern[at] == '\\') ++at;
  if (at >= pattern.size()) return std::nullopt;
  return static_cast<unsigned char>(pattern[at++]);
}

/// Walks through the class that begins at `at` with `[` and moves behind it; tells whether `c` is in it.
bool in_class(std::string_view pattern, std::size_t& at, unsigned char c) {
  ++at;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  for (bool first = true; first || at >= pattern.size() || pattern[at] != ']'; first = false) {
    if (at < pattern.size() && pattern[at] == ']') malformed(pattern, "an empty class");
    const auto low = class_character(pattern, at);
    auto high = low;
    if (at < pattern.size() && pattern[at] == '-') high = class_character(pattern, ++at);
    if (!low || !high) malformed(pattern, "a class without its ]");
    if (*high < *low) malformed(pattern, "a range that runs backwards");
    found = found || (c >= *low && c <= *high);
  }
  ++at;
  return found != negated && c != '/';
}

/// Whether the element at `at`, which is no `*`, takes `c`; moves behind it.
bool takes(std::string_view pattern, std::size_t& at, char c) {
  switch (pattern[at]) {
    case '?': ++at; return c != '/';
    case '[': return in_class(pattern, at, static_cast<unsigned char>(c));
    case '\\':
      if (++at == pattern.size()) malformed(pattern, "a \\ at the end");
      break;
    default: break;
  }
  return pattern[at++] == c;
}

void check(std::string_view pattern) {
  if (pattern.empty()) malformed(pattern, "it is empty");
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '*')
      ++at;
    else
      takes(pattern, at, 'a');
  }
}

/// Only the last `*` needs to be tried again: what an earlier one could take besides, the last one takes as well.
bool matches(std::string_view pattern, std::string_view text) {
  constexpr auto none = std::string_view::npos;
  std::size_t at = 0, i = 0, star = none, star_end = 0;
  while (true) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_end = i;
    } else if (at == pattern.size() && i == text.size()) {
      return true;
    } else if (at == pattern.size() || i == text.size() || !takes(pattern, at, text[i++])) {
      if (star == none || star_end >= text.size() || text[star_end] == '/') return false;
      i = ++star_end;
      at = star;
    }
  }
}

/// The parts of a serialised origin (RFC 6454 section 6.2), tolerating a path as some programs send it.
struct origin_parts {
  std::string_view scheme_and_host;
  std::string_view host;
};

std::optional<origin_parts> split_origin(std::string_view origin) {
  const auto colon = origin.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const auto begin = colon + 3;
  const auto end = std::min(origin.find_first_of("/?#", begin), origin.size());
  const auto host = origin.substr(begin, end - begin);
  if (host.find_first_of("@\\ \t,") != std::string_view::npos) return std::nullopt;
  return origin_parts{origin.substr(0, end), host};
}

}  // namespace

origin_patterns::origin_patterns(std::span<const std::string> patterns) {
  for (const auto& pattern : patterns) {
    patterns_.push_back(lower_case(pattern));
    check(patterns_.back());
  }
}

bool origin_patterns::allows(std::string_view origin, std::string_view host) const {
  const auto lowered = lower_case(origin);
  const auto parts = split_origin(lowered);
  if (parts && !parts->host.empty() && iequals(parts->host, host)) return true;
  return match(origin);
}

bool origin_patterns::match(std::string_view origin) const {
  const auto lowered = lower_case(origin);
  if (lowered == "null") return std::ranges::find(patterns_, lowered) != patterns_.end();
  const auto parts = split_origin(lowered);
  if (!parts) return false;
  return std::ranges::any_of(patterns_, [&](const std::string& pattern) {
    if (pattern.find("://") != std::string::npos) return matches(pattern, parts->scheme_and_host);
    return !parts->host.empty() && matches(pattern, parts->host);
  });
}

bool origin_patterns::match_all() const {
  return std::ranges::any_of(patterns_, [](std::string_view pattern) {
    const auto scheme_end = pattern.find("://");
    const auto host = scheme_end == std::string_view::npos ? pattern : pattern.substr(scheme_end + 3);
    return host.find_first_not_of('*') == std::string_view::npos;
  });
}

}  // namespace coax::protocol
