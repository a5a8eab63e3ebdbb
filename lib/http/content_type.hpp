/// Content types of files.
#pragma once

#include <string_view>

namespace coax::http {

/// For an extension with its dot (".html"), in whatever case; "application/octet-stream" for an unknown one.
std::string_view content_type(std::string_view extension) noexcept;

/// The extension of a file name with its dot, or nothing.
std::string_view extension_of(std::string_view name) noexcept;

}  // namespace coax::http
