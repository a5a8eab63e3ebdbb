/// Base64 of RFC 4648 section 4, with padding.
#pragma once

#include <span>
#include <string>

namespace coax::protocol {

std::string base64(std::span<const unsigned char> bytes);

}  // namespace coax::protocol
