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

std::string payload(const detail::shared_delivery& d) {
  const auto bytes = d->frame()->payload();
  return std::string(static_cast<const char*>(bytes.data()), bytes.size());
}

detail::shared_delivery direct(std::string_view text, message_kind kind = message_kind::text) {
  return std::make_shared<const detail::delivery>(detail::encode(kind, boost::asio::buffer(text)));
}

detail::shared_delivery published(std::string_view text, std::uint64_t offset = 1, std::string key = {}) {
  const auto what = publication(prepared_message(text)).key(std::move(key));
  return std::make_shared<const detail::delivery>(std::make_shared<const log_entry>(what, offset, 1, 1),
                                                  detail::name_history("topic", "epoch"));
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
    const bool repeated = i + 1 < letters.size() && std::isdigit(letters[i + 1]);
    const auto length = static_cast<std::size_t>(repeated ? letters[++i] - '0' : 1);
    const auto policy = std::isupper(c) ? overflow::disconnect : overflow::drop_oldest;
    const std::string text(length, c);
    o.overflow = q.push(direct(text), policy, start, o.dropped) == verdict::overflows;
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
  const auto hello = direct("hello");
  std::size_t dropped = 0;
  std::vector<send_queue::rewound> back;
  send_queue q(queue_limits().stall(10s));
  q.push(hello, overflow::drop_oldest, start, dropped);
  q.push(hello, overflow::drop_oldest, start + 1s, dropped);
  q.push(hello, overflow::disconnect, start + 2s, dropped);
  q.push(hello, overflow::drop_oldest, start + 2s, dropped);

  BOOST_CHECK(q.expires() == start + 10s);
  BOOST_CHECK(q.expire(start + 10s - 1ns, dropped, back) == verdict::kept);
  BOOST_TEST(q.messages() == 4u);
  BOOST_CHECK(q.expire(start + 11s, dropped, back) == verdict::kept);
  BOOST_TEST(q.messages() == 2u);
  BOOST_TEST(dropped == 2u);
  BOOST_CHECK(q.expires() == start + 12s);
  BOOST_CHECK(q.expire(start + 12s, dropped, back) == verdict::overflows);
  BOOST_TEST(q.messages() == 2u);
  BOOST_TEST(q.clear() == 2u);
  BOOST_TEST(q.bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_stall_limit_without_end_never_expires) {
  std::size_t dropped = 0;
  send_queue q(queue_limits().stall(std::chrono::nanoseconds::max()));

  q.push(direct({}, message_kind::binary), overflow::disconnect, start, dropped);

  BOOST_CHECK(q.expires() == send_queue::time_point::max());
}

namespace {

/// Two topics, a and b, and the queue of one peer in both. Each step is a message: its topic, its key, its text.
struct two_topics {
  explicit two_topics(const queue_limits& limits) : q(limits) {}

  verdict push(char topic, std::string_view text, overflow policy, std::string key = {}) {
    const auto& log = topic == 'a' ? a : b;
    const auto at = log->append(published(text, ++offset, std::move(key)), now);
    const auto v = q.push(log, at, policy, dropped);
    log->release(at);
    return v;
  }

  detail::shared_ring a = std::make_shared<detail::ring>(std::make_shared<detail::topic_tally>("a"));
  detail::shared_ring b = std::make_shared<detail::ring>(std::make_shared<detail::topic_tally>("b"));
  send_queue q;
  send_queue::time_point now = start;
  std::uint64_t offset = 0;
  std::size_t dropped = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(consecutive_messages_of_a_topic_are_one_run) {
  two_topics t(queue_limits().messages(1000));
  for (int i = 0; i != 100; ++i) t.push('a', "a", overflow::disconnect);
  BOOST_TEST(t.q.runs() == 1u);
  t.push('b', "b", overflow::disconnect);
  t.push('a', "c", overflow::disconnect);
  BOOST_TEST(t.q.runs() == 3u);
  BOOST_TEST(t.a->size() == 101u);

  BOOST_TEST(take_all(t.q) == std::string(100, 'a') + "bc");

  BOOST_TEST(t.a->size() == 0u);
  BOOST_TEST(t.b->size() == 0u);
  BOOST_TEST(t.q.bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(many_queues_hold_a_message_once) {
  auto log = std::make_shared<detail::ring>();
  std::vector<std::unique_ptr<send_queue>> queues;
  for (int i = 0; i != 100; ++i) queues.push_back(std::make_unique<send_queue>(queue_limits().messages(10)));
  std::size_t dropped = 0;
  for (int i = 0; i != 1000; ++i) {
    const auto at = log->append(published("x"), start);
    for (auto& q : queues) q->push(log, at, overflow::drop_oldest, dropped);
    log->release(at);
  }

  BOOST_TEST(dropped == 99'000u);
  BOOST_TEST(log->size() == 10u);
  for (auto& q : queues) BOOST_TEST(q->runs() == 1u);
  queues.clear();
  BOOST_TEST(log->size() == 0u);
}

// What one slow reader holds at the front does not keep what came behind it.
BOOST_AUTO_TEST_CASE(an_entry_held_for_long_keeps_no_others) {
  two_topics t(queue_limits().messages(10));
  t.push('a', "first", overflow::conflate, "rare");
  for (int i = 0; i != 100'000; ++i) t.push('a', std::to_string(i), overflow::conflate, "often");

  BOOST_TEST(t.dropped == 99'999u);
  BOOST_TEST(t.q.messages() == 2u);
  BOOST_TEST(t.a->size() < 200u);
  BOOST_TEST(take_all(t.q) == "first99999");
  BOOST_TEST(t.a->size() == 0u);
}

BOOST_AUTO_TEST_CASE(drop_newest_keeps_what_is_queued) {
  two_topics t(queue_limits().messages(3));
  for (const char* text : {"1", "2", "3", "4", "5"})
    BOOST_CHECK(t.push('a', text, overflow::drop_newest) == verdict::kept);

  BOOST_TEST(t.dropped == 2u);
  BOOST_TEST(t.a->tally->dropped == 2u);
  BOOST_TEST(take_all(t.q) == "123");
}

BOOST_AUTO_TEST_CASE(conflate_keeps_the_last_of_each_key) {
  two_topics t(queue_limits().messages(4));
  t.push('a', "A1 ", overflow::conflate, "A");
  t.push('a', "B1 ", overflow::conflate, "B");
  t.push('b', "A-of-b ", overflow::conflate, "A");
  t.push('a', "A2 ", overflow::conflate, "A");
  t.push('a', "B2 ", overflow::conflate, "B");
  t.push('a', "A3 ", overflow::conflate, "A");
  BOOST_TEST(t.dropped == 3u);
  BOOST_TEST(t.q.messages() == 3u);
  t.push('a', "C1 ", overflow::conflate, "C");
  t.push('a', "D1 ", overflow::conflate, "D");  // the oldest goes
  t.push('a', "none ", overflow::conflate);     // so it does for what has no key

  BOOST_TEST(t.dropped == 5u);
  BOOST_TEST(take_all(t.q) == "A3 C1 D1 none ");
}

BOOST_AUTO_TEST_CASE(latest_keeps_the_last_of_a_topic) {
  two_topics t(queue_limits().messages(10));
  t.push('a', "a1 ", overflow::latest);
  t.push('b', "b1 ", overflow::latest);
  t.push('a', "a2 ", overflow::latest);
  t.push('b', "b2 ", overflow::disconnect);
  t.push('a', "a3 ", overflow::latest);
  t.push('b', "b3 ", overflow::latest);

  BOOST_TEST(t.dropped == 3u);
  BOOST_TEST(take_all(t.q) == "b2 a3 b3 ");
}

BOOST_AUTO_TEST_CASE(what_is_a_value_does_not_age) {
  two_topics t(queue_limits().stall(5s));
  t.push('a', "key ", overflow::conflate, "k");
  t.push('b', "latest ", overflow::latest);
  BOOST_CHECK(t.q.expires() == send_queue::time_point::max());
  t.now += 1s;
  t.push('b', "oldest ", overflow::drop_oldest);
  t.push('b', "newest ", overflow::drop_newest);
  std::vector<send_queue::rewound> back;

  BOOST_CHECK(t.q.expires() == start + 6s);
  BOOST_CHECK(t.q.expire(start + 1h, t.dropped, back) == verdict::kept);

  BOOST_TEST(t.dropped == 2u);
  BOOST_TEST(take_all(t.q) == "key latest ");
}

BOOST_AUTO_TEST_CASE(rewind_has_its_messages_read_again) {
  two_topics t(queue_limits().messages(4).stall(5s));
  t.push('a', "a1 ", overflow::rewind);
  t.push('b', "b1 ", overflow::disconnect);
  t.now += 1s;
  t.push('a', "a2 ", overflow::rewind);
  t.push('b', "b2 ", overflow::drop_newest);
  BOOST_CHECK(t.push('a', "a3 ", overflow::rewind) == verdict::rewinds);
  BOOST_TEST(t.q.messages() == 4u);
  BOOST_TEST(t.dropped == 0u);
  std::vector<send_queue::rewound> back;

  // The topic leaves as a whole: what came behind the old message must not overtake it.
  BOOST_CHECK(t.q.expire(start + 5s, t.dropped, back) == verdict::overflows);  // of b1

  BOOST_REQUIRE(back.size() == 1u);
  BOOST_CHECK(back[0].log == t.a);
  BOOST_TEST(payload(back[0].from) == "a1 ");
  BOOST_TEST(back[0].messages == 2u);
  BOOST_TEST(t.q.messages() == 2u);
  BOOST_TEST(t.dropped == 0u);
  BOOST_TEST(t.a->size() == 0u);
  BOOST_TEST(take_all(t.q) == "b1 b2 ");
}

BOOST_AUTO_TEST_CASE(what_was_let_in_under_block_has_room_up_to_twice_the_bounds) {
  two_topics t(queue_limits().messages(2));
  for (int i = 0; i != 4; ++i) BOOST_CHECK(t.push('a', "x", overflow::block) == verdict::kept);
  BOOST_CHECK(t.push('a', "x", overflow::block) == verdict::overflows);
  t.q.pop();
  t.q.pop();

  const auto left = t.q.take_unblocked();
  BOOST_TEST(left.messages == 2u);
  BOOST_TEST(left.bytes == 6u);
  BOOST_TEST(t.q.take_unblocked().messages == 0u);
}

BOOST_AUTO_TEST_CASE(losses_are_told_once_for_each_topic) {
  two_topics t(queue_limits().messages(1).notices(true));
  t.push('a', "1", overflow::drop_newest);
  for (int i = 0; i != 3; ++i) t.push('a', "x", overflow::drop_newest);
  t.q.push(direct("x"), overflow::drop_newest, start, t.dropped);
  t.q.tell_reset(*t.b);
  t.q.tell_reset(*t.b);
  std::string told;
  for (; const auto* n = t.q.untold(); t.q.told())
    told += (n->topic ? n->topic->name : "-") + std::to_string(n->messages) + " ";

  BOOST_TEST(told == "a3 -1 b0 ");
  BOOST_TEST(t.dropped == 4u);
}

BOOST_AUTO_TEST_CASE(only_a_status_that_may_be_sent_closes_a_peer) {
  BOOST_CHECK_THROW(queue_limits().close_status(status::abnormal), std::invalid_argument);
  BOOST_CHECK(queue_limits().close_status(status{4000}).close_status() == status{4000});
}

BOOST_AUTO_TEST_SUITE_END()
