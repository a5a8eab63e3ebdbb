#include "redis/redis_broker_world.hpp"

#include <map>
#include <tuple>

BOOST_AUTO_TEST_SUITE(redis_brokers_, *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;

namespace {

template <std::size_t Brokers>
struct redis_world {
  explicit redis_world(const history_limits& limits) : brokers(Brokers, redis_broker_options().history(limits)) {}
  broker& at(std::size_t i) { return brokers[i % Brokers]; }

  redis_brokers brokers;
};

using broker_worlds = std::tuple<redis_world<1>, redis_world<2>>;

}  // namespace

#include "broker/contract_cases.hpp"

BOOST_AUTO_TEST_SUITE_END()
