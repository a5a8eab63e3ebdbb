#include "scaled_chat/status.hpp"
#include <coax/local_broker.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <thread>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(scaled_chat)

// Its timer ran out while the thread was busy: what it had to do comes right after its end.
BOOST_AUTO_TEST_CASE(a_node_may_end_when_its_next_round_is_due) {
  boost::asio::io_context ioc;
  const auto broker = coax::local_broker();
  chat c(coax::hub_options().broker(broker), "n1");
  coax::redis_broker redis(ioc.get_executor(), "redis://127.0.0.1:1");
  std::optional<roster> others(std::in_place, ioc.get_executor(), c, *broker);
  std::optional<site_status> status(std::in_place, ioc.get_executor(), c, redis, *others);
  std::this_thread::sleep_for(1100ms);

  bool ended = false;
  boost::asio::post(ioc, [&] {
    status.reset();
    others.reset();
    ended = true;
  });
  while (!ended) ioc.run_one_for(1min);
  ioc.poll();  // what their timers have to say

  BOOST_TEST(!others.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
