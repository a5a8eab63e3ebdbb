/// The small words of HTTP's grammar (RFC 9110 section 5.6).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coax::http {

/// A non-empty token.
bool is_token(std::string_view s) noexcept;
/// No control character but the tab: nothing that could end the line or the head.
bool is_field_value(std::string_view s) noexcept;
/// Equal without regard to the case of ASCII letters.
bool iequals(std::string_view a, std::string_view b) noexcept;
std::string to_lower(std::string_view s);
/// Without the spaces and tabs around it.
std::string_view trim(std::string_view s) noexcept;
/// Whether the comma-separated `list` has that token, without regard to case.
bool has_token(std::string_view list, std::string_view token) noexcept;
/// `s` for a message to a person: control characters become '?', and it is cut at 80 characters.
std::string printable(std::string_view s);

/// "%41" becomes "A"; nothing if an escape is malformed. `plus_is_space`: as in a query.
enum class plus : unsigned char { literal, space };
std::optional<std::string> percent_decode(std::string_view s, plus p = plus::literal);

}  // namespace coax::http
