/// What a hub tells a client in-band (`queue_limits::notices`): JSON in text messages, and for a stream of
/// events in events of that type.
#pragma once

#include "hub/delivery.hpp"
#include <coax/broker.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coax::detail {

/// Appends `text`, which is UTF-8, as a string of JSON (RFC 8259 section 7).
void append_json_string(std::string& to, std::string_view text);

/// `{"type":"dropped","topic":"lobby","messages":3}`
shared_delivery notice_of_drops(std::string_view topic, std::size_t messages);
/// `{"type":"reset","topic":"lobby"}`: what comes does not follow what came.
shared_delivery notice_of_reset(std::string_view topic);

/// `{"type":"joined","topic":"lobby","user":"ada","data":"..."}`, or "left".
shared_delivery notice_of_presence(std::string_view topic, const presence_change& change);

/// `{"type":"resumed","topics":["lobby","news"]}`
shared_delivery notice_of_resumption(const std::vector<std::string_view>& topics);
/// `{"type":"refused","why":"expired"}`
shared_delivery notice_of_refusal(std::string_view why);

}  // namespace coax::detail
