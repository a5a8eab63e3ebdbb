/// @file
/// The header fields of an HTTP message.
///
///     coax::headers h;
///     h.add("Cache-Control", "no-store");
///     for (const auto& field : h) std::cout << field.name << ": " << field.value << '\n';
#pragma once

#include <coax/detail/export.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax {

/// One header field.
struct header_field {
  header_field() = default;
  /// Both at once, unchecked: `headers::add` checks.
  header_field(std::string_view n, std::string_view v) : name(n), value(v) {}

  std::string name;   ///< In the case in which it came.
  std::string value;  ///< Without the blanks around it.
};

/// Header fields in the order of the message; names compare without regard to case and may repeat. A field that could
/// break the message open never gets in: `add` and `set` refuse a name that is not a token, and CR, LF, NUL and other
/// control characters in a value (RFC 9110 sections 5.1 and 5.5).
class COAX_EXPORT headers {
 public:
  /// Gives `header_field`s; valid until the next change.
  using const_iterator = std::vector<header_field>::const_iterator;

  headers() = default;

  /// Appends a field. @throws std::invalid_argument the name or the value is not allowed; nothing was added.
  headers& add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name. @throws std::invalid_argument as `add`.
  headers& set(std::string_view name, std::string_view value);
  /// Removes all fields of that name; whether there were any.
  bool erase(std::string_view name);

  /// The value of the first field of that name, valid until the next change; nothing if there is none.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// As `find`, empty if there is none.
  std::string_view get(std::string_view name) const noexcept { return find(name).value_or(std::string_view()); }
  /// Whether there is a field of that name.
  bool contains(std::string_view name) const noexcept { return find(name).has_value(); }

  /// The first field in the order of the message.
  const_iterator begin() const noexcept { return fields_.begin(); }
  /// Behind the last one.
  const_iterator end() const noexcept { return fields_.end(); }
  /// How many fields there are; a name that repeats counts each time.
  std::size_t size() const noexcept { return fields_.size(); }
  /// Whether there are none.
  bool empty() const noexcept { return fields_.empty(); }

 private:
  std::vector<header_field> fields_;
};

}  // namespace coax
