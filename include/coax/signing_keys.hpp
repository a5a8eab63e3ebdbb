/// @file
/// Secrets that sign what a client keeps for us: affinity cookies, resume tokens.
///
///     coax::signing_keys keys({read_file("/run/secrets/coax-2"), read_file("/run/secrets/coax-1")});   // newest first
///     std::string token = keys.sign("resume", payload);
///     if (auto payload = keys.verify("resume", token)) resume(*payload);
#pragma once

#include <coax/detail/export.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coax {

/// A ring of secrets for HMAC-SHA256: the newest signs, all verify. All nodes of a site have the same ring. To rotate,
/// add the new secret as the *last* one on every node, then put it first, and drop the old one when its tokens have
/// expired: no token is refused meanwhile.
///
/// Tokens are signed, not encrypted: the client can read its payload, and present a token as often as it likes. What
/// must end puts its time into the payload.
///
/// Immutable; copies are cheap, and may be used from any thread.
class COAX_EXPORT signing_keys {
 public:
  /// The fewest bytes of a secret; 32 random ones are better.
  static constexpr std::size_t min_secret = 16;
  /// What a token has besides its payload, in bytes before base64url makes four characters of three.
  static constexpr std::size_t overhead = 1 + 3 + 16;

  /// @throws std::invalid_argument  no secret, or one of less than `min_secret` bytes.
  explicit signing_keys(std::vector<std::string> secrets);

  /// A token that holds `payload`: base64url without padding (RFC 4648 section 5), of
  /// ((`overhead` + payload.size()) * 4 + 2) / 3 characters. `purpose` is no part of it, and separates its uses: a
  /// token is valid for the purpose that it was signed for only.
  std::string sign(std::string_view purpose, std::string_view payload) const;

  /// The payload of what `sign` has made with a secret of this ring, for this purpose; nullopt for anything else, from
  /// whoever it comes.
  std::optional<std::string> verify(std::string_view purpose, std::string_view token) const;

 private:
  struct ring;
  std::shared_ptr<const ring> ring_;
};

}  // namespace coax
