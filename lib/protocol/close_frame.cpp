#include "protocol/close_frame.hpp"

#include "protocol/utf8.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

namespace coax::protocol {

outcome<close_frame> parse_close(std::span<const std::byte> payload) {
  if (payload.empty()) return close_frame{};
  if (payload.size() == 1) {
    return failure{errc::protocol_error, status::protocol_error,
                   "close frame with a payload of 1 byte (RFC 6455 5.5.1)"};
  }
  const auto number = std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]);
  const auto code = static_cast<status>(number);
  if (!sendable(code)) {
    return failure{errc::protocol_error, status::protocol_error,
                   "close frame with status " + std::to_string(number) + ", which may not be sent (RFC 6455 7.4)"};
  }
  const std::string_view reason(reinterpret_cast<const char*>(payload.data()) + 2, payload.size() - 2);
  if (!is_valid_utf8(reason)) {
    return failure{errc::invalid_utf8, status::invalid_data,
                   "close frame with a reason that is not UTF-8 (RFC 6455 5.5.1)"};
  }
  return close_frame{code, reason};
}

void check_close(const close_frame& frame) {
  const auto number = std::to_string(static_cast<unsigned>(frame.code));
  if (frame.code == status::no_status) {
    if (!frame.reason.empty()) throw std::invalid_argument("close: a reason needs a status to stand behind");
    return;
  }
  if (!sendable(frame.code)) {
    throw std::invalid_argument("close: status " + number + " may not be sent; use 1000-1003, 1007-1014 or 3000-4999");
  }
  if (frame.reason.size() > max_close_reason) {
    throw std::invalid_argument("close: a reason of " + std::to_string(frame.reason.size()) +
                                " bytes; a close frame holds 123");
  }
  if (!is_valid_utf8(frame.reason)) throw std::invalid_argument("close: the reason is not UTF-8");
}

std::size_t encode_close(std::span<std::byte, max_control_payload> out, const close_frame& frame) {
  check_close(frame);
  if (frame.code == status::no_status) return 0;
  const auto number = static_cast<unsigned>(frame.code);
  out[0] = static_cast<std::byte>(number >> 8);
  out[1] = static_cast<std::byte>(number);
  if (!frame.reason.empty()) std::memcpy(out.data() + 2, frame.reason.data(), frame.reason.size());
  return 2 + frame.reason.size();
}

std::string_view fit_reason(std::string_view text) noexcept {
  if (text.size() <= max_close_reason) return text;
  std::size_t end = max_close_reason;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace coax::protocol
