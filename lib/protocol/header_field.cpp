#include "protocol/header_field.hpp"

#include <algorithm>

namespace coax::protocol {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

constexpr bool is_token_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) noexcept { return std::ranges::equal(a, b, {}, lower, lower); }

std::string lower_case(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), lower);
  return lowered;
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return text.substr(text.size());
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string_view> only_value(header_fields fields, std::string_view name) noexcept {
  const auto named = [&](const header_field& f) { return iequals(f.name, name); };
  const auto found = std::ranges::find_if(fields, named);
  if (found == fields.end() || std::find_if(found + 1, fields.end(), named) != fields.end()) return std::nullopt;
  return trim(found->value);
}

std::size_t count(header_fields fields, std::string_view name) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const header_field& f) { return iequals(f.name, name); }));
}

std::vector<std::string_view> list_elements(header_fields fields, std::string_view name) {
  std::vector<std::string_view> elements;
  for (const auto& field : fields) {
    if (!iequals(field.name, name)) continue;
    for (std::size_t begin = 0; begin <= field.value.size();) {
      const auto end = std::min(field.value.find(',', begin), field.value.size());
      const auto element = trim(field.value.substr(begin, end - begin));
      if (!element.empty()) elements.push_back(element);
      begin = end + 1;
    }
  }
  return elements;
}

bool has_token(header_fields fields, std::string_view name, std::string_view token) {
  return std::ranges::any_of(list_elements(fields, name), [&](std::string_view e) { return iequals(e, token); });
}

bool is_token(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_token_char); }

bool valid_field_value(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out)
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte >= 0x7f) c = '?';
  return out;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

}  // namespace coax::protocol
