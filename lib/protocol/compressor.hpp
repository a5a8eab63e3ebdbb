/// Compressors and decompressors as they come from libraries, borrowed from a pool of the thread. Nothing outside of
/// their implementations knows which library it is.
#pragma once

#include <coax/message.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace coax::protocol {

struct compressor_parameters {
  std::uint8_t level = 2;         ///< 1 to 9.
  std::uint8_t window_bits = 15;  ///< 8 to 15: no reference goes further back than two to the power of it.
  std::uint8_t memory_level = 8;  ///< 1 to 9.
  auto operator<=>(const compressor_parameters&) const = default;
};

/// A raw deflate stream (RFC 1951) without end.
class compressor {
 public:
  using parameters = compressor_parameters;
  enum class flush : bool { no, sync };

  virtual ~compressor() = default;

  /// Compresses all of `in`. After `flush::sync` all that was put in can be got out of what has been appended to `out`,
  /// which then ends with 00 00 ff ff; do not ask for it twice in a row without input.
  virtual void add(std::span<const std::byte> in, coax::detail::storage& out, flush how) = 0;
  /// Begins anew, with an empty window.
  virtual void reset() = 0;
};

/// Gets raw deflate streams back.
class decompressor {
 public:
  using parameters = std::uint8_t;  ///< The window bits, 8 to 15.

  enum class outcome : std::uint8_t { ok, end_of_stream, corrupt };
  struct step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    outcome result = outcome::ok;
  };

  virtual ~decompressor() = default;

  /// Goes on until `in` is used up or `out` is full: then there may be more without further input.
  virtual step run(std::span<const std::byte> in, std::span<std::byte> out) = 0;
  /// Whether the input so far ends between blocks and with a whole byte.
  virtual bool between_blocks() const noexcept = 0;
  /// What is wrong, after `outcome::corrupt`.
  virtual const char* error() const noexcept = 0;
  /// Begins anew, with an empty window.
  virtual void reset() = 0;
  /// The bytes of the window: what a decompressor needs between blocks to go on where this one stands.
  virtual void save_window(coax::detail::storage& to) const = 0;
  /// Begins with these bytes in the window.
  virtual void load_window(std::span<const std::byte> from) = 0;
};

/// Gives a context back to the pool of the current thread, as good as new.
template <class Context>
struct give_back {
  typename Context::parameters made_with{};
  void operator()(Context* c) const noexcept;
};
template <class Context>
using lease = std::unique_ptr<Context, give_back<Context>>;

/// From the pool of the current thread, which keeps a few of each kind, or new.
lease<compressor> borrow_compressor(compressor::parameters p);
lease<decompressor> borrow_decompressor(decompressor::parameters window_bits);

/// The bytes of all contexts of the process, those in pools as well.
std::size_t deflate_memory() noexcept;

namespace detail {

std::unique_ptr<compressor> make_zlib_compressor(compressor::parameters p);
/// Null where coax was built without ISA-L, or for levels that it does not have.
std::unique_ptr<compressor> make_igzip_compressor(compressor::parameters p);
std::unique_ptr<decompressor> make_zlib_decompressor(decompressor::parameters window_bits);

/// For `deflate_memory`.
void count_deflate_memory(std::ptrdiff_t more) noexcept;

}  // namespace detail
}  // namespace coax::protocol
