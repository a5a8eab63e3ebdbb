/// Where a request goes, and how that changes from redirect to redirect.
#pragma once

#include "protocol/header_field.hpp"
#include "websocket/dial_target.hpp"
#include <coax/connect_options.hpp>

namespace coax::detail {

/// The way of one request, and those of its fields that depend on where it has led. No I/O.
class dial_route {
 public:
  /// `options` must outlive it.
  dial_route(dial_target target, const connect_settings& options) : options_(options), target_(std::move(target)) {}

  const dial_target& target() const noexcept { return target_; }

  /// The request line and the field Host.
  std::string begin_head(std::string_view method) const;
  static void add_field(std::string& head, std::string_view name, std::string_view value);
  /// The fields of the options, but for those in `without`, Authorization and Cookie; and the empty line. Asks the
  /// cookie jar. @throws std::invalid_argument the jar gave what a field must not have.
  void end_head(std::string& head, std::span<const std::string_view> without = {}) const;

  /// Shows the cookies of an answer to the jar.
  void keep_cookies(protocol::header_fields answer) const;

  /// Whether an answer of that status is a redirect that the options want to be followed.
  bool follows(unsigned status) const noexcept;

  /// Goes where the answer leads. What is secret (credentials of the URL, Authorization, Cookie and their kind) and the
  /// replaced Host stay behind for good when that is another origin. The text of a failure says why it cannot be
  /// followed.
  protocol::outcome<void> follow(protocol::header_fields answer);

 private:
  const connect_settings& options_;
  dial_target target_;
  unsigned redirects_ = 0;
  bool at_home_ = true;  // no redirect has led to another origin
};

}  // namespace coax::detail
