/// Extensions in the opening handshake (RFC 6455 section 9.1), and what two ends agree on about permessage-deflate
/// (RFC 7692 section 7.1).
#pragma once

#include "protocol/failure.hpp"
#include "protocol/header_field.hpp"
#include "protocol/opcode.hpp"
#include <coax/deflate.hpp>
#include <coax/detail/export.hpp>

#include <optional>
#include <string>
#include <vector>

namespace coax::protocol {

struct extension_parameter {
  std::string name;
  std::optional<std::string> value;  ///< Without quotes.
};

/// An element of Sec-WebSocket-Extensions.
struct extension {
  std::string name;
  std::vector<extension_parameter> parameters;
  bool malformed = false;  ///< Nothing of the rest is to be relied on.
};

/// The elements in all fields of that name, in order.
std::vector<extension> parse_extensions(header_fields fields);

/// What holds for the compressed messages of one end.
struct deflate_direction {
  unsigned window_bits = 15;
  bool takeover = true;
};

/// What holds for a connection on which messages may be compressed.
struct deflate_agreement {
  deflate_direction sent_by(role end) const noexcept {
    return end == role::server ? deflate_direction{server_max_window_bits, !server_no_context_takeover}
                               : deflate_direction{client_max_window_bits, !client_no_context_takeover};
  }

  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  unsigned server_max_window_bits = 15;
  unsigned client_max_window_bits = 15;
  bool operator==(const deflate_agreement&) const = default;
};

/// A server's choice.
struct deflate_answer {
  deflate_agreement agreement;
  std::string extension;  ///< For Sec-WebSocket-Extensions of the reply.
};

/// Takes the first offer in the request that can be honoured; nothing if there is none, or compression is off.
COAX_EXPORT std::optional<deflate_answer> choose_deflate(header_fields request, const deflate_options& ours);

/// What a client offers, for Sec-WebSocket-Extensions of its request; empty when compression is off.
COAX_EXPORT std::string deflate_offer(const deflate_options& ours);

/// Holds the extensions of a reply against the offer made with the same options. Nothing if the server declined.
outcome<std::optional<deflate_agreement>> check_extensions(header_fields reply, const deflate_options& offered);

}  // namespace coax::protocol
