/// @file
/// An opening handshake that was refused: thrown by `accept` and `dial`.
#pragma once

#include <coax/detail/export.hpp>
#include <coax/error.hpp>
#include <coax/headers.hpp>

namespace coax {

/// Carries the HTTP response of the refusal: the one `accept` has sent, or the one `dial` has received. Its code is
/// `errc::handshake_failed`, and `errc::proxy_failed` for a `proxy_error`.
class COAX_EXPORT handshake_error : public system_error {
 public:
  /// How much of a response's body is kept.
  static constexpr std::size_t max_body = 1024;

  /// `what` says what was wrong; `status` is 0 if the peer gave no HTTP response. The body is cut at `max_body` bytes.
  explicit handshake_error(std::string_view what, unsigned status = 0, headers fields = {}, std::string body = {});

  /// The HTTP status, as 403; 0 if there was no response.
  unsigned status() const noexcept { return status_; }
  /// The header fields of the response.
  const headers& fields() const noexcept { return fields_; }
  /// The beginning of the body.
  const std::string& body() const noexcept { return body_; }

 protected:
  /// For `proxy_error`, whose code is another one.
  handshake_error(errc code, std::string_view what, unsigned status, headers fields, std::string body);

 private:
  unsigned status_;
  headers fields_;
  std::string body_;
};

}  // namespace coax
