/// @file
/// A place in the log of a topic: what a subscriber has seen, and where it goes on.
///
///     auto token = seen.to_token();                      // as the id of a server-sent event, or in a message
///     if (auto p = coax::position::from_token(token)) me.join("lobby", coax::join_options().since(*p));
#pragma once

#include <coax/detail/export.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coax {

/// The place behind one entry of a topic's log: everything up to it has been seen, nothing after it.
///
/// An epoch names one history of a topic; offsets count its entries from 1 without a gap. The tag is the entry's own
/// random number: a broker that has lost the end of a history goes on with offsets that were used before, under the
/// same epoch, and only the tags tell that these are other entries. Offset 0, with tag 0, is before the first entry.
class COAX_EXPORT position {
 public:
  /// The longest epoch, in bytes.
  static constexpr std::size_t max_epoch = 64;
  /// The longest token, in characters.
  static constexpr std::size_t max_token = 128;

  /// In no history: what comes after it is all that there is.
  position() noexcept = default;
  /// @throws std::invalid_argument  an empty epoch, or one of more than `max_epoch` bytes.
  position(std::string epoch, std::uint64_t offset, std::uint64_t tag);

  /// Whether it is in a history.
  explicit operator bool() const noexcept { return !epoch_.empty(); }

  /// @name As made
  /// @{

  /// What it was made with.
  const std::string& epoch() const noexcept { return epoch_; }
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t tag() const noexcept { return tag_; }
  /// @}

  /// As base64url without padding (RFC 4648 section 5), of at most `max_token` characters: fit for the id of a
  /// server-sent event, for a header, a query and a cookie. Equal positions have equal tokens. Not signed: whoever
  /// sends one can name any place in a topic that it may join.
  std::string to_token() const;
  /// What `to_token` has made; nullopt for anything else.
  static std::optional<position> from_token(std::string_view token);

  /// Whether it is the same place in the same history.
  bool operator==(const position&) const = default;

 private:
  std::string epoch_;
  std::uint64_t offset_ = 0;
  std::uint64_t tag_ = 0;
};

}  // namespace coax
