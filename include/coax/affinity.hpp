/// @file
/// The cookie that brings a client back to the node that it was at.
///
///     coax::signing_keys keys({read_file("/run/secrets/coax")});
///     coax::server srv(coax::server_options().affinity(coax::affinity("n1", keys)));
#pragma once

#include <coax/detail/export.hpp>
#include <coax/signing_keys.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace coax {

/// For cookies, see RFC 6265bis section 4.1.2.7.
enum class same_site : unsigned char {
  unset,   ///< The browser's default, which is `lax` in most.
  lax,     ///< Sent by pages of other sites for top-level navigation only.
  strict,  ///< Never sent by pages of other sites.
  none     ///< Also sent by pages of other sites; browsers want `Secure` with it.
};

/// How a node of a site marks its clients: a cookie whose value is the node's name, a dot, and a signed token, in
/// characters that every load balancer takes as they are. What is in front of the dot is for the balancer, which needs
/// no key to route on it; the signature is for the nodes.
///
/// Nothing depends on it: whoever comes to another node is served there. Copies are cheap enough to be handed around.
class COAX_EXPORT affinity {
 public:
  /// @param node  the name of this node, unique and stable: 1 to 64 letters, digits, '-' and '_'.
  /// @param keys  those of all nodes of the site.
  /// @throws std::invalid_argument  a name that is none.
  affinity(std::string node, signing_keys keys);

  /// The name of the cookie, default "coax_node". nginx can route on letters, digits and '_' only.
  /// @throws std::invalid_argument  not a token (RFC 6265 section 4.1.1).
  affinity& cookie(std::string name);
  /// How long a client is kept without a visit, default a day, at most a hundred years: the cookie's Max-Age, and what
  /// the signature holds for. It is given anew to clients that come in the second half.
  /// @throws std::invalid_argument  less than 2 s.
  affinity& max_age(std::chrono::seconds d);
  /// Default "/". @throws std::invalid_argument  not one that begins with '/', or with ';' or control characters.
  affinity& path(std::string p);
  /// Default unset.
  affinity& same_site(coax::same_site s) { return same_site_ = s, *this; }
  /// Default: if the client came over TLS, see `exchange::scheme`; always with `same_site::none`.
  affinity& secure(bool on) { return secure_ = on, *this; }
  /// Hides the cookie from scripts; default on.
  affinity& http_only(bool on) { return http_only_ = on, *this; }
  /// Tells whether a node is at work, as far as this one knows. A client that has come here by accident keeps the
  /// cookie of its own node if that is. If this one is not, because it is about to go down, it takes its cookie from
  /// its clients and gives it to none. Without a hook, a client belongs where it has come last. Called from any thread
  /// of the server; must not throw.
  affinity& is_alive(std::function<bool(std::string_view node)> hook) { return is_alive_ = std::move(hook), *this; }

  /// The name of this node.
  const std::string& node() const noexcept { return node_; }
  /// The name of the cookie.
  const std::string& cookie() const noexcept { return cookie_; }

  /// The node that a value of the cookie names, whoever wrote it.
  static std::string_view named_node(std::string_view value) noexcept;
  /// The node that a value names if one of the nodes has signed it and it has not expired.
  std::optional<std::string> verified_node(
      std::string_view value, std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const;

  /// What the answer to a request has to say: the value of a field Set-Cookie, or nothing if the client may keep what
  /// it has. The server does that for its answers; it is here for those of other servers:
  ///
  ///     if (auto c = affinity.set_cookie(request[http::field::cookie], true)) options.header("Set-Cookie", *c);
  ///
  /// @param cookies  the field Cookie of the request, empty if it has none.
  /// @param tls      whether the client came over TLS.
  std::optional<std::string> set_cookie(
      std::string_view cookies, bool tls,
      std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) const;

 private:
  enum class standing : unsigned char { none, ours, ours_and_aged, of_another };

  standing standing_of(std::string_view value, std::chrono::system_clock::time_point now) const;
  std::string attributes(bool tls) const;

  std::string node_;
  signing_keys keys_;
  std::string cookie_ = "coax_node";
  std::string path_ = "/";
  std::function<bool(std::string_view)> is_alive_;
  std::chrono::seconds max_age_ = std::chrono::hours(24);
  std::optional<bool> secure_;
  coax::same_site same_site_ = coax::same_site::unset;
  bool http_only_ = true;
};

}  // namespace coax
