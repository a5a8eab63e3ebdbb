#include "protocol/utf8.hpp"

#include <bit>
#include <cstring>

#if defined(__SSE2__) || defined(_M_X64)
#define COAX_UTF8_SSE2
#include <emmintrin.h>
#endif

namespace coax::protocol {
namespace {

using byte_pointer = const unsigned char*;

/// What may follow a first byte: how many bytes, and the range of the first of them (RFC 3629 section 4). `missing` is
/// 0 for a byte that cannot begin a character of several bytes.
struct sequence {
  std::uint8_t missing, lowest, highest;
};

constexpr sequence sequence_of(unsigned char first) noexcept {
  if (first < 0xc2) return {0, 0, 0};
  if (first < 0xe0) return {1, 0x80, 0xbf};
  if (first == 0xe0) return {2, 0xa0, 0xbf};
  if (first == 0xed) return {2, 0x80, 0x9f};
  if (first < 0xf0) return {2, 0x80, 0xbf};
  if (first == 0xf0) return {3, 0x90, 0xbf};
  if (first < 0xf4) return {3, 0x80, 0xbf};
  if (first == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

constexpr bool continues(unsigned char byte) noexcept { return (byte & 0xc0) == 0x80; }

byte_pointer skip_ascii(byte_pointer p, byte_pointer end) noexcept {
#ifdef COAX_UTF8_SSE2
  for (; end - p >= 32; p += 32) {
    const auto a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16));
    if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0) {
      const auto bits =
          static_cast<std::uint32_t>(_mm_movemask_epi8(b)) << 16 | static_cast<std::uint32_t>(_mm_movemask_epi8(a));
      return p + std::countr_zero(bits);
    }
  }
#endif
  for (; end - p >= 8; p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (p != end && *p < 0x80) ++p;
  return p;
}

/// The length of the valid character of several bytes at `p`, 0 if it is invalid or runs beyond `end`.
std::size_t whole_character(byte_pointer p, byte_pointer end) noexcept {
  const auto left = end - p;
  if (*p < 0xe0) return *p >= 0xc2 && left >= 2 && continues(p[1]) ? 2 : 0;
  const auto s = sequence_of(*p);
  if (s.missing == 0 || left <= s.missing || p[1] < s.lowest || p[1] > s.highest || !continues(p[2])) return 0;
  if (s.missing == 3 && !continues(p[3])) return 0;
  return s.missing + 1u;
}

/// Skips whole valid characters; stops at the end or at one that is invalid or incomplete.
byte_pointer skip_valid(byte_pointer p, byte_pointer end) noexcept {
  while (true) {
    p = skip_ascii(p, end);
    // Words of other scripts are separated by single spaces, for which the vector loop is not worth starting.
    for (int ascii = 0; ascii < 4; ++p) {
      if (p == end) return p;
      if (*p < 0x80) {
        ++ascii;
        continue;
      }
      const auto length = whole_character(p, end);
      if (length == 0) return p;
      p += length - 1;
      ascii = 0;
    }
  }
}

}  // namespace

bool utf8_validator::push(std::span<const std::byte> bytes) noexcept {
  auto p = reinterpret_cast<byte_pointer>(bytes.data());
  const auto end = p + bytes.size();
  for (; missing_ != 0 && p != end; ++p) {
    if (!step(*p)) return false;
  }
  if (missing_ == 0) p = skip_valid(p, end);
  for (; p != end; ++p) {
    if (!step(*p)) return false;
  }
  return lowest_ <= highest_;
}

bool utf8_validator::step(unsigned char byte) noexcept {
  if (missing_ == 0) return start(byte);
  if (byte < lowest_ || byte > highest_) return fail();
  --missing_;
  lowest_ = 0x80;
  highest_ = 0xbf;
  return true;
}

bool utf8_validator::start(unsigned char byte) noexcept {
  if (byte < 0x80) return true;
  const auto s = sequence_of(byte);
  if (s.missing == 0) return fail();
  missing_ = s.missing;
  lowest_ = s.lowest;
  highest_ = s.highest;
  return true;
}

bool utf8_validator::fail() noexcept {
  missing_ = 1;
  lowest_ = 0xff;
  highest_ = 0;
  return false;
}

bool is_valid_utf8(std::string_view text) noexcept {
  utf8_validator validator;
  return validator.push(std::as_bytes(std::span(text))) && validator.complete();
}

}  // namespace coax::protocol
