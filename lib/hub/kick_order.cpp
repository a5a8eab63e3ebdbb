#include "hub/kick_order.hpp"

#include "protocol/close_frame.hpp"

#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace coax::detail {
namespace {

template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number n{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), n);
  if (end.ec != std::errc() || end.ptr == text.data() + text.size() || *end.ptr != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end.ptr - text.data()) + 1);
  return n;
}

char letter_of(selector::kind by) { return by == selector::kind::user ? 'u' : by == selector::kind::label ? 'l' : 'a'; }

std::optional<selector> selector_of(char by, std::string_view name) {
  if (by == 'u') return selector::user(std::string(name));
  if (by == 'l') return selector::label(std::string(name));
  if (by == 'a') return selector::all();
  return std::nullopt;
}

constexpr std::string_view word = "kick ";

}  // namespace

// "kick ", a letter for the kind, node, code, size of the name, name and reason.
std::string to_text(const kick_order& o) {
  return std::string(word) + letter_of(o.who.by()) + std::to_string(o.node) + " " +
         std::to_string(static_cast<unsigned>(o.code)) + " " + std::to_string(o.who.name().size()) + " " +
         o.who.name() + o.reason;
}

std::optional<kick_order> parse_kick_order(std::string_view text) {
  if (!text.starts_with(word) || text.size() == word.size()) return std::nullopt;
  const char by = text[word.size()];
  text.remove_prefix(word.size() + 1);
  const auto node = take_number<std::uint64_t>(text);
  const auto code = take_number<std::uint16_t>(text);
  const auto size = take_number<std::size_t>(text);
  if (!node || !code || !size || *size > text.size()) return std::nullopt;
  const auto who = selector_of(by, text.substr(0, *size));
  if (!who) return std::nullopt;
  kick_order o{*node, *who, static_cast<status>(*code), std::string(text.substr(*size))};
  try {
    protocol::check_close({o.code, o.reason});
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
  return o;
}

}  // namespace coax::detail
