#include "protocol/masking_key.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <thread>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(masking_key_suite)

BOOST_AUTO_TEST_CASE(keys_do_not_repeat_across_refills) {
  std::set<masking_key> seen;
  constexpr std::size_t drawn = 5000;

  for (std::size_t i = 0; i != drawn; ++i) seen.insert(next_masking_key());

  // 5000 of 2^32: the expected number of collisions is 0.003.
  BOOST_TEST(seen.size() >= drawn - 2);
}

BOOST_AUTO_TEST_CASE(threads_draw_different_keys) {
  std::vector<masking_key> here(16), there(16);

  std::thread([&] {
    for (auto& k : there) k = next_masking_key();
  }).join();
  for (auto& k : here) k = next_masking_key();

  BOOST_TEST((here != there));
}

BOOST_AUTO_TEST_CASE(nonces_differ) { BOOST_TEST((random_nonce() != random_nonce())); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
