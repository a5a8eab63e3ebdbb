/// Which origins a server takes WebSockets from, against cross-site hijacking (RFC 6455 section 10.2).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coax::protocol {

/// Glob patterns for the Origin field:
///
///     origin_patterns({"*.example.com", "https://app.example.org:8443", "null"})
///
/// A pattern is matched against host[:port], or against scheme://host[:port] if it has "://" in it, without regard to
/// case. `*` stands for any characters and `?` for one, but neither for `/`; `[a-z]` and `[^a-z]` are classes; `\`
/// takes the next character as it is, as in `\[::1\]:8080`.
class origin_patterns {
 public:
  origin_patterns() = default;
  /// Throws std::invalid_argument for a malformed pattern: an empty one, an open or empty class, a range that runs
  /// backwards, a `\` at the end.
  explicit origin_patterns(std::span<const std::string> patterns);

  /// Whether a request with this Origin to this Host is welcome: both name the same host and port, or a pattern allows
  /// it. `null`, of sandboxed pages and files, needs the pattern `null`; a malformed origin is refused.
  bool allows(std::string_view origin, std::string_view host) const;
  /// Whether a pattern allows it.
  bool match(std::string_view origin) const;
  bool empty() const noexcept { return patterns_.empty(); }
  /// Whether a pattern lets every host in.
  bool match_all() const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace coax::protocol
