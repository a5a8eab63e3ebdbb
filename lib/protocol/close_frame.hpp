/// The payload of close frames (RFC 6455 sections 5.5.1 and 7.4).
#pragma once

#include "protocol/failure.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace coax::protocol {

struct close_frame {
  coax::status code = status::no_status;  ///< `no_status` for an empty payload.
  std::string_view reason;
};

inline constexpr std::size_t max_control_payload = 125;
inline constexpr std::size_t max_close_reason = 123;

/// What a received payload says; the reason points into it. Fails with 1002 for a status that may not be sent, with
/// 1007 for a reason that is not UTF-8.
outcome<close_frame> parse_close(std::span<const std::byte> payload);

/// Throws std::invalid_argument if `frame` may not be sent: its status, a reason of more than 123 bytes or not in
/// UTF-8, or a reason without status.
void check_close(const close_frame& frame);

/// Writes the payload after `check_close`, returns its size.
std::size_t encode_close(std::span<std::byte, max_control_payload> out, const close_frame& frame);

/// As much of valid text as fits into a close frame, cut between two characters.
std::string_view fit_reason(std::string_view text) noexcept;

}  // namespace coax::protocol
