/// What the client would take (RFC 9110 section 12.5).
#pragma once

#include "protocol/header_field.hpp"

namespace coax::protocol {

/// Whether the Accept fields let an answer be of `type` ("text/event-stream"): the most specific range that fits it
/// decides. Without such a field everything is welcome, and so it is if it is empty.
bool accepts_type(header_fields fields, std::string_view type);

/// Whether the Accept-Encoding fields name `coding` ("gzip"), or `*`, with a weight above zero. Without such a field
/// nothing is to be coded.
bool accepts_coding(header_fields fields, std::string_view coding);

}  // namespace coax::protocol
