// Everything at once, at random: in CI for a moment, with COAX_LONG=1 for a minute.
#include "hub/cores.hpp"
#include "hub/hub_fixture.hpp"

#include <boost/asio/detached.hpp>

#include <cstdlib>
#include <random>
#include <thread>

BOOST_AUTO_TEST_SUITE(soak_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

struct world {
  coax::hub hub{queue_limits().messages(8).notices(true)};
  std::atomic<int> handlers{0};
};

// As a user's handler: leaves and comes back, publishes, until its connection ends.
task<> live(std::shared_ptr<world> w, conn c, unsigned seed) {
  std::mt19937 random(seed);
  const overflow policies[] = {overflow::disconnect, overflow::drop_oldest, overflow::drop_newest, overflow::conflate,
                               overflow::latest,     overflow::rewind,      overflow::block};
  ++w->handlers;
  try {
    peer me = w->hub.attach(std::move(c), peer_options().user("user " + text(seed % 5)).labels({text(seed % 3)}));
    std::vector<membership> in(4);
    while (auto m = co_await me.next()) {
      auto& part = in[random() % in.size()];
      const auto topic = "topic/" + text(random() % 5);
      auto o = join_options().on_full(policies[random() % std::size(policies)]).presence(random() % 2 == 0);
      if (random() % 3 == 0) o.recent(random() % 20);
      switch (random() % 6) {
        case 0: part.leave(); break;
        case 1: part = me.join(topic, o); break;
        case 2:
          part = me.join("topic/+", join_options().filter([](const log_entry& e) { return e.offset() % 2 == 0; }));
          break;
        case 3: me.send_text("direct"); break;
        default:
          (void)w->hub.try_publish(topic, m->kind(), m->data(), publish_options().history(10).key(text(random() % 3)));
      }
      if (random() % 200 == 0) w->hub.kick(selector::label(text(random() % 3)));
    }
  } catch (const system_error&) {
    // Kicked, too slow, refused, or gone.
  }
  --w->handlers;
}

}  // namespace

BOOST_AUTO_TEST_CASE(random_lives_end_with_a_drain_and_nothing_is_left) {
  const auto length = std::getenv("COAX_LONG") ? 60s : 1s;
  constexpr std::size_t guests = 24;
  const auto w = std::make_shared<world>();
  cores c(2);
  c.start();
  std::mt19937 random(7);
  std::vector<std::unique_ptr<far_end>> ends;
  const auto arrive = [&] {
    ends.push_back(std::make_unique<far_end>(c.executor(ends.size()), testing::faults().capacity(4096)));
    asio::co_spawn(c.executor(ends.size() - 1), live(w, ends.back()->accept(), static_cast<unsigned>(random())),
                   asio::detached);
  };
  for (std::size_t i = 0; i != guests; ++i) arrive();
  const auto end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end) {
    auto& e = *ends[ends.size() - 1 - random() % guests];
    switch (random() % 12) {
      case 0: e.near->stall(); break;
      case 1: e.near->unstall(); break;
      case 2:
        e.near->reset();
        arrive();
        break;
      case 3: e.receive(); break;
      default: e.send('\x81', "hello");
    }
    if (random() % 64 == 0) std::this_thread::yield();
  }
  std::atomic<bool> drained = false;
  auto drain = [&]() -> task<> {
    const auto options = drain_options().over(100ms).limit(500ms);
    co_await w->hub.drain(options);
    drained = true;
  };
  asio::co_spawn(c.executor(0), drain(), asio::detached);
  wait_until([&] { return drained && w->handlers == 0; });

  BOOST_TEST(w->hub.stats().peers == 0u);
  BOOST_TEST(w->hub.stats().topics == 0u);
  wait_until([&] { return w->hub.stats().queued == 0; });
  BOOST_TEST(w->hub.stats().failures == 0u);
  c.join();
}

BOOST_AUTO_TEST_SUITE_END()
