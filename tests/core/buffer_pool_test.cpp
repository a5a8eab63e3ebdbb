#include "core/buffer_pool.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <thread>
#include <vector>

namespace coax::detail {
namespace {

BOOST_AUTO_TEST_SUITE(buffer_pool)

constexpr std::size_t kib = 1024;

// Each in a thread of its own, whose pool is empty at first.
template <class Test>
void in_a_new_thread(Test test) {
  std::thread(test).join();
}

BOOST_AUTO_TEST_CASE(blocks_are_powers_of_two_from_64_bytes_to_1_mib_and_exact_above) {
  const std::pair<std::size_t, std::size_t> rows[] = {
      {0, 64},
      {1, 64},
      {64, 64},
      {65, 128},
      {128, 128},
      {1000, 1024},
      {1025, 2048},
      {64 * kib, 64 * kib},
      {1024 * kib - 1, 1024 * kib},
      {1024 * kib, 1024 * kib},
      {1024 * kib + 1, 1024 * kib + 1},
  };
  for (const auto& [asked, expected] : rows) {
    const block b = take_block(asked);
    BOOST_CHECK_EQUAL(b.size, expected);
    std::memset(b.data, 0xa5, b.size);
    give_block(b);
  }
}

BOOST_AUTO_TEST_CASE(a_block_comes_back_the_last_one_first) {
  in_a_new_thread([] {
    const block a = take_block(100), b = take_block(100);
    BOOST_CHECK_EQUAL(pooled_bytes(), 0U);
    give_block(a);
    give_block(b);
    BOOST_CHECK_EQUAL(pooled_bytes(), 256U);
    const block c = take_block(128), d = take_block(65);
    BOOST_CHECK(c.data == b.data && d.data == a.data);
    BOOST_CHECK_EQUAL(pooled_bytes(), 0U);
    const block other = take_block(64);
    BOOST_CHECK(other.data != a.data && other.data != b.data);
    for (const auto& one : {c, d, other}) give_block(one);
  });
}

BOOST_AUTO_TEST_CASE(a_class_keeps_256_kib_but_two_blocks_at_least) {
  const std::pair<std::size_t, std::size_t> rows[] = {
      {64, 256 * kib},        {4 * kib, 256 * kib},     {128 * kib, 256 * kib},
      {256 * kib, 512 * kib}, {1024 * kib, 2048 * kib}, {1025 * kib, 0},
  };
  for (const auto& [size, kept] : rows)
    in_a_new_thread([size = size, kept = kept] {
      std::vector<block> all;
      for (std::size_t i = 0; i != 256 * kib / size + 10; ++i) all.push_back(take_block(size));
      for (const auto& b : all) give_block(b);
      BOOST_CHECK_EQUAL(pooled_bytes(), kept);
    });
}

BOOST_AUTO_TEST_CASE(a_block_may_be_given_back_in_another_thread) {
  in_a_new_thread([] {
    const block mine = take_block(1000);
    in_a_new_thread([mine] {
      give_block(mine);
      BOOST_CHECK_EQUAL(pooled_bytes(), 1024U);
      const block again = take_block(1000);
      BOOST_CHECK(again.data == mine.data);
      give_block(again);
    });
    BOOST_CHECK_EQUAL(pooled_bytes(), 0U);
  });
}

// Destroyed after the pool, which it made the thread use later.
struct late {
  ~late() {
    if (!held.data) return;
    give_block(held);
    BOOST_CHECK_EQUAL(pooled_bytes(), 0U);
    const block b = take_block(100);
    BOOST_CHECK_EQUAL(b.size, 128U);
    give_block(b);
  }
  block held;
};
thread_local late last_words;

BOOST_AUTO_TEST_CASE(a_thread_on_its_way_out_uses_the_heap) {
  in_a_new_thread([] {
    last_words.held = {};
    last_words.held = take_block(100);
    give_block(take_block(64));
    BOOST_CHECK_EQUAL(pooled_bytes(), 64U);
  });
}

BOOST_AUTO_TEST_CASE(a_borrowed_buffer_is_held_only_in_between) {
  in_a_new_thread([] {
    borrowed_buffer b;
    BOOST_CHECK(!b && !b.data());
    std::byte* const first = b.borrow();
    BOOST_CHECK(b && b.data() == first && b.borrow() == first);
    std::memset(first, 0, borrowed_buffer::size);
    b.give_back();
    b.give_back();
    BOOST_CHECK(!b);
    BOOST_CHECK_EQUAL(pooled_bytes(), borrowed_buffer::size);
    {
      borrowed_buffer another;
      BOOST_CHECK(another.borrow() == first);
    }
    BOOST_CHECK_EQUAL(pooled_bytes(), borrowed_buffer::size);
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::detail
