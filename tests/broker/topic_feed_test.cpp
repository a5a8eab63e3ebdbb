#include "broker/topic_feed.hpp"

#include "broker/feed_world.hpp"

#include <random>

BOOST_AUTO_TEST_SUITE(topic_feeds)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;
using detail::steady;
using detail::topic_feed;

namespace {

const position none("e", 0, 0);
constexpr steady::time_point begin{1h};

// As "1 2 reset(4) 5".
std::string take_all(topic_feed& feed) {
  std::string told;
  while (auto e = feed.next()) {
    if (!told.empty()) told += ' ';
    if (const auto* entry = std::get_if<entry_ptr>(&*e)) {
      told += std::to_string((*entry)->offset());
    } else {
      const auto& r = std::get<topic_feed::reset>(*e);
      told += (r.why == continuity::forked ? "forked(" : "lost(") + std::to_string(r.from.offset()) + ")";
    }
  }
  return told;
}

history_page page_of(std::uint64_t first, std::uint64_t last, std::uint64_t end, std::uint64_t history = 100) {
  history_page p;
  for (auto i = first; i <= last; ++i) p.entries.push_back(entry(i, history));
  p.more = last != end;
  p.end = entry(end, history)->behind("e");
  return p;
}

topic_feed started(const topic_feed::limits& l = topic_feed::limits()) {
  topic_feed f(l);
  f.start(none);
  return f;
}

}  // namespace

BOOST_AUTO_TEST_CASE(entries_in_order_go_through_and_ask_nothing) {
  auto f = started();
  for (std::uint64_t i = 1; i <= 3; ++i) f.on_entry("e", entry(i));
  BOOST_TEST(take_all(f) == "1 2 3");
  BOOST_TEST(f.settled());
  BOOST_TEST(!f.due());
  BOOST_TEST((f.at() == entry(3)->behind("e")));
}

BOOST_AUTO_TEST_CASE(what_came_before_is_not_delivered_again) {
  auto f = started();
  for (const auto i : {1U, 2U, 1U, 2U}) f.on_entry("e", entry(i));
  BOOST_TEST(take_all(f) == "1 2");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_hole_is_asked_for_once_and_what_waits_behind_it_follows) {
  auto f = started();
  f.on_entry("e", entry(3));
  f.on_entry("e", entry(2));
  BOOST_TEST(take_all(f).empty());

  const auto q = f.inquire(begin);
  BOOST_REQUIRE(q);
  BOOST_TEST((q->since == none));
  BOOST_TEST(!f.inquire(begin));
  f.on_entry("e", entry(4));
  BOOST_TEST(!f.inquire(begin));
  f.on_page(q->id, page_of(1, 3, 3), begin);

  BOOST_TEST(take_all(f) == "1 2 3 4");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_hole_that_closes_by_itself_asks_nothing) {
  auto f = started();
  f.on_entry("e", entry(2));
  f.on_entry("e", entry(1));
  BOOST_TEST(take_all(f) == "1 2");
  BOOST_TEST(!f.inquire(begin));
}

BOOST_AUTO_TEST_CASE(a_lost_last_entry_is_found_by_a_doubt) {
  auto f = started();
  f.on_entry("e", entry(1));
  f.doubt();
  const auto q = f.inquire(begin);
  BOOST_REQUIRE(q);
  f.on_page(q->id, page_of(2, 2, 2), begin);
  BOOST_TEST(take_all(f) == "1 2");
}

BOOST_AUTO_TEST_CASE(entries_that_come_before_the_beginning_is_known_are_not_lost) {
  topic_feed f;
  f.on_entry("e", entry(3));
  f.on_entry("e", entry(4));
  BOOST_TEST(!f.inquire(begin));
  f.start(entry(2)->behind("e"));
  BOOST_TEST(take_all(f) == "3 4");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(what_finds_no_room_before_the_beginning_is_known_is_asked_for) {
  topic_feed::limits l;
  l.waiting = 1;
  topic_feed f(l);
  f.on_entry("e", entry(3));
  f.on_entry("e", entry(4));
  f.start(entry(2)->behind("e"));
  BOOST_TEST(take_all(f) == "3");
  BOOST_TEST(f.inquire(begin).has_value());
}

BOOST_AUTO_TEST_CASE(a_question_that_fails_is_asked_again_later_and_later) {
  auto f = started(topic_feed::limits());
  f.on_entry("e", entry(2));
  auto now = begin;
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 10; ++i) {
    const auto q = f.inquire(now);
    BOOST_REQUIRE(q);
    f.on_failure(q->id, now);
    BOOST_TEST(!f.inquire(now));
    BOOST_REQUIRE(f.due());
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(*f.due() - now));
    now = *f.due();
  }
  BOOST_TEST((waits.front() == 50ms));
  BOOST_TEST((waits.back() == 5s));
  BOOST_TEST(std::is_sorted(waits.begin(), waits.end()));

  f.on_page(f.inquire(now)->id, page_of(1, 2, 2), now);
  BOOST_TEST(take_all(f) == "1 2");
}

BOOST_AUTO_TEST_CASE(a_question_without_an_answer_is_asked_again_and_a_late_answer_ignored) {
  auto f = started();
  f.on_entry("e", entry(2));
  const auto first = f.inquire(begin);
  BOOST_REQUIRE(first);
  BOOST_TEST((f.due() == begin + 10s));
  BOOST_TEST(!f.inquire(begin + 10s));
  const auto second = f.inquire(*f.due());
  BOOST_REQUIRE(second);
  f.on_page(first->id, page_of(1, 2, 2), begin);
  f.on_failure(first->id, begin);
  BOOST_TEST(take_all(f).empty());
  f.on_page(second->id, page_of(1, 2, 2), begin);
  BOOST_TEST(take_all(f) == "1 2");
}

BOOST_AUTO_TEST_CASE(a_partial_page_is_continued_from_where_it_ends) {
  auto f = started();
  f.on_entry("e", entry(5));
  f.on_page(f.inquire(begin)->id, page_of(1, 2, 5), begin);
  BOOST_TEST(take_all(f) == "1 2");
  const auto q = f.inquire(begin);
  BOOST_REQUIRE(q);
  BOOST_TEST((q->since == entry(2)->behind("e")));
  f.on_page(q->id, page_of(3, 5, 5), begin);
  BOOST_TEST(take_all(f) == "3 4 5");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_hole_that_is_no_longer_kept_is_a_reset) {
  auto f = started();
  f.on_entry("e", entry(1));
  f.on_entry("e", entry(9));
  auto p = page_of(8, 9, 9);
  p.found = continuity::too_old;
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(take_all(f) == "1 lost(7) 8 9");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(without_history_what_waits_goes_on_behind_the_reset) {
  auto f = started();
  f.on_entry("e", entry(3));
  f.on_entry("e", entry(5));
  f.on_entry("e", entry(6));
  history_page p;
  p.found = continuity::too_old;
  p.end = entry(6)->behind("e");
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(take_all(f) == "lost(4) 5 6");
  BOOST_TEST(f.settled());
}

namespace {

// Of a topic that keeps nothing.
history_page only_end(std::uint64_t end) {
  history_page p;
  p.found = continuity::too_old;
  p.end = entry(end)->behind("e");
  return p;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_answer_that_is_faster_than_what_it_tells_of_is_no_reset) {
  auto f = started();
  f.doubt();
  f.on_page(f.inquire(begin)->id, only_end(2), begin);
  BOOST_TEST(take_all(f).empty());
  for (std::uint64_t i = 1; i <= 2; ++i) f.on_entry("e", entry(i));
  BOOST_TEST(take_all(f) == "1 2");
  // The same once more, from where it stands now.
  auto now = *f.due();
  f.on_page(f.inquire(now)->id, only_end(3), now);
  f.on_entry("e", entry(3));
  now = *f.due();
  auto end = only_end(3);
  end.found = continuity::whole;
  f.on_page(f.inquire(now)->id, end, now);
  BOOST_TEST(take_all(f) == "3");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(an_answer_of_what_has_been_delivered_meanwhile_ends_the_doubt) {
  auto f = started();
  f.doubt();
  const auto q = f.inquire(begin);
  for (std::uint64_t i = 1; i <= 5; ++i) f.on_entry("e", entry(i));
  f.on_page(q->id, only_end(3), begin);
  BOOST_TEST(take_all(f) == "1 2 3 4 5");
  BOOST_TEST(f.settled());
  // Of another history it proves nothing.
  f.doubt();
  const auto again = f.inquire(begin);
  f.on_entry("e", entry(6));
  auto p = only_end(6);
  p.end = entry(6, 500)->behind("e");
  f.on_page(again->id, p, begin);
  BOOST_TEST(take_all(f) == "6");
  BOOST_TEST(!f.settled());
}

BOOST_AUTO_TEST_CASE(what_does_not_come_in_a_moment_is_a_reset) {
  auto f = started();
  f.doubt();
  f.on_page(f.inquire(begin)->id, only_end(2), begin);
  BOOST_TEST(!f.inquire(begin));
  BOOST_TEST((f.due() == begin + topic_feed::limits().first_retry));
  f.on_page(f.inquire(*f.due())->id, only_end(2), begin);
  BOOST_TEST(take_all(f) == "lost(2)");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(who_reads_the_past_waits_for_nobody) {
  topic_feed f;
  f.start_since(none);
  f.on_page(f.inquire(begin)->id, only_end(2), begin);
  BOOST_TEST(take_all(f) == "lost(2)");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_fork_is_a_reset_to_the_last_entry_that_both_histories_have) {
  auto f = started();
  for (std::uint64_t i = 1; i <= 5; ++i) f.on_entry("e", entry(i));
  // 4 and 5 are lost; 4 to 6 are others now, and 6 does not continue 5.
  const auto other = std::make_shared<const log_entry>(say("6"), 6, 906, 905);
  f.on_entry("e", other);
  auto p = page_of(1, 3, 3);
  p.found = continuity::forked;
  p.entries.push_back(std::make_shared<const log_entry>(say("4"), 4, 904, p.entries.back()->tag()));
  p.entries.push_back(std::make_shared<const log_entry>(say("5"), 5, 905, 904));
  p.entries.push_back(other);
  p.end = other->behind("e");
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(take_all(f) == "1 2 3 4 5 forked(3) 4 5 6");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_new_epoch_is_a_reset_to_its_oldest_entry) {
  auto f = started();
  f.on_entry("e", entry(1));
  const auto first = entry(1, 500), second = entry(2, 500);
  f.on_entry("new", second);
  history_page p;
  p.found = continuity::forked;
  p.entries = {first, second};
  p.end = second->behind("new");
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(take_all(f) == "1 forked(0) 1 2");
  BOOST_TEST(f.at().epoch() == "new");
  f.on_entry("new", entry(3, 500));
  BOOST_TEST(take_all(f) == "3");
}

BOOST_AUTO_TEST_CASE(an_entry_of_a_dead_history_is_asked_about_once_and_forgotten) {
  auto f = started();
  f.on_entry("e", entry(1));
  f.on_entry("old", entry(7, 300));
  f.on_entry("e", entry(40, 700));
  history_page p;
  p.end = entry(1)->behind("e");
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(take_all(f) == "1");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(an_answer_that_contradicts_itself_is_not_used) {
  std::vector<history_page> bad;
  bad.push_back(page_of(2, 3, 3));  // does not begin behind the position asked for
  bad.push_back(page_of(1, 3, 3));
  bad.back().entries.erase(bad.back().entries.begin() + 1);  // a hole
  bad.push_back(page_of(1, 2, 3));
  bad.back().more = false;  // ends before its end
  bad.push_back(page_of(1, 3, 3));
  bad.back().entries[1] = entry(2, 999);  // a tag that does not fit
  bad.emplace_back().more = true;         // empty, and there is more
  bad.back().end = entry(3)->behind("e");
  bad.emplace_back();                              // no end
  bad.emplace_back().end = entry(3)->behind("e");  // all that came after, and there is nothing
  bad.push_back(page_of(1, 3, 3));
  bad.back().end = entry(3)->behind("other");  // whole, in another epoch
  bad.push_back(page_of(1, 3, 3));
  bad.back().entries[0] = nullptr;
  for (auto& p : bad) {
    auto f = started();
    f.on_entry("e", entry(3));
    f.on_page(f.inquire(begin)->id, p, begin);
    BOOST_TEST(take_all(f).empty());
    BOOST_TEST(!f.inquire(begin));
    BOOST_REQUIRE(f.due());
    f.on_page(f.inquire(*f.due())->id, page_of(1, 3, 3), begin);
    BOOST_TEST(take_all(f) == "1 2 3");
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_denies_its_own_answers_is_not_asked_without_a_pause) {
  auto f = started();
  f.on_entry("e", entry(5, 900));
  auto now = begin;
  int pauses = 0;
  for (int i = 0; i < 8; ++i) {
    auto p = page_of(1, 2, 3);
    p.found = continuity::forked;
    if (*f.due() > now) now = *f.due(), ++pauses;
    f.on_page(f.inquire(now)->id, p, now);
    take_all(f);
  }
  BOOST_TEST(pauses == 6);
}

BOOST_AUTO_TEST_CASE(what_waits_is_bounded_and_what_found_no_room_is_asked_for) {
  topic_feed::limits l;
  l.waiting = 2;
  auto f = started(l);
  for (std::uint64_t i = 2; i <= 9; ++i) f.on_entry("e", entry(i));
  const auto q = f.inquire(begin);
  for (std::uint64_t i = 10; i <= 12; ++i) f.on_entry("e", entry(i));
  f.on_page(q->id, page_of(1, 9, 9), begin);
  BOOST_TEST(take_all(f) == "1 2 3 4 5 6 7 8 9");
  const auto again = f.inquire(begin);
  BOOST_REQUIRE(again);
  f.on_page(again->id, page_of(10, 12, 12), begin);
  BOOST_TEST(take_all(f) == "10 11 12");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_joiner_gets_history_and_what_was_published_meanwhile_once_and_in_order) {
  topic_feed f;
  f.start_since(entry(2)->behind("e"));
  f.on_entry("e", entry(6));  // published while the history is read
  f.on_page(f.inquire(begin)->id, page_of(3, 5, 5), begin);
  f.on_entry("e", entry(7));
  BOOST_TEST(take_all(f) == "3 4 5 6 7");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_joiner_without_a_position_gets_all_that_is_kept_and_no_reset) {
  topic_feed f;
  f.start_since({});
  f.on_entry("e", entry(6));
  f.on_page(f.inquire(begin)->id, page_of(4, 6, 6), begin);
  BOOST_TEST(take_all(f) == "4 5 6");
  BOOST_TEST(f.settled());
}

BOOST_AUTO_TEST_CASE(a_joiner_of_an_empty_topic_is_at_its_end) {
  topic_feed f;
  f.start_since({});
  history_page p;
  p.end = none;
  f.on_page(f.inquire(begin)->id, p, begin);
  BOOST_TEST(f.settled());
  f.on_entry("e", entry(1));
  BOOST_TEST(take_all(f) == "1");
}

namespace {

// What the network may still do.
struct budget {
  int publish, drop, duplicate, fork, fail;
};

std::size_t schedules = 0;

// Tries every order of everything that can happen next.
void explore(const feed_world& w, budget b) {
  bool any = false;
  const auto branch = [&](auto act, budget left) {
    any = true;
    feed_world next = w;
    act(next);
    next.settle();
    explore(next, left);
  };
  if (b.publish > 0) branch([](feed_world& n) { n.publish(); }, {b.publish - 1, b.drop, b.duplicate, b.fork, b.fail});
  if (b.fork > 0 && w.log.end().offset() > 0)
    branch([](feed_world& n) { n.fork(1); }, {b.publish, b.drop, b.duplicate, b.fork - 1, b.fail});
  for (std::size_t i = 0; i < w.flight.size(); ++i) {
    branch([i](feed_world& n) { n.arrive(i), n.forget(i); }, b);
    if (b.duplicate > 0)
      branch([i](feed_world& n) { n.arrive(i); }, {b.publish, b.drop, b.duplicate - 1, b.fork, b.fail});
    if (b.drop > 0) branch([i](feed_world& n) { n.forget(i); }, {b.publish, b.drop - 1, b.duplicate, b.fork, b.fail});
  }
  if (w.question && !w.page) branch([](feed_world& n) { n.read(); }, b);
  if (w.page) branch([](feed_world& n) { n.answer(); }, b);
  if (w.question && b.fail > 0)
    branch([](feed_world& n) { n.fail(); }, {b.publish, b.drop, b.duplicate, b.fork, b.fail - 1});
  if (any) return;
  ++schedules;
  feed_world end = w;
  end.finish();
  BOOST_REQUIRE(end.received.repeated() == 0);
  BOOST_REQUIRE((end.received.resets() != 0) == end.delivered_what_was_lost());
  BOOST_REQUIRE(end.received.resets() <= end.forked);
}

std::size_t explore_all(budget b) {
  feed_world w(history_limits().size(100));
  w.start();
  schedules = 0;
  explore(w, b);
  return schedules;
}

}  // namespace

BOOST_AUTO_TEST_CASE(in_every_order_of_drops_and_duplicates_nothing_is_lost_repeated_or_reset) {
  BOOST_TEST(explore_all({3, 1, 1, 0, 0}) > 1000U);
  BOOST_TEST(explore_all({3, 2, 0, 0, 1}) > 1000U);
}

BOOST_AUTO_TEST_CASE(
    in_every_order_of_a_fork_there_is_a_reset_if_and_only_if_something_that_was_lost_had_been_delivered) {
  BOOST_TEST(explore_all({3, 1, 0, 1, 0}) > 1000U);
  BOOST_TEST(explore_all({3, 0, 1, 1, 0}) > 1000U);
  BOOST_TEST(explore_all({3, 0, 0, 2, 0}) > 1000U);
}

namespace {

struct random_run {
  history_limits history;
  topic_feed::limits limits;
  bool forks = false;
};

// A long life on a bad network.
void live(unsigned seed, const random_run& how) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    std::mt19937 random(seed);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    feed_world w(how.history, how.limits);
    w.start();
    for (int step = 0; step < 2000; ++step) {
      w.now += std::chrono::milliseconds(random() % 100);
      if (one_in(4)) w.publish();
      if (!w.flight.empty() && !one_in(4)) {
        // Mostly the oldest.
        const std::size_t i = one_in(3) ? random() % w.flight.size() : 0;
        if (one_in(10)) {
          w.forget(i);
        } else {
          w.arrive(i);
          if (!one_in(10)) w.forget(i);
        }
      }
      if (w.question && !w.page && one_in(2)) w.read();
      if (w.page && one_in(2)) w.answer();
      if (w.question && one_in(10)) w.fail();
      if (how.forks && one_in(150)) w.fork(1 + random() % 4);
      if (how.forks && one_in(700)) w.log.lose_all();
      if (one_in(100)) w.feed.doubt();
      w.settle();
    }
    w.finish();
    if (how.forks) return;
    BOOST_TEST(w.received.forks() == 0U);
    BOOST_TEST(w.received.repeated() == 0U);
    if (how.history.size() < 1000) return;
    BOOST_TEST(w.received.resets() == 0U);
    BOOST_TEST(w.received.entries().size() == static_cast<std::size_t>(w.published));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(long_lives_with_history_lose_repeat_and_reset_nothing) {
  for (unsigned seed = 1; seed <= 40; ++seed) live(seed, {history_limits().size(10'000), {}});
}

BOOST_AUTO_TEST_CASE(long_lives_with_small_pages_and_little_room_lose_repeat_and_reset_nothing) {
  topic_feed::limits l;
  l.waiting = 3;
  l.page = 2;
  for (unsigned seed = 1; seed <= 40; ++seed) live(seed, {history_limits().size(10'000), l});
}

BOOST_AUTO_TEST_CASE(long_lives_with_little_or_no_history_say_what_is_lost) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    live(seed, {history_limits().size(5), {}});
    live(seed, {history_limits(), {}});
  }
}

BOOST_AUTO_TEST_CASE(long_lives_with_forks_end_where_the_log_ends) {
  topic_feed::limits small;
  small.waiting = 3;
  small.page = 2;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    live(seed, {history_limits().size(10'000), {}, true});
    live(seed, {history_limits().size(5), small, true});
    live(seed, {history_limits(), {}, true});
  }
}

BOOST_AUTO_TEST_CASE(joiners_from_anywhere_in_the_past_end_where_the_topic_does) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    feed_world topic(history_limits().size(10'000));
    for (int i = 0; i < 50; ++i) topic.publish();
    const auto all = topic.log.read({}, SIZE_MAX, topic.now).entries;
    const auto from = random() % 51;
    feed_world joiner = topic;
    joiner.flight.clear();
    const position since = from == 50 ? position() : all[from]->before(topic.log.epoch());
    joiner.feed.start_since(since);
    joiner.received = replica(since);
    joiner.ask();
    for (int step = 0; step < 60; ++step) {
      if (random() % 3 == 0) joiner.publish();
      if (!joiner.flight.empty() && random() % 2 == 0) joiner.arrive(0), joiner.forget(0);
      if (joiner.question && !joiner.page && random() % 3 == 0) joiner.read();
      if (joiner.page && random() % 3 == 0) joiner.answer();
    }
    joiner.finish();
    BOOST_TEST(joiner.received.resets() == 0U);
    BOOST_TEST(joiner.received.repeated() == 0U);
    BOOST_TEST(joiner.received.entries().size() ==
               static_cast<std::size_t>(joiner.published) - (from == 50 ? 0 : from));
  }
}

BOOST_AUTO_TEST_SUITE_END()
