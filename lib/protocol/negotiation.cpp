#include "protocol/negotiation.hpp"

#include <algorithm>
#include <string_view>

namespace coax::protocol {
namespace {

struct weighted {
  std::string_view name;
  bool welcome = true;
};

// `name;parameter;q=0.5`: of the weight only matters whether it is zero.
weighted parse(std::string_view element) {
  const auto next = [&element] {
    const auto part = element.substr(0, element.find(';'));
    element.remove_prefix(std::min(part.size() + 1, element.size()));
    return trim(part);
  };
  weighted w{next(), true};
  while (!element.empty()) {
    const auto parameter = next();
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos || !iequals(trim(parameter.substr(0, equals)), "q")) continue;
    const auto q = trim(parameter.substr(equals + 1));
    w.welcome = q.empty() || q.find_first_not_of("0.") != std::string_view::npos;
  }
  return w;
}

// How closely a media range fits a type; 0 if it does not.
int closeness(std::string_view range, std::string_view type) {
  if (iequals(range, type)) return 3;
  if (range == "*/*" || range == "*") return 1;
  const auto slash = type.find('/');
  return range.ends_with("/*") && iequals(range.substr(0, range.size() - 2), type.substr(0, slash)) ? 2 : 0;
}

}  // namespace

bool accepts_type(header_fields fields, std::string_view type) {
  const auto ranges = list_elements(fields, "Accept");
  int closest = 0;
  bool welcome = ranges.empty();
  for (const auto element : ranges) {
    const auto range = parse(element);
    const int how = closeness(range.name, type);
    // Of two ranges that fit as closely, with parameters that we do not have, one is enough.
    if (how == 0 || how < closest) continue;
    welcome = how == closest ? welcome || range.welcome : range.welcome;
    closest = how;
  }
  return welcome;
}

bool accepts_coding(header_fields fields, std::string_view coding) {
  bool any = false;
  for (const auto element : list_elements(fields, "Accept-Encoding")) {
    const auto w = parse(element);
    if (iequals(w.name, coding)) return w.welcome;
    if (w.name == "*") any = w.welcome;
  }
  return any;
}

}  // namespace coax::protocol
