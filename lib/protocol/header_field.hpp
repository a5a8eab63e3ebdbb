/// The fields of an HTTP head, as far as a WebSocket handshake needs them (RFC 9110 section 5).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

/// Points into the head that was parsed.
struct header_field {
  std::string_view name;
  std::string_view value;
};

using header_fields = std::span<const header_field>;

/// Equal but for the case of ASCII letters.
bool iequals(std::string_view a, std::string_view b) noexcept;

/// With ASCII letters in lower case.
std::string lower_case(std::string_view text);

/// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text) noexcept;

/// The trimmed value of a field that stands there exactly once; nothing if there is none or several.
std::optional<std::string_view> only_value(header_fields fields, std::string_view name) noexcept;

std::size_t count(header_fields fields, std::string_view name) noexcept;

/// The elements of a comma-separated list, over all fields of that name (RFC 9110 section 5.6.1), without empty ones.
std::vector<std::string_view> list_elements(header_fields fields, std::string_view name);

/// Whether one of the elements is `token`, in whatever case.
bool has_token(header_fields fields, std::string_view name, std::string_view token);

/// RFC 9110 section 5.6.2; what names of fields and of subprotocols must be.
bool is_token(std::string_view text) noexcept;

inline bool valid_field_name(std::string_view name) noexcept { return is_token(name); }

/// Refuses CR, LF, NUL and all other control characters but the tab.
bool valid_field_value(std::string_view value) noexcept;

/// `text` for a message: what is not printable ASCII becomes '?', and it is cut at 80 characters.
std::string printable(std::string_view text);

/// The same between quotes.
std::string in_quotes(std::string_view text);

}  // namespace coax::protocol
