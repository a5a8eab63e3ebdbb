#include "core/buffer_pool.hpp"
#include <coax/message.hpp>

#include <boost/test/unit_test.hpp>

#include <thread>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(messages)

using detail::storage;

std::string_view text(const storage& s) { return {reinterpret_cast<const char*>(s.data()), s.size()}; }

BOOST_AUTO_TEST_CASE(storage_grows_geometrically_and_keeps_its_content) {
  storage s;
  BOOST_CHECK(s.empty() && s.capacity() == 0 && !s.data());
  std::string expected;
  int moves = 0;
  for (int i = 0; i < 100'000; ++i) {
    const char c = static_cast<char>(i * 7);
    const auto* before = s.data();
    s.append(&c, 1);
    moves += s.data() != before;
    expected += c;
  }
  BOOST_CHECK(text(s) == expected);
  BOOST_CHECK_LT(moves, 15);
  BOOST_CHECK_GE(s.capacity(), s.size());
}

BOOST_AUTO_TEST_CASE(storage_reserves_once_and_clears_without_giving_back) {
  storage s(1000);
  BOOST_CHECK_EQUAL(s.capacity(), 1024U);
  const auto* memory = s.data();
  s.append("hello", 5);
  s.append(nullptr, 0);
  s.reserve(1024);
  BOOST_CHECK(s.data() == memory && text(s) == "hello");
  s.reserve(1025);
  BOOST_CHECK(s.capacity() == 2048 && text(s) == "hello");
  s.resize(2);
  BOOST_CHECK_EQUAL(text(s), "he");
  s.clear();
  BOOST_CHECK(s.empty() && s.capacity() == 2048);
  s.release();
  BOOST_CHECK(s.empty() && s.capacity() == 0 && !s.data());
  s.append("again", 5);
  BOOST_CHECK_EQUAL(text(s), "again");
}

BOOST_AUTO_TEST_CASE(moved_from_storage_is_empty_and_of_use) {
  storage a;
  a.append("one", 3);
  storage b = std::move(a);
  BOOST_CHECK(text(b) == "one" && a.empty() && a.capacity() == 0 && !a.data());
  a.append("two", 3);
  b = std::move(a);
  BOOST_CHECK(text(b) == "two" && a.empty());
  storage& same = b;
  b = std::move(same);
  BOOST_CHECK_EQUAL(text(b), "two");
}

BOOST_AUTO_TEST_CASE(the_memory_of_a_dropped_message_is_the_next_ones) {
  std::thread([] {
    const char* memory = nullptr;
    for (int i = 0; i < 5; ++i) {
      const message m(message_kind::text, std::string(300, 'x'));
      BOOST_CHECK(!memory || memory == m.text().data());
      memory = m.text().data();
    }
    BOOST_CHECK_EQUAL(detail::pooled_bytes(), 512U);
  }).join();
}

BOOST_AUTO_TEST_CASE(a_message_may_be_dropped_in_another_thread) {
  message m(message_kind::binary, std::string(300, 'x'));
  std::thread([moved = std::move(m)]() mutable {
    const message here = std::move(moved);
    BOOST_CHECK_EQUAL(here.size(), 300U);
  }).join();
  BOOST_CHECK(m.empty());
}

BOOST_AUTO_TEST_CASE(a_message_shows_its_bytes_in_every_form) {
  const message m(message_kind::binary, std::string_view("a\0b", 3));
  BOOST_CHECK(m.kind() == message_kind::binary && !m.is_text() && !m.empty());
  BOOST_CHECK_EQUAL(m.size(), 3U);
  BOOST_CHECK(m.text() == std::string_view("a\0b", 3) && m.str() == m.text());
  BOOST_CHECK(m.bytes().size() == 3 && m.bytes()[1] == std::byte{0});
  BOOST_CHECK(m.data().size() == 3 && m.data().data() == m.text().data());
}

BOOST_AUTO_TEST_CASE(the_default_is_an_empty_text) {
  const message m;
  BOOST_CHECK(m.is_text() && m.empty() && m.size() == 0);
  BOOST_CHECK(m.text().empty() && m.bytes().empty() && m.str().empty());
}

BOOST_AUTO_TEST_CASE(a_clone_has_bytes_of_its_own) {
  message m(message_kind::text, "shared?");
  const message c = m.clone();
  BOOST_CHECK(c.text() == m.text() && c.text().data() != m.text().data() && c.is_text());
  const message moved = std::move(m);
  BOOST_CHECK_EQUAL(moved.text(), "shared?");
  BOOST_CHECK_EQUAL(c.text(), "shared?");
  BOOST_CHECK(m.empty());
  static_assert(!std::is_copy_constructible_v<message> && std::is_nothrow_move_constructible_v<message>);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
