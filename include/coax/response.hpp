/// @file
/// The answer to an HTTP request.
///
///     co_await x.respond(coax::response(404).content_type("text/plain").body("no such room\n"));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/headers.hpp>

#include <string>
#include <string_view>

namespace coax {

/// Status, fields and body. `Date`, `Content-Length`, `Transfer-Encoding` and, unless set, `Connection` are added by
/// the server.
class response {
 public:
  /// An answer without fields and body.
  explicit response(unsigned status = 200) : status_(status) {}

  /// The status, as 404; what `exchange::respond` refuses is refused there.
  response& status(unsigned code) { return status_ = code, *this; }
  /// Appends a header field. @throws std::invalid_argument a name or value that is not allowed, see `headers::add`.
  response& header(std::string_view name, std::string_view value) { return fields_.add(name, value), *this; }
  /// Sets `Content-Type`. @throws std::invalid_argument as `header`.
  response& content_type(std::string_view type) { return fields_.set("Content-Type", type), *this; }
  /// Sets the body, which `exchange::respond` sends with its length.
  response& body(std::string bytes) { return body_ = std::move(bytes), *this; }

  /// The status.
  unsigned status() const noexcept { return status_; }
  /// The fields as set so far.
  const coax::headers& headers() const noexcept { return fields_; }
  /// The same, to be changed.
  coax::headers& headers() noexcept { return fields_; }
  /// The body.
  const std::string& body() const noexcept { return body_; }

 private:
  unsigned status_;
  coax::headers fields_;
  std::string body_;
};

/// The reason phrase of a status, as "Not Found"; "Unknown" for an unregistered one.
COAX_EXPORT std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace coax
