#include "hub/hub_fixture.hpp"
#include <coax/local_broker.hpp>
#include <coax/testing_broker.hpp>

BOOST_AUTO_TEST_SUITE(faulty_broker_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

task<> pass_time(testing::virtual_clock& clock, int steps, std::chrono::milliseconds step = 100ms) {
  for (int i = 0; i != steps; ++i) {
    clock.advance(step);
    co_await settle(10);
  }
}

}  // namespace

// Whatever the broker does to its deliveries, members get everything once and in order.
BOOST_AUTO_TEST_CASE(what_a_broker_loses_repeats_and_mixes_up_is_repaired) {
  for (unsigned seed = 1; seed != 12; ++seed) {
    run([seed](asio::io_context& ioc) -> task<> {
      testing::virtual_clock clock;
      const auto broker = std::make_shared<testing::faulty_broker>(ioc.get_executor(), local_broker());
      far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
      hub h(hub_options().broker(broker).queue(queue_limits().messages(1000)));
      peer live = h.attach(a.accept()), late = h.attach(b.accept()), slow = h.attach(c.accept());
      auto m1 = live.join("lobby");
      auto m3 = slow.join("lobby", join_options().on_full(overflow::rewind));
      broker->set_faults(testing::broker_faults()
                             .drop(0.1)
                             .duplicate(0.1)
                             .delay(0.2, 200ms)
                             .reorder(0.1)
                             .late_answers(50ms)
                             .max_page(7)
                             .seed(seed));
      membership m2;
      names got_a, got_b, got_c;
      const auto receive = [&] {
        for (auto& f : a.frames()) got_a.push_back(std::move(f));
        for (auto& f : b.frames()) got_b.push_back(std::move(f));
        for (auto& f : c.frames()) got_c.push_back(std::move(f));
      };
      for (std::size_t i = 0; i != 300; ++i) {
        h.publish_text("lobby", text(i), publish_options().history(1000));
        if (i == 100) m2 = late.join("lobby", join_options().since({}));
        if (i == 120) c.near->stall();
        if (i == 250) c.near->unstall();
        if (i % 3 == 0) co_await pass_time(clock, 1, 10ms);
        receive();
      }
      // The last may have been lost: nothing but the link tells.
      broker->set_faults({});
      broker->disconnect();
      broker->reconnect();
      for (int i = 0; i != 20; ++i) {
        co_await pass_time(clock, 5, 500ms);
        receive();
      }

      BOOST_TEST_CONTEXT("seed " << seed) {
        BOOST_TEST(broker->dropped() > 0u);
        COAX_CHECK_FRAMES(got_a, numbers(0, 300));
        COAX_CHECK_FRAMES(got_b, numbers(0, 300));
        COAX_CHECK_FRAMES(got_c, numbers(0, 300));
      }
    });
  }
}

COAX_CORO_TEST(a_history_that_is_lost_is_told) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<testing::faulty_broker>(ioc.get_executor(), local_broker());
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker).queue(queue_limits().notices(true)));
  peer me = h.attach(a.accept());
  auto joined = me.join("lobby");
  const auto keep = publish_options().history(10);
  h.publish_text("lobby", "1", keep);
  co_await settle();

  broker->lose_history("lobby");
  h.publish_text("lobby", "2", keep);
  co_await pass_time(clock, 10);
  h.publish_text("lobby", "3", keep);
  co_await pass_time(clock, 10);
  const bool whole = co_await joined.recovered();

  BOOST_TEST(!whole);
  BOOST_TEST(h.stats().resets == 1u);
  COAX_CHECK_FRAMES(a.frames(), names({"1", R"({"type":"reset","topic":"lobby"})", "2", "3"}));
}

COAX_CORO_TEST(a_broker_that_is_away_is_told_and_asked_again) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<testing::faulty_broker>(ioc.get_executor(), local_broker());
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  broker->disconnect();
  auto joined = me.join("lobby", join_options().since({}));
  h.publish_text("lobby", "lost", publish_options().history(10));
  co_await pass_time(clock, 3);
  const publish_options none;
  const auto error = co_await thrown<system_error>(h.publish_text("lobby", "lost", none, context()));
  const auto degraded = h.state();

  broker->reconnect();
  co_await pass_time(clock, 30);
  h.publish_text("lobby", "there", publish_options().history(10));
  co_await pass_time(clock, 30);

  BOOST_CHECK(degraded == hub_state::degraded);
  BOOST_CHECK(h.state() == hub_state::ready);
  BOOST_TEST((error && error->code() == errc::broker_unavailable));
  BOOST_TEST(h.stats().publish_errors == 1u);
  COAX_CHECK_FRAMES(a.frames(), names({"there"}));
}

// A delivery that is late holds the events of the hub, and these the broker.
BOOST_AUTO_TEST_CASE(a_broker_does_not_outlive_its_io_context_for_what_is_late) {
  auto inner = local_broker();
  const std::weak_ptr<broker> watched = inner;
  {
    auto ioc = std::make_unique<asio::io_context>(1);
    const auto faulty = std::make_shared<testing::faulty_broker>(ioc->get_executor(), std::exchange(inner, nullptr));
    faulty->set_script([](std::string_view, const log_entry&) { return testing::fate().later(1h); });
    far_end a(ioc->get_executor());
    hub h(hub_options().broker(faulty));
    peer me = h.attach(a.accept());
    auto joined = me.join("lobby");
    h.publish_text("lobby", "late");
    ioc->poll();
    h.publish_text("lobby", "late");
    ioc.reset();
  }
  BOOST_TEST(watched.expired());
}

BOOST_AUTO_TEST_SUITE_END()
