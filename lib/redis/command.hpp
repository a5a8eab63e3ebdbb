/// What is said to Redis.
///
///     redis::command("SET").key("room").arg(payload).arg("EX").arg(60)
#pragma once

#include "redis/script.hpp"
#include <coax/context.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coax::redis {

/// The slot of a key in a Cluster: of its hash tag, if it has one.
std::uint16_t slot_of(std::string_view key) noexcept;

/// A command, encoded as it is built, with what the client must know to send it.
class command {
 public:
  explicit command(std::string_view name) { arg(name); }
  /// EVALSHA; the number of keys follows by itself from those that are added *before* any argument. The client loads
  /// the script where it is missing (NOSCRIPT → EVAL).
  explicit command(const redis::script& s);

  command& arg(std::string_view a);
  template <std::integral T>
  command& arg(T number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return arg(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }
  /// An argument that is a key (SPUBLISH: the channel). In a Cluster the first one decides where the command goes;
  /// a command without goes to any node.
  command& key(std::string_view k);

  /// May be executed twice: then it is sent again when a connection is lost before its reply came.
  command& idempotent() noexcept { return idempotent_ = true, *this; }
  /// Until when it is of use, replied to or not; by default as long as the options of the client say.
  command& expires_at(context::time_point t) noexcept { return expiry_ = t, *this; }

  /// As it goes over the wire.
  void append_to(std::string& out) const;
  std::size_t bytes() const noexcept { return body_.size(); }
  std::optional<std::uint16_t> slot() const noexcept { return slot_; }
  bool is_idempotent() const noexcept { return idempotent_; }
  std::optional<context::time_point> expiry() const noexcept { return expiry_; }
  const std::optional<redis::script>& script() const noexcept { return script_; }
  /// The same with EVAL in the place of EVALSHA.
  void append_eval_to(std::string& out) const;

 private:
  void append_script(std::string& out, std::string_view name, std::string_view text) const;

  std::string body_;  // the arguments; of a script those behind the number of keys
  std::size_t arguments_ = 0;
  std::size_t keys_ = 0;
  std::optional<redis::script> script_;
  std::optional<std::uint16_t> slot_;
  std::optional<context::time_point> expiry_;
  bool idempotent_ = false;
};

}  // namespace coax::redis
