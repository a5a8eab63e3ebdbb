/// Handlers that serve files and bytes.
#pragma once

#include <coax/exchange.hpp>
#include <coax/file_options.hpp>

#include <string>

namespace coax::http {

/// Serves what is below `folder`, under a path of `prefix_segments` segments.
/// @throws std::invalid_argument `folder` is not a folder.
request_handler serve_folder(const std::string& folder, std::size_t prefix_segments, file_options options);

/// Sends "/prefix" to "/prefix/", where relative links of an index file lead to the right place.
request_handler add_slash();

request_handler serve_bytes(std::string_view content_type, std::string bytes);

}  // namespace coax::http
