/// Payloads of permessage-deflate back into messages (RFC 7692 section 7.2.2).
#pragma once

#include "protocol/compressor.hpp"

#include <optional>

namespace coax::protocol {

/// One direction of a connection, on the receiving side. Output comes in steps as large as the caller allows, so that
/// a small message cannot become a large one before somebody has looked at its size:
///
///     auto step = inflater.add(payload, room);   // until it wants more input
///     auto step = inflater.finish(room);         // until it is done
///
/// Holds a decompressor within a message; between messages, if the peer takes its context over, it holds that or, after
/// `rest`, the bytes of the window alone.
class inflater {
 public:
  inflater(unsigned window_bits, bool takeover) noexcept
      : window_bits_(static_cast<std::uint8_t>(window_bits)), takeover_(takeover) {}

  enum class state : std::uint8_t {
    wants_input,  ///< All input was consumed and all that it gives is out. After `finish`: the message is complete.
    has_output,   ///< The room is used up and there may be more: call again with what input is left, even if none is.
    corrupt,      ///< `error` tells why; for good. What was produced came before the fault.
  };
  struct step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    state now = state::wants_input;
  };

  /// The next bytes of a message's payload, over all its frames.
  step add(std::span<const std::byte> in, std::span<std::byte> out);
  /// The payload has ended; until this says `wants_input`.
  step finish(std::span<std::byte> out);

  const char* error() const noexcept { return error_; }

  /// Between messages: gives back all but the window, for a connection that is idle; if there is memory for that.
  void rest() noexcept;
  /// The bytes that are held between messages by `rest`.
  std::size_t resting_bytes() const noexcept { return window_.size(); }
  /// Whether it holds a decompressor.
  bool active() const noexcept { return decompressor_ != nullptr; }

 private:
  decompressor& context();
  step run(std::span<const std::byte> in, std::span<std::byte> out);
  bool follows_end(std::span<const std::byte> in) noexcept;
  void begin_anew();
  step complete(std::size_t produced);
  step fail(const char* why, std::size_t produced = 0) noexcept;

  std::uint8_t window_bits_;
  bool takeover_;
  bool empty_ = true;  // of the message's payload no byte has come
  bool failed_ = false;
  std::uint8_t tail_taken_ = 0;
  std::optional<std::uint8_t> behind_end_;  // a final block has come, and so many bytes of an empty one behind it
  const char* error_ = "";
  lease<decompressor> decompressor_;
  coax::detail::storage window_;  // while resting
};

}  // namespace coax::protocol
