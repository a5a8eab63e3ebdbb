#include "protocol/mask.hpp"

#if defined(__SSE2__) || defined(_M_X64)
#define COAX_MASK_SSE2
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define COAX_MASK_AVX2
#include <immintrin.h>
#endif

namespace coax::protocol::detail {
namespace {

// Vectors of a multiple of four bytes leave the key where it was, so one key vector serves all of them. Each function
// masks the front and returns how much; less than one vector remains.

#ifdef COAX_MASK_SSE2
std::size_t mask_sse2(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept {
  const auto key = _mm_set1_epi64x(static_cast<long long>(word));
  const auto step = [&](std::size_t at) {
    const auto value = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + at), _mm_xor_si128(value, key));
  };
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    step(i);
    step(i + 16);
    step(i + 32);
    step(i + 48);
  }
  for (; i + 16 <= n; i += 16) step(i);
  return i;
}
#endif

#ifdef COAX_MASK_AVX2
__attribute__((target("avx2"))) std::size_t mask_avx2(std::byte* dst, const std::byte* src, std::size_t n,
                                                      std::uint64_t word) noexcept {
  const __m256i key = _mm256_set1_epi64x(static_cast<long long>(word));
  std::size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    const auto* from = reinterpret_cast<const __m256i*>(src + i);
    auto* to = reinterpret_cast<__m256i*>(dst + i);
    const __m256i a = _mm256_loadu_si256(from), b = _mm256_loadu_si256(from + 1);
    const __m256i c = _mm256_loadu_si256(from + 2), d = _mm256_loadu_si256(from + 3);
    _mm256_storeu_si256(to, _mm256_xor_si256(a, key));
    _mm256_storeu_si256(to + 1, _mm256_xor_si256(b, key));
    _mm256_storeu_si256(to + 2, _mm256_xor_si256(c, key));
    _mm256_storeu_si256(to + 3, _mm256_xor_si256(d, key));
  }
  for (; i + 32 <= n; i += 32) {
    const __m256i value = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i), _mm256_xor_si256(value, key));
  }
  return i;
}
#endif

#if defined(__ARM_NEON) && !defined(COAX_MASK_SSE2)
std::size_t mask_neon(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept {
  const auto key = vreinterpretq_u8_u64(vdupq_n_u64(word));
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const auto value = vld1q_u8(reinterpret_cast<const std::uint8_t*>(src + i));
    vst1q_u8(reinterpret_cast<std::uint8_t*>(dst + i), veorq_u8(value, key));
  }
  return i;
}
#endif

std::size_t mask_front(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept {
#ifdef COAX_MASK_AVX2
  if (n >= 256 && __builtin_cpu_supports("avx2")) return mask_avx2(dst, src, n, word);
#endif
#if defined(COAX_MASK_SSE2)
  return mask_sse2(dst, src, n, word);
#elif defined(__ARM_NEON)
  return mask_neon(dst, src, n, word);
#else
  static_cast<void>(dst), static_cast<void>(src), static_cast<void>(n), static_cast<void>(word);
  return 0;
#endif
}

}  // namespace

void mask_vectors(std::byte* dst, const std::byte* src, std::size_t n, std::uint64_t word) noexcept {
  const auto done = mask_front(dst, src, n, word);
  mask_words(dst + done, src + done, n - done, word);
}

}  // namespace coax::protocol::detail
