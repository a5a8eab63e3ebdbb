#include "hub/send_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <string>

BOOST_AUTO_TEST_SUITE(send_queue_)

using namespace coax;
using namespace std::chrono_literals;
using detail::send_queue;
using verdict = send_queue::verdict;

namespace {

const send_queue::time_point start{1h};

std::string payload(const detail::shared_message& m) {
  return std::string(static_cast<const char*>(m->payload().data()), m->payload().size());
}

std::string take_all(send_queue& q) {
  std::string content;
  for (; !q.empty(); q.pop()) content += payload(q.front());
  return content;
}

struct outcome {
  std::string content;
  std::size_t dropped = 0;
  bool overflow = false;
};

// Pushes each letter as a message: capitals must not be lost, small ones may be dropped. A digit repeats its letter.
outcome push_all(send_queue& q, std::string_view letters) {
  outcome o;
  for (std::size_t i = 0; i != letters.size() && !o.overflow; ++i) {
    const char c = letters[i];
    const std::size_t length = i + 1 < letters.size() && std::isdigit(letters[i + 1]) ? letters[++i] - '0' : 1;
    const auto policy = std::isupper(c) ? overflow::disconnect : overflow::drop_oldest;
    const std::string text(length, c);
    o.overflow = q.push(detail::encode(message_kind::text, boost::asio::buffer(text)), policy, start, o.dropped) ==
                 verdict::overflows;
  }
  o.content = take_all(q);
  return o;
}

}  // namespace

BOOST_AUTO_TEST_CASE(keeps_what_its_limits_allow) {
  struct row {
    std::size_t messages, bytes;
    const char* pushed;
    const char* content;
    std::size_t dropped;
    bool overflow;
  };
  // A message of n letters is a frame of n + 2 bytes.
  const row table[] = {
      {3, 1000, "ABC", "ABC", 0, false},
      {3, 1000, "ABCD", "ABC", 0, true},
      {3, 1000, "abc", "abc", 0, false},
      {3, 1000, "abcdefg", "efg", 4, false},
      {3, 1000, "AbcD", "AcD", 1, false},  // what may be dropped makes room for what may not
      {3, 1000, "AbcDE", "ADE", 2, false},
      {3, 1000, "AbcDEF", "ADE", 2, true},
      {3, 1000, "ABCd", "ABC", 1, false},     // nothing to drop but the new one
      {3, 1000, "aBcDe", "BDe", 2, false},    // in the middle, and the order stays
      {9, 12, "A4B4", "AAAABBBB", 0, false},  // to the byte
      {9, 12, "A4B5", "AAAA", 0, true},
      {9, 12, "a1b1c1d3", "bcddd", 1, false},  // as many as are needed
      {9, 12, "a1b1c1d5", "cddddd", 2, false},
      {9, 12, "a1b1c9", "ccccccccc", 2, false},  // an empty queue takes any
      {9, 4, "A9", "AAAAAAAAA", 0, false},
      {9, 4, "A9B", "AAAAAAAAA", 0, true},
      {9, 4, "A9b", "AAAAAAAAA", 1, false},
      {0, 0, "ab", "b", 1, false},  // so that one message always fits
      {0, 0, "AB", "A", 0, true},
  };
  for (const auto& r : table) {
    send_queue q(queue_limits().messages(r.messages).bytes(r.bytes));

    const auto o = push_all(q, r.pushed);

    BOOST_TEST_CONTEXT(r.pushed << " into " << r.messages << " messages, " << r.bytes << " bytes") {
      BOOST_TEST(o.content == r.content);
      BOOST_TEST(o.dropped == r.dropped);
      BOOST_TEST(o.overflow == r.overflow);
      BOOST_TEST(q.bytes() == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(knows_the_age_of_its_oldest_message) {
  const auto hello = detail::encode(message_kind::text, boost::asio::buffer("hello", 5));
  std::size_t dropped = 0;
  send_queue q(queue_limits().stall(10s));
  q.push(hello, overflow::drop_oldest, start, dropped);
  q.push(hello, overflow::drop_oldest, start + 1s, dropped);
  q.push(hello, overflow::disconnect, start + 2s, dropped);
  q.push(hello, overflow::drop_oldest, start + 2s, dropped);

  BOOST_CHECK(q.expires() == start + 10s);
  BOOST_CHECK(q.expire(start + 10s - 1ns, dropped) == verdict::kept);
  BOOST_TEST(q.messages() == 4u);
  BOOST_CHECK(q.expire(start + 11s, dropped) == verdict::kept);
  BOOST_TEST(q.messages() == 2u);
  BOOST_TEST(dropped == 2u);
  BOOST_CHECK(q.expires() == start + 12s);
  BOOST_CHECK(q.expire(start + 12s, dropped) == verdict::overflows);
  BOOST_TEST(q.messages() == 2u);
  BOOST_TEST(q.clear() == 2u);
  BOOST_TEST(q.bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_stall_limit_without_end_never_expires) {
  std::size_t dropped = 0;
  send_queue q(queue_limits().stall(std::chrono::nanoseconds::max()));

  q.push(detail::encode(message_kind::binary, {}), overflow::disconnect, start, dropped);

  BOOST_CHECK(q.expires() == send_queue::time_point::max());
}

BOOST_AUTO_TEST_CASE(only_a_status_that_may_be_sent_closes_a_peer) {
  BOOST_CHECK_THROW(queue_limits().close_status(status::abnormal), std::invalid_argument);
  BOOST_CHECK(queue_limits().close_status(status{4000}).close_status() == status{4000});
}

BOOST_AUTO_TEST_SUITE_END()
