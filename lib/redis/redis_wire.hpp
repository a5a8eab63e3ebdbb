/// What the Redis broker writes into logs and channels.
#pragma once

#include <coax/log_entry.hpp>

#include <cstdint>
#include <optional>

namespace coax::detail {

/// 16 hexadecimal digits.
std::string to_hex(std::uint64_t number);

/// What of a publication is stored, in a form without regard for what is in it: a kind, the origin, the sizes of the
/// key and the type of the event, these two, and the payload.
std::string pack(const publication& what);

/// "epoch offset tag".
std::optional<position> parse_place(std::string_view text);

/// An entry as the log holds it: its predecessor's tag, its tag, and what `pack` has made. Null if it is malformed.
entry_ptr unpack(std::uint64_t offset, std::string_view stored);

/// An entry as it is told: "epoch offset " and what the log holds.
struct told_entry {
  std::string_view epoch;
  entry_ptr entry;
};
std::optional<told_entry> parse_entry(std::string_view text);

/// "size user data", the size being that of `user`.
struct told_user {
  std::string_view user;
  std::string_view data;
};
std::optional<told_user> parse_user(std::string_view text);

/// A member as its topic holds it: "owner time " and what `parse_user` takes.
struct stored_member {
  std::string_view owner;
  std::uint64_t time;
  told_user who;
};
std::optional<stored_member> parse_member(std::string_view text);

/// The text up to the next space, which is taken away as well.
std::string_view take_word(std::string_view& text) noexcept;
/// A decimal number that is all of `text`.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

}  // namespace coax::detail
