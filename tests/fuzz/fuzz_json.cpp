// The JSON helper: a text is refused with its place or is a value, which survives being written and read; and what is
// nested too deeply is refused.
//
// Input: a byte of how deep a text may be, then the text.
#include "fuzz/require.hpp"
#include <coax/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace json = boost::json;

namespace {

std::size_t depth_of(const json::value& v) {
  std::size_t deepest = 0;
  if (const auto* array = v.if_array()) {
    for (const auto& member : *array) deepest = std::max(deepest, depth_of(member));
    return deepest + 1;
  }
  if (const auto* object = v.if_object()) {
    for (const auto& member : *object) deepest = std::max(deepest, depth_of(member.value()));
    return deepest + 1;
  }
  return 0;
}

// Boost.JSON takes some numbers that no double can hold for infinite, and writes these as numbers that it refuses.
bool finite(const json::value& v) {
  if (v.is_double()) return std::isfinite(v.get_double());
  if (const auto* list = v.if_array()) return std::ranges::all_of(*list, finite);
  if (const auto* object = v.if_object())
    return std::ranges::all_of(*object, [](const auto& member) { return finite(member.value()); });
  return true;
}

// Boost.JSON reads a number with many digits to within a few of the least ones.
bool alike(const json::value& a, const json::value& b) {
  if (a.is_double() && b.is_double())
    return std::abs(a.get_double() - b.get_double()) <= 1e-14 * std::abs(a.get_double());
  if (a.kind() != b.kind()) return false;
  if (const auto* list = a.if_array()) return std::ranges::equal(*list, b.get_array(), alike);
  if (const auto* object = a.if_object())
    return std::ranges::equal(*object, b.get_object(), [](const auto& x, const auto& y) {
      return x.key() == y.key() && alike(x.value(), y.value());
    });
  return a == b;
}

std::optional<json::value> decode(const coax::json_codec& codec, const coax::message& m) {
  try {
    return codec.decode<json::value>(m);
  } catch (const std::invalid_argument& e) {
    const std::string_view text = e.what();
    coax::require(text.starts_with("not JSON at line ") && text.find(", column ") != text.npos, "the place is told");
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t depth = data[0] % 64;
  const auto codec = coax::json_codec().max_depth(depth);
  const coax::message text(coax::message_kind::text,
                           std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));

  const auto value = decode(codec, text);
  if (!value) return 0;
  coax::require(depth_of(*value) <= depth, "it is no deeper than allowed");
  if (!finite(*value)) return 0;
  const auto again = decode(codec, codec.encode(*value));
  coax::require(again.has_value(), "what was written can be read");
  coax::require(alike(*value, *again), "what was written is what is read");
  return 0;
}
