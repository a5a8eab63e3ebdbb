/// Masking of payloads (RFC 6455 section 5.3), in place or while copying.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace coax::protocol {

/// The four bytes as they stand in the frame.
using masking_key = std::array<std::uint8_t, 4>;

namespace detail {

/// `word` for bytes that begin `n` later.
inline std::uint64_t advance_word(std::uint64_t word, std::size_t n) noexcept {
  const int turn = static_cast<int>(n % 4) * 8;
  return std::endian::native == std::endian::little ? std::rotr(word, turn) : std::rotl(word, turn);
}

/// The key as eight bytes in memory order, beginning where payload byte `offset` needs it.
inline std::uint64_t key_word(masking_key key, std::size_t offset) noexcept {
  const std::uint64_t word = std::bit_cast<std::uint32_t>(key);
  return advance_word(word << 32 | word, offset);
}

template <class Word>
Word load(const std::byte* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <class Word>
void store(std::byte* to, Word word) noexcept {
  std::memcpy(to, &word, sizeof word);
}

/// Up to 64 bytes and everywhere without SIMD. The last word overlaps the one before it and is computed before anything
/// is stored, so that `dst` may be `src`.
inline void mask_words(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept {
  if (n >= 8) {
    const auto last = load<std::uint64_t>(src + n - 8) ^ advance_word(word, n - 8);
    std::size_t i = 0;
    // Both are loaded before either is stored: the compiler makes one vector of them.
    for (; i + 16 <= n; i += 16) {
      const auto a = load<std::uint64_t>(src + i) ^ word;
      const auto b = load<std::uint64_t>(src + i + 8) ^ word;
      store(dst + i, a);
      store(dst + i + 8, b);
    }
    if (i + 8 <= n) store(dst + i, load<std::uint64_t>(src + i) ^ word);
    store(dst + n - 8, last);
  } else if (n >= 4) {
    const auto last = load<std::uint32_t>(src + n - 4) ^ static_cast<std::uint32_t>(advance_word(word, n));
    store(dst, load<std::uint32_t>(src) ^ static_cast<std::uint32_t>(word));
    store(dst + n - 4, last);
  } else {
    std::array<std::byte, 8> key;
    store(key.data(), word);
    for (std::size_t i = 0; i != n; ++i) dst[i] = src[i] ^ key[i];
  }
}

/// More than 64 bytes, with the widest vectors that the machine has.
void mask_vectors(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept;

}  // namespace detail

/// Copies `n` bytes and masks or unmasks them on the way; `offset` is the place of the first one in the payload. `dst`
/// and `src` are the same or do not overlap.
inline void mask_copy(std::byte* dst, const std::byte* src, std::size_t n, masking_key key,
                      std::size_t offset = 0) noexcept {
  const auto word = detail::key_word(key, offset);
  n <= 64 ? detail::mask_words(dst, src, n, word) : detail::mask_vectors(dst, src, n, word);
}

/// Masks or unmasks `n` bytes in place.
inline void mask(std::byte* data, std::size_t n, masking_key key, std::size_t offset = 0) noexcept {
  mask_copy(data, data, n, key, offset);
}

}  // namespace coax::protocol
