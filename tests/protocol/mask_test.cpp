#include "protocol/mask.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(mask_suite)

constexpr masking_key key{0x37, 0xfa, 0x21, 0x3d};

std::vector<std::byte> random_bytes(std::size_t n) {
  static std::mt19937 random(1);
  std::vector<std::byte> bytes(n);
  for (auto& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

void naive(std::byte* data, std::size_t n, std::size_t offset) {
  for (std::size_t i = 0; i != n; ++i) data[i] ^= static_cast<std::byte>(key[(offset + i) % 4]);
}

// Small ones, those around the widths of words and vectors, and some that take the wide loops.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n <= 300; ++n) all.push_back(n);
  for (std::size_t n : {511u, 512u, 513u, 1023u, 1024u, 4096u + 31, 16384u + 7}) all.push_back(n);
  return all;
}

BOOST_AUTO_TEST_CASE(masking_in_place_is_the_same_as_a_naive_loop_at_every_alignment_offset_and_length) {
  for (const auto n : lengths())
    for (std::size_t alignment = 0; alignment != (n < 300 ? 17 : 3); ++alignment)
      for (std::size_t offset = 0; offset != 5; ++offset) {
        auto got = random_bytes(n + 64);
        auto wanted = got;

        mask(got.data() + alignment, n, key, offset);

        naive(wanted.data() + alignment, n, offset);
        BOOST_REQUIRE_MESSAGE(got == wanted, n << " bytes, alignment " << alignment << ", offset " << offset);
      }
}

BOOST_AUTO_TEST_CASE(masking_while_copying_is_the_same_as_a_naive_loop_at_every_alignment_offset_and_length) {
  for (const auto n : lengths())
    for (std::size_t from = 0; from != 5; ++from)
      for (std::size_t to = 0; to != 5; ++to)
        for (std::size_t offset = 0; offset != 4; ++offset) {
          const auto source = random_bytes(n + 8);
          std::vector<std::byte> got(n + 16, std::byte{0xee});
          auto wanted = got;

          mask_copy(got.data() + to, source.data() + from, n, key, offset);

          std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(from), n,
                      wanted.begin() + static_cast<std::ptrdiff_t>(to));
          naive(wanted.data() + to, n, offset);
          BOOST_REQUIRE_MESSAGE(got == wanted, n << " bytes from " << from << " to " << to << ", offset " << offset);
        }
}

BOOST_AUTO_TEST_CASE(masking_in_pieces_is_the_same_as_masking_whole) {
  const auto source = random_bytes(1000);
  auto whole = source;
  naive(whole.data(), whole.size(), 0);

  for (std::size_t piece = 1; piece != 130; ++piece) {
    auto got = source;
    for (std::size_t at = 0; at < got.size(); at += piece)
      mask(got.data() + at, std::min(piece, got.size() - at), key, at);
    BOOST_REQUIRE_MESSAGE(got == whole, "pieces of " << piece);
  }
}

BOOST_AUTO_TEST_CASE(an_offset_beyond_four_gigabytes_counts) {
  auto got = random_bytes(100);
  auto wanted = got;

  mask(got.data(), got.size(), key, (std::size_t{1} << 40) + 3);

  naive(wanted.data(), wanted.size(), 3);
  BOOST_TEST((got == wanted));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
