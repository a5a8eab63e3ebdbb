/// What a dial asks for, and how that changes from redirect to redirect.
#pragma once

#include "protocol/header_field.hpp"
#include "websocket/dial_target.hpp"
#include <coax/dial.hpp>

namespace coax::detail {

/// The request of one dial. No I/O.
class dial_request {
 public:
  /// `options` must outlive it. @throws system_error errc::bad_url.
  dial_request(std::string_view url, const dial_options& options);

  const dial_target& target() const noexcept { return target_; }

  /// The head of the request that is due now (RFC 6455 section 4.1). Asks the cookie jar.
  /// @throws std::invalid_argument the jar gave what a field must not have.
  std::string head(std::string_view key) const;

  /// Shows the cookies of an answer to the jar.
  void keep_cookies(protocol::header_fields answer) const;

  /// Whether an answer of that status is a redirect that the options want to be followed.
  bool follows(unsigned status) const noexcept;

  /// Goes where the answer leads. What is secret (credentials of the URL, Authorization, Cookie and their kind) and the
  /// replaced Host stay behind for good when that is another origin. The text of a failure says why it cannot be
  /// followed.
  protocol::outcome<void> follow(protocol::header_fields answer);

 private:
  const dial_options& options_;
  dial_target target_;
  unsigned redirects_ = 0;
  bool at_home_ = true;  // no redirect has led to another origin
};

}  // namespace coax::detail
