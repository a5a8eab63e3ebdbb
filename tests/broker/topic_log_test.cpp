#include "broker/topic_log.hpp"

#include "broker/entries.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(topic_logs)

using namespace coax;
using namespace coax::test;
using detail::steady;
using detail::topic_log;

namespace {

constexpr steady::time_point start{std::chrono::hours(1)};
constexpr std::size_t no_bound = std::size_t{1} << 40;

topic_log log_of(std::size_t entries, const history_limits& limits = history_limits().size(1000)) {
  topic_log log(limits, no_bound);
  for (std::size_t i = 1; i <= entries; ++i) log.append(say(std::to_string(i)), start);
  return log;
}

position at(topic_log& log, std::uint64_t offset) {
  const auto all = log.read({}, SIZE_MAX, start);
  return all.entries.at(offset - all.entries.front()->offset())->behind(log.epoch());
}

using offsets = std::vector<std::uint64_t>;

}  // namespace

BOOST_AUTO_TEST_CASE(offsets_count_from_1_and_each_entry_names_its_predecessor) {
  topic_log log(history_limits().size(10), no_bound);
  BOOST_TEST((log.end() == position(log.epoch(), 0, 0)));

  const auto a = log.append(say("a"), start);
  const auto b = log.append(say("b"), start);

  BOOST_TEST(a->offset() == 1U);
  BOOST_TEST(a->previous() == 0U);
  BOOST_TEST(a->tag() != 0U);
  BOOST_TEST(b->offset() == 2U);
  BOOST_TEST(b->previous() == a->tag());
  BOOST_TEST((log.end() == b->behind(log.epoch())));
}

BOOST_AUTO_TEST_CASE(two_logs_share_neither_epoch_nor_tags) {
  auto a = log_of(3), b = log_of(3);
  BOOST_TEST(a.epoch() != b.epoch());
  for (std::uint64_t i = 1; i <= 3; ++i) BOOST_TEST(at(a, i).tag() != at(b, i).tag());
}

BOOST_AUTO_TEST_CASE(what_comes_after_each_position_is_found) {
  auto log = log_of(5);
  const offsets all{1, 2, 3, 4, 5};
  for (std::uint64_t i = 0; i <= 5; ++i) {
    const auto since = i == 0 ? position(log.epoch(), 0, 0) : at(log, i);
    const auto page = log.read(since, 100, start);
    BOOST_TEST((page.found == continuity::whole));
    BOOST_TEST(offsets_of(page.entries) == offsets(all.begin() + static_cast<std::ptrdiff_t>(i), all.end()));
    BOOST_TEST(!page.more);
    BOOST_TEST((page.end == log.end()));
  }
}

BOOST_AUTO_TEST_CASE(a_page_holds_no_more_than_asked_for_and_says_so) {
  auto log = log_of(5);
  auto page = log.read(at(log, 1), 2, start);
  BOOST_TEST(offsets_of(page.entries) == (offsets{2, 3}));
  BOOST_TEST(page.more);

  page = log.read(at(log, 3), 2, start);
  BOOST_TEST(offsets_of(page.entries) == (offsets{4, 5}));
  BOOST_TEST(!page.more);

  page = log.read(at(log, 3), 0, start);
  BOOST_TEST(page.entries.empty());
  BOOST_TEST(page.more);
  BOOST_TEST((page.found == continuity::whole));
}

BOOST_AUTO_TEST_CASE(no_position_asks_for_all_that_is_kept) {
  auto log = log_of(5, history_limits().size(3));
  const auto page = log.read({}, 100, start);
  BOOST_TEST((page.found == continuity::whole));
  BOOST_TEST(offsets_of(page.entries) == (offsets{3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_position_before_what_is_kept_is_too_old) {
  auto log = log_of(3);
  const auto first = at(log, 1), second = at(log, 2);
  log.append(say("4").history(history_limits().size(2)), start);

  BOOST_TEST((log.read(second, 9, start).found == continuity::whole));  // 3 and 4 are kept
  const auto page = log.read(first, 9, start);
  BOOST_TEST((page.found == continuity::too_old));
  BOOST_TEST(offsets_of(page.entries) == (offsets{3, 4}));
  BOOST_TEST((log.read(position(log.epoch(), 0, 0), 9, start).found == continuity::too_old));
}

BOOST_AUTO_TEST_CASE(another_epoch_another_tag_and_an_offset_to_come_are_of_another_history) {
  auto log = log_of(3), other = log_of(3);
  const auto second = at(log, 2);
  for (const auto& p : {at(other, 2), position(log.epoch(), 2, second.tag() + 1), position(log.epoch(), 3, 1),
                        position(log.epoch(), 0, 1), position(log.epoch(), 4, 1)}) {
    const auto page = log.read(p, 9, start);
    BOOST_TEST((page.found == continuity::forked));
    BOOST_TEST(offsets_of(page.entries) == (offsets{1, 2, 3}));
  }
}

BOOST_AUTO_TEST_CASE(entries_expire_and_offsets_go_on) {
  using namespace std::chrono_literals;
  topic_log log(history_limits().size(10).ttl(10s), no_bound);
  log.append(say("a"), start);
  log.append(say("b"), start + 4s);
  BOOST_TEST((log.expires() == start + 10s));
  BOOST_TEST((log.ends(start) == start + 14s));

  BOOST_TEST(log.read({}, 9, start + 9s).entries.size() == 2U);
  BOOST_TEST(offsets_of(log.read({}, 9, start + 10s).entries) == (offsets{2}));
  const auto end = log.end();
  BOOST_TEST(log.read({}, 9, start + 14s).entries.empty());
  BOOST_TEST((log.end() == end));
  BOOST_TEST((log.read(end, 9, start + 15s).found == continuity::whole));
  BOOST_TEST(!log.expires());
  BOOST_TEST(log.append(say("c"), start + 20s)->offset() == 3U);
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_by_default_and_the_end_is_known_all_the_same) {
  auto log = log_of(3, history_limits());
  BOOST_TEST(log.size() == 0U);
  const auto end = log.end();
  BOOST_TEST((log.read(end, 9, start).found == continuity::whole));
  log.append(say("4"), start);
  BOOST_TEST((log.read(end, 9, start).found == continuity::too_old));
}

BOOST_AUTO_TEST_CASE(bytes_are_bounded_but_the_last_entry_is_kept) {
  topic_log log(history_limits().size(100), 10);
  log.append(say("123456"), start);
  log.append(say("1234"), start);
  BOOST_TEST(log.bytes() == 10U);
  log.append(say("1"), start);
  BOOST_TEST(log.size() == 2U);
  BOOST_TEST(log.bytes() == 5U);
  log.append(say("12345678901234567890"), start);
  BOOST_TEST(log.size() == 1U);
  BOOST_TEST(log.bytes() == 20U);
}

BOOST_AUTO_TEST_CASE(the_ring_grows_and_shrinks_with_its_limit) {
  auto log = log_of(1000, history_limits().size(500));
  BOOST_TEST(log.size() == 500U);
  log.append(say("x").history(history_limits().size(20)), start);
  BOOST_TEST(offsets_of(log.read({}, 9, start).entries).front() == 982U);
  BOOST_TEST(log.size() == 20U);
  log.append(say("x"), start);
  BOOST_TEST(log.size() == 20U);
}

BOOST_AUTO_TEST_CASE(a_history_that_lost_its_end_gives_the_same_offsets_to_other_entries) {
  auto log = log_of(5);
  const auto third = at(log, 3), fifth = at(log, 5);

  log.lose_last(2);

  BOOST_TEST((log.end() == third));
  BOOST_TEST((log.read(third, 9, start).found == continuity::whole));
  BOOST_TEST((log.read(fifth, 9, start).found == continuity::forked));
  for (int i = 0; i < 2; ++i) log.append(say("other"), start);
  BOOST_TEST(log.end().offset() == fifth.offset());
  BOOST_TEST(log.end().tag() != fifth.tag());
  BOOST_TEST((log.read(fifth, 9, start).found == continuity::forked));
  BOOST_TEST((log.read(third, 9, start).found == continuity::whole));
}

BOOST_AUTO_TEST_CASE(a_lost_log_begins_a_new_epoch) {
  auto log = log_of(5);
  const auto before = log.end();
  log.lose_all();
  BOOST_TEST(log.epoch() != before.epoch());
  BOOST_TEST(log.end().offset() == 0U);
  BOOST_TEST(log.bytes() == 0U);
  BOOST_TEST((log.read(before, 9, start).found == continuity::forked));
}

BOOST_AUTO_TEST_SUITE_END()
