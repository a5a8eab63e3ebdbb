/// @file
/// What has become of a client that came back with a resume token.
///
///     const auto back = hub.resume(me, token, [](std::string_view topic) { return std::optional(how_to_join(topic));
///     }); for (const auto& m : back.joined) log(m.topic(), co_await m.recovered(ctx));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/join_options.hpp>
#include <coax/peer.hpp>

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace coax {

/// What is wrong with a token.
enum class resume_refusal : unsigned char {
  none,       ///< Nothing. An empty string is no token, and not refused.
  malformed,  ///< It is no token, or too long.
  forged,     ///< It was not signed with any of the hub's keys, or has been changed.
  expired,    ///< Its time is up (`resume_options::lifetime`).
  foreign     ///< It is another user's.
};

/// "malformed", and so on; "none".
COAX_EXPORT std::string_view to_string(resume_refusal why) noexcept;

/// How to join a topic that a token names (`since` is set by the hub); nullopt if the user may not, any more.
using rejoin = std::function<std::optional<join_options>(std::string_view topic)>;

/// See `hub::resume`.
struct resumption {
  resume_refusal refused = resume_refusal::none;  ///< Why the token was not taken, if it was not.
  /// A part for each topic; `membership::recovered` of each tells whether the peer gets all that it has missed there.
  std::vector<membership> joined;

  /// Whether there was a token, and it was accepted for anything.
  explicit operator bool() const noexcept { return !joined.empty(); }
};

}  // namespace coax
