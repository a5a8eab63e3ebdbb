#include "http/conditions.hpp"

#include "core/parse_number.hpp"
#include "http/response_head.hpp"

#include <algorithm>

namespace coax::http {
namespace {

/// Whether a list of entity tags names `etag`; `*` names any. Weak comparison takes W/"x" for "x".
enum class comparison : unsigned char { strong, weak };

bool names(protocol::header_fields fields, std::string_view name, std::string_view etag, comparison how) {
  // Our tags hold no comma, so the list may be split at each.
  for (auto tag : protocol::list_elements(fields, name)) {
    if (tag == "*") return true;
    if (how == comparison::weak && tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

std::optional<std::time_t> date_of(protocol::header_fields fields, std::string_view name) {
  const auto text = protocol::only_value(fields, name);
  return text ? parse_date(*text) : std::nullopt;
}

/// "bytes=0-499", "bytes=500-", "bytes=-500".
selection select_range(std::string_view text, std::uint64_t size) {
  const selection whole{200, 0, size};
  constexpr std::string_view unit = "bytes=";
  if (text.size() < unit.size() || !protocol::iequals(text.substr(0, unit.size()), unit)) return whole;
  const auto range = protocol::trim(text.substr(unit.size()));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const auto first = detail::parse_number<std::uint64_t>(range.substr(0, dash));
  const auto last = detail::parse_number<std::uint64_t>(range.substr(dash + 1));
  const bool suffix = dash == 0;
  const bool open = dash + 1 == range.size();
  if ((suffix && !last) || (!suffix && !first) || (!open && !last)) return whole;
  if (suffix) {
    const auto n = std::min(*last, size);
    return n == 0 ? selection{416, 0, 0} : selection{206, size - n, n};
  }
  if (!open && *last < *first) return whole;
  if (*first >= size) return {416, 0, 0};
  const auto end = open ? size : std::min(*last, size - 1) + 1;
  return {206, *first, end - *first};
}

/// Whether the range is of the version that we have: If-Range.
bool same_version(protocol::header_fields fields, const representation& r) {
  if (protocol::count(fields, "If-Range") == 0) return true;
  const auto condition = protocol::only_value(fields, "If-Range");
  if (!condition) return false;
  if (condition->starts_with('"')) return *condition == r.etag;
  // A date identifies a version only if nothing changed within its second; that the file is older than now - 1 s
  // cannot be seen here, so the date must be equal and the tag decides for those who send it.
  const auto date = parse_date(*condition);
  return date && r.modified && *date == *r.modified;
}

}  // namespace

selection select(std::string_view method, protocol::header_fields fields, const representation& r) {
  // The order is that of RFC 9110 section 13.2.2.
  if (protocol::count(fields, "If-Match") != 0) {
    if (!names(fields, "If-Match", r.etag, comparison::strong)) return {412, 0, 0};
  } else if (const auto since = date_of(fields, "If-Unmodified-Since"); since && r.modified && *r.modified > *since) {
    return {412, 0, 0};
  }
  if (protocol::count(fields, "If-None-Match") != 0) {
    if (names(fields, "If-None-Match", r.etag, comparison::weak)) return {304, 0, 0};
  } else if (const auto since = date_of(fields, "If-Modified-Since"); since && r.modified && *r.modified <= *since) {
    return {304, 0, 0};
  }
  const auto range = protocol::only_value(fields, "Range");
  if (method != "GET" || !range || !same_version(fields, r)) return {200, 0, r.size};
  return select_range(*range, r.size);
}

}  // namespace coax::http
