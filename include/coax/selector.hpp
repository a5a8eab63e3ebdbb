/// @file
/// Which peers of a hub are meant.
///
///     hub.kick(coax::selector::user("ada"), coax::status::policy_violation, "signed out");
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace coax {

/// Peers by what they were attached with.
class selector {
 public:
  /// The peer of that number (`peer::id`), which is known in its hub alone.
  static selector id(std::uint64_t number) { return {kind::id, {}, number}; }
  /// All that are attached for that user.
  static selector user(std::string name) { return {kind::user, std::move(name), 0}; }
  /// All that have that label.
  static selector label(std::string name) { return {kind::label, std::move(name), 0}; }
  /// Every peer.
  static selector all() { return {kind::all, {}, 0}; }

  /// How peers are chosen.
  enum class kind : unsigned char {
    id,     ///< By number.
    user,   ///< By name of the user.
    label,  ///< By label.
    all     ///< Everybody.
  };
  /// @name As made
  /// @{

  /// What it was made with.
  kind by() const noexcept { return kind_; }
  const std::string& name() const noexcept { return name_; }
  std::uint64_t number() const noexcept { return number_; }
  /// @}

 private:
  selector(kind k, std::string name, std::uint64_t number) : kind_(k), name_(std::move(name)), number_(number) {}

  kind kind_;
  std::string name_;
  std::uint64_t number_;
};

}  // namespace coax
