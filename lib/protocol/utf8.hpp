/// Incremental validation of UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace coax::protocol {

/// Validates text that arrives in pieces, cut anywhere:
///
///     if (!validator.push(piece)) fail();       // for each piece
///     if (!validator.complete()) fail();        // at the end
class utf8_validator {
 public:
  /// False as soon as the bytes so far cannot become valid text, and from then on.
  bool push(std::span<const std::byte> bytes) noexcept;

  /// Whether the bytes so far are valid text, not one that ends within a character.
  bool complete() const noexcept { return missing_ == 0; }

  void reset() noexcept { *this = {}; }

 private:
  bool step(unsigned char byte) noexcept;
  bool start(unsigned char byte) noexcept;
  bool fail() noexcept;

  // How many bytes of a character are missing, and what the next of them may be. After a failure nothing fits.
  std::uint8_t missing_ = 0;
  std::uint8_t lowest_ = 0x80;
  std::uint8_t highest_ = 0xbf;
};

bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace coax::protocol
