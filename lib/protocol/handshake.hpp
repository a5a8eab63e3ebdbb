/// The rules of the opening handshake, on heads that have been parsed already (RFC 6455 section 4).
#pragma once

#include "protocol/extensions.hpp"
#include "protocol/failure.hpp"
#include "protocol/header_field.hpp"
#include "protocol/origin.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

struct request_head {
  std::string_view method;
  unsigned version = 11;  ///< 11 for HTTP/1.1.
  header_fields fields;
};

/// What a server makes of requests.
struct accept_policy {
  accept_policy() = default;

  std::vector<std::string> subprotocols;  ///< The best first.
  bool require_subprotocol = false;       ///< Refuse a client with none of them.
  origin_patterns origins;                ///< Besides the server's own host.
  bool check_origin = true;
};

/// What goes into the 101 reply.
struct upgrade {
  std::string accept;       ///< Sec-WebSocket-Accept.
  std::string subprotocol;  ///< As the client spelled it; empty for none.
  std::optional<deflate_answer> deflate;
};

/// The reply to a request that is refused.
struct rejection {
  unsigned http_status = 400;
  std::vector<header_field> fields;  ///< Of static lifetime.
  std::string text;
};

using upgrade_verdict = boost::system::result<upgrade, rejection>;

/// Checks a request, in the order of its answers: 426, 405, 400, 403.
upgrade_verdict check_upgrade(const request_head& request, const accept_policy& policy,
                              const deflate_options& deflate = {});

struct reply_head {
  unsigned status = 0;
  header_fields fields;
};

/// What a client has asked for.
struct client_offer {
  std::string_view key;
  std::span<const std::string> subprotocols;
  deflate_options deflate;
};

/// What a server has agreed to.
struct server_choice {
  std::string subprotocol;  ///< As the client spelled it; empty for none.
  std::optional<deflate_agreement> deflate;
};

/// Checks the reply to a client's request.
outcome<server_choice> check_reply(const reply_head& reply, const client_offer& offer);

}  // namespace coax::protocol
