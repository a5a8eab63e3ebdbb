/// @file
/// Compression of messages: permessage-deflate (RFC 7692).
///
///     coax::deflate_options deflate(coax::deflate_mode::context_takeover);
///     coax::conn c = co_await coax::dial(url, coax::dial_options().deflate(deflate));
#pragma once

#include <coax/detail/export.hpp>

#include <cstddef>
#include <cstdint>

namespace coax {

/// Whether, and how, an end compresses. A server that has it on takes the first offer of a client that it can honour;
/// a client that has it on offers it, and talks uncompressed to a server that declines. docs/compression.md tells what
/// each costs.
enum class deflate_mode : unsigned char {
  off,               ///< Neither offered nor accepted.
  context_takeover,  ///< Each message may refer to those before it: small messages shrink best. Memory per connection.
  no_context_takeover  ///< Each message stands alone: no memory between messages.
};

/// Parameters of permessage-deflate, for `accept_options::deflate` and `dial_options::deflate`. All but the mode are
/// well left alone.
class COAX_EXPORT deflate_options {
 public:
  deflate_options() = default;
  /// The mode alone, which is all that most programs need.
  deflate_options(deflate_mode m) noexcept : mode_(m) {}  // NOLINT(google-explicit-constructor)

  /// Default off.
  deflate_options& mode(deflate_mode m) noexcept { return mode_ = m, *this; }

  /// Each message of the server, or of the client, stands alone, even with `deflate_mode::context_takeover`: what that
  /// end's compressor and its peer's decompressor would hold between messages is saved. A client only asks for the
  /// first, and a server only for the second.
  deflate_options& server_no_context_takeover(bool on) noexcept { return server_alone_ = on, *this; }
  /// The same for the messages of the client.
  deflate_options& client_no_context_takeover(bool on) noexcept { return client_alone_ = on, *this; }

  /// How far back, in bytes, messages of the server or the client may refer: two to the power of 8 to 15, default 15.
  /// A client that does not say that it can limit itself is accepted with 15.
  /// @throws std::invalid_argument  another number.
  deflate_options& server_max_window_bits(unsigned bits);
  /// The same for the messages of the client.
  deflate_options& client_max_window_bits(unsigned bits);

  /// From 1, fast, to 9, small; default 2. Levels 1 to 3 use ISA-L where coax was built with it, which is several
  /// times as fast as zlib. @throws std::invalid_argument another number.
  deflate_options& level(unsigned l);
  /// How much memory the compressor takes, from 1, little and slow, to 9; default 8. See docs/compression.md.
  /// @throws std::invalid_argument another number.
  deflate_options& memory_level(unsigned l);

  /// Messages below this size are sent as they are; default 128 bytes for an end that takes its context over, 512 for
  /// one that does not.
  deflate_options& threshold(std::size_t bytes) noexcept { return threshold_ = bytes, threshold_set_ = true, *this; }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  deflate_mode mode() const noexcept { return mode_; }
  [[nodiscard]] bool server_no_context_takeover() const noexcept {
    return server_alone_ || mode_ == deflate_mode::no_context_takeover;
  }
  [[nodiscard]] bool client_no_context_takeover() const noexcept {
    return client_alone_ || mode_ == deflate_mode::no_context_takeover;
  }
  unsigned server_max_window_bits() const noexcept { return server_bits_; }
  unsigned client_max_window_bits() const noexcept { return client_bits_; }
  unsigned level() const noexcept { return level_; }
  unsigned memory_level() const noexcept { return memory_level_; }
  std::size_t threshold_for(bool takeover) const noexcept { return threshold_set_ ? threshold_ : takeover ? 128 : 512; }
  /// @}

 private:
  std::size_t threshold_ = 0;
  deflate_mode mode_ = deflate_mode::off;
  bool threshold_set_ = false;
  bool server_alone_ = false;
  bool client_alone_ = false;
  std::uint8_t server_bits_ = 15;
  std::uint8_t client_bits_ = 15;
  std::uint8_t level_ = 2;
  std::uint8_t memory_level_ = 8;
};

}  // namespace coax
