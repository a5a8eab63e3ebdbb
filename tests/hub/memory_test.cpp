// What is left of a hub when memory runs out in the middle of something. Every allocation by operator new can be made
// to fail, once.
#include "hub/hub_fixture.hpp"
#include <coax/local_broker.hpp>

#include <cstdlib>
#include <functional>
#include <new>

namespace {

thread_local long until_failure = -1;  // allocations that still succeed; negative: all do
thread_local bool has_failed = false;

void* allocate(std::size_t n) {
  if (until_failure == 0) {
    until_failure = -1;
    has_failed = true;
    throw std::bad_alloc();
  }
  if (until_failure > 0) --until_failure;
  if (void* p = std::malloc(n == 0 ? 1 : n)) return p;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t n) { return allocate(n); }
void* operator new[](std::size_t n) { return allocate(n); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

BOOST_AUTO_TEST_SUITE(memory_)

using namespace coax;
using namespace coax::test;

namespace {

/// Two members of "lobby", one of a filter that matches it, and an empty chair.
struct world {
  world() {
    for (auto& e : ends) e = std::make_unique<far_end>(ioc.get_executor());
    for (std::size_t i = 0; i != 3; ++i) peers.push_back(h.attach(ends[i]->accept()));
    parts.push_back(peers[0].join("lobby"));
    parts.push_back(peers[1].join("lobby", join_options().on_full(overflow::block)));
    parts.push_back(peers[2].join("lob+/#"));
    parts.push_back(peers[2].join("+"));
    parts.reserve(20);
    peers.reserve(20);
    newcomer = ends[3]->accept();
    ioc.poll();
  }

  // Nothing has been lost in silence: who is still there gets what comes; who is not has been ended.
  void check() {
    ioc.restart();
    ioc.poll();
    for (auto& e : ends) e->frames();
    h.publish_text("lobby", "after");
    ioc.restart();
    ioc.poll();
    for (std::size_t i = 0; i != 3; ++i) {
      const bool ended = peers[i].connection().done().stop_requested();
      const auto got = ends[i]->frames();
      // What was stored and not told is found when the next one comes.
      BOOST_TEST((ended || got == names{"after"} || got == names{"before", "after"}),
                 "peer " << i << " of " << got.size());
    }
    parts.clear();
    peers.clear();
    newcomer = conn();
    ioc.restart();
    ioc.poll();
    const auto s = h.stats();
    BOOST_TEST(s.peers == 0u);
    BOOST_TEST(s.topics == 0u);
    BOOST_TEST(s.queued == 0u);

    far_end fresh(ioc.get_executor());
    peer p = h.attach(fresh.accept());
    auto m = p.join("lobby");
    BOOST_TEST(h.publish_text("lobby", "hello") == 1u);
    ioc.restart();
    ioc.poll();
    COAX_CHECK_FRAMES(fresh.frames(), names({"hello"}));
  }

  asio::io_context ioc{1};
  hub h;
  std::unique_ptr<far_end> ends[4];
  std::vector<peer> peers;
  std::vector<membership> parts;
  conn newcomer;
};

/// Fails at the first allocation of `act`, then the second, and so on until it has no more; returns how many.
std::size_t fail_everywhere(const std::function<void(world&)>& act) {
  for (long n = 0;; ++n) {
    world w;
    has_failed = false;
    until_failure = n;
    try {
      act(w);
    } catch (const std::bad_alloc&) {
    }
    until_failure = -1;
    BOOST_TEST_CONTEXT("allocation " << n) {
      w.check();
    }
    if (!has_failed) return static_cast<std::size_t>(n);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(attaching) {
  const auto n = fail_everywhere([](world& w) { w.peers.push_back(w.h.attach(std::move(w.newcomer))); });
  BOOST_TEST(n > 1u);
}

BOOST_AUTO_TEST_CASE(joining) {
  const auto n = fail_everywhere([](world& w) {
    w.parts.push_back(w.peers[0].join("a new topic of some length", join_options().since({}).on_full(overflow::block)));
  });
  BOOST_TEST(n > 5u);
}

BOOST_AUTO_TEST_CASE(joining_again_and_a_filter) {
  const auto n = fail_everywhere([](world& w) {
    w.parts.push_back(w.peers[0].join("lobby", join_options().on_full(overflow::block)));
    w.parts.push_back(w.peers[0].join("another/+/filter/of/some/length"));
  });
  BOOST_TEST(n > 5u);
}

BOOST_AUTO_TEST_CASE(publishing) {
  const auto n = fail_everywhere(
      [](world& w) { w.h.publish_text("lobby", "before", publish_options().history(10).key("a key of some length")); });
  BOOST_TEST(n > 5u);
}

BOOST_AUTO_TEST_CASE(what_comes_of_it_on_the_executor) {
  const auto n = fail_everywhere([](world& w) {
    const auto left = std::exchange(until_failure, -1);
    w.ends[0]->near->stall();
    for (int i = 0; i != 3; ++i) w.h.publish_text("lobby", "before");
    w.peers[1].send_text("direct");
    until_failure = left;
    w.ioc.restart();
    w.ioc.poll();
    until_failure = -1;
    w.ends[0]->near->unstall();
  });
  BOOST_TEST(n > 1u);
}

BOOST_AUTO_TEST_SUITE_END()
