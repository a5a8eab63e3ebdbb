#include "http/target.hpp"

#include "http/grammar.hpp"

#include <algorithm>

namespace coax::http {
namespace {

/// "http://host/path" becomes "/path": servers must take the absolute form too.
std::optional<std::string_view> origin_form(std::string_view text) {
  if (text.starts_with('/')) return text;
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return std::nullopt;
  const auto path = text.find_first_of("/?#", scheme + 3);
  if (path == std::string_view::npos) return "/";
  return text[path] == '/' ? std::optional(text.substr(path)) : std::nullopt;
}

/// Resolves dot segments after decoding, so that "%2e%2e" climbs no further than "..".
bool add_segment(std::vector<std::string>& segments, std::string segment, bool last) {
  if (segment == "..") {
    if (segments.empty()) return false;
    segments.pop_back();
  } else if (segment != ".") {
    segments.push_back(std::move(segment));
    return true;
  }
  if (last) segments.emplace_back();
  return true;
}

}  // namespace

std::optional<target> parse_target(std::string_view text) {
  target t;
  if (text == "*") {
    t.asterisk = true;
    t.path = "*";
    return t;
  }
  const auto origin = origin_form(text);
  if (!origin || origin->find('#') != std::string_view::npos) return std::nullopt;
  const auto question = origin->find('?');
  t.raw_path = origin->substr(0, question);
  if (question != std::string_view::npos) t.raw_query = origin->substr(question + 1);

  for (std::size_t begin = 1; begin <= t.raw_path.size();) {
    const auto end = std::min(t.raw_path.find('/', begin), t.raw_path.size());
    auto segment = percent_decode(t.raw_path.substr(begin, end - begin));
    if (!segment || segment->find('\0') != std::string::npos) return std::nullopt;
    if (!add_segment(t.segments, *std::move(segment), end == t.raw_path.size())) return std::nullopt;
    begin = end + 1;
  }
  for (const auto& segment : t.segments) t.path.append("/").append(segment);
  return t;
}

std::optional<std::string> query_value(std::string_view raw_query, std::string_view name) {
  while (!raw_query.empty()) {
    const auto ampersand = std::min(raw_query.find('&'), raw_query.size());
    const auto pair = raw_query.substr(0, ampersand);
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = percent_decode(pair.substr(0, equals), plus::space);
    if (key && *key == name) return percent_decode(pair.substr(std::min(equals + 1, pair.size())), plus::space);
    raw_query.remove_prefix(std::min(ampersand + 1, raw_query.size()));
  }
  return std::nullopt;
}

}  // namespace coax::http
