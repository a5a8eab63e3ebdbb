#include "hub/cores.hpp"
#include "hub/hub_fixture.hpp"

#include <set>
#include <thread>

BOOST_AUTO_TEST_SUITE(threads_)

using namespace coax;
using namespace coax::test;

BOOST_AUTO_TEST_CASE(all_members_on_all_cores_get_the_messages_of_all_publishers_in_one_order) {
  constexpr std::size_t members = 6, publishers = 3, messages = 2000;
  std::vector<std::unique_ptr<far_end>> ends;
  cores c(2);
  hub h;
  std::vector<peer> peers;
  std::vector<membership> parts;
  for (std::size_t i = 0; i != members; ++i) {
    ends.push_back(std::make_unique<far_end>(c.executor(i), testing::faults().capacity(10'000'000)));
    peers.push_back(h.attach(ends.back()->accept()));
    parts.push_back(peers.back().join("lobby"));
  }
  c.start();
  {
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p != publishers; ++p)
      threads.emplace_back([&h, p] {
        for (std::size_t i = 0; i != messages; ++i) h.publish_text("lobby", text(p) + " " + text(i));
      });
  }
  wait_until([&] { return h.stats().delivered == members * publishers * messages; });
  c.join();

  const auto first = ends.front()->frames();
  BOOST_TEST(first.size() == publishers * messages);
  BOOST_TEST(std::set<std::string>(first.begin(), first.end()).size() == first.size());
  for (std::size_t p = 0; p != publishers; ++p) {
    std::size_t next = 0;
    for (const auto& f : first) next += f == text(p) + " " + text(next);
    BOOST_TEST(next == messages);
  }
  for (auto& e : ends)
    if (e != ends.front()) BOOST_TEST((e->frames() == first));
}

BOOST_AUTO_TEST_CASE(everything_may_be_called_from_everywhere_at_once) {
  constexpr std::size_t count = 300;
  cores c(2);
  std::vector<std::unique_ptr<far_end>> ends;
  for (std::size_t i = 0; i != 2 * count; ++i) ends.push_back(std::make_unique<far_end>(c.executor(i / 3)));
  {
    hub h(queue_limits().messages(4));
    c.start();
    auto comings_and_goings = [&h, &ends](std::size_t from) {
      for (std::size_t i = from; i != from + count; ++i) {
        if (i % 5 == 0) ends[i]->near->stall();
        peer p = h.attach(ends[i]->accept());
        auto lobby = p.join("lobby");
        auto own = p.join("topic " + text(i % 7), join_options().on_full(overflow::drop_oldest));
        for (std::size_t n = 0; n != 10; ++n) h.publish_text("lobby", text(n), publish_options().except(p));
        h.publish_text("topic " + text((i + 1) % 7), "hello");
        p.send_text("direct");
        if (i % 3 == 0) lobby.leave();
        if (i % 4 == 0) p.start_close();
        h.topics();
      }
    };
    std::jthread one(comings_and_goings, 0), two(comings_and_goings, count);
    one.join();
    two.join();
    for (auto& e : ends) e->near->reset();
    wait_until([&] { return h.stats().queued == 0; });
    BOOST_TEST(h.stats().published == 2 * count * 11);
    BOOST_TEST(h.stats().peers == 0u);
    BOOST_TEST(h.topics().empty());
  }
  c.join();
}

BOOST_AUTO_TEST_CASE(one_core_may_end_while_another_publishes) {
  auto first = std::make_unique<cores>(1);
  cores second(1);
  hub h;
  auto a = std::make_unique<far_end>(first->executor(0), testing::faults().capacity(10'000'000));
  far_end b(second.executor(0), testing::faults().capacity(10'000'000));
  peer there = h.attach(a->accept()), here = h.attach(b.accept());
  auto m1 = there.join("lobby"), m2 = here.join("lobby");
  first->start();
  second.start();
  constexpr std::size_t published = 100'000;
  {
    std::jthread publisher([&h] {
      for (std::size_t i = 0; i != published; ++i) h.publish_text("lobby", text(i));
    });
    wait_until([&] { return h.stats().delivered > 100; });
    a.reset();
    first->join();
    first.reset();
  }
  const auto handed = h.publish_text("lobby", "last");
  wait_until([&] { return here.connection().stats().messages_sent == published + 1; });
  here = peer();
  second.join();

  BOOST_TEST(handed == 1u);
  auto expected = numbers(0, published);
  expected.push_back("last");
  BOOST_TEST((b.frames() == expected));
}

BOOST_AUTO_TEST_SUITE_END()
