#include "redis/backoff.hpp"

#include <boost/test/unit_test.hpp>

using namespace coax::redis;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(the_wait_grows_within_its_bounds_and_begins_anew) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    backoff b(20ms, 2s, seed);
    for (int round = 0; round < 2; ++round) {
      auto last = b.next();
      BOOST_REQUIRE((last > 0ns && last <= 20ms));
      for (int i = 0; i < 20; ++i) {
        const auto next = b.next();
        BOOST_REQUIRE((next >= 20ms && next <= std::max<std::chrono::nanoseconds>(20ms, last * 3) && next <= 2s));
        last = next;
      }
      b.reset();
    }
  }
}

BOOST_AUTO_TEST_CASE(bounds_that_make_no_sense_are_made_to) {
  backoff none(0ns, 0ns, 1);
  BOOST_TEST((none.next() == 1ns));
  backoff crossed(50ms, 10ms, 1);
  static_cast<void>(crossed.next());
  BOOST_TEST((crossed.next() == 50ms));
}
