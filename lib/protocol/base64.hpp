/// Base64 of RFC 4648.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coax::protocol {

/// Of section 4, with padding.
std::string base64(std::span<const unsigned char> bytes);

/// Of section 5, without padding: fit for URLs, header fields and cookies.
std::string base64url(std::string_view bytes);
/// What `base64url` writes and nothing else: there is one text for the same bytes.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace coax::protocol
