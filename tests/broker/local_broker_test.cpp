#include "broker/hearing.hpp"
#include "broker/local_broker_core.hpp"
#include "broker/topic_filter.hpp"
#include <coax/local_broker.hpp>
#include <coax/testing.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <thread>
#include <tuple>

BOOST_AUTO_TEST_SUITE(local_brokers)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

const history_limits hundred = history_limits().size(100);

struct local_world {
  explicit local_world(const history_limits& limits) : one(local_broker(local_broker_options().history(limits))) {}
  broker& at(std::size_t) { return *one; }

  const std::shared_ptr<broker> one;
};

std::shared_ptr<detail::local_broker_core> core_of(const local_broker_options& o) {
  return std::make_shared<detail::local_broker_core>(o);
}

using broker_worlds = std::tuple<local_world>;

}  // namespace

#include "broker/contract_cases.hpp"

BOOST_AUTO_TEST_CASE(all_sessions_that_are_subscribed_are_told_inside_publish) {
  const auto b = local_broker();
  node x(*b), y(*b), z(*b);
  const auto from = x.subscribe("a");
  BOOST_TEST(from.offset() == 0U);
  y.subscribe("a");
  z.subscribe("b");

  const auto where = y.publish("a", say("1"));

  BOOST_TEST(x.events->log() == "a:1");
  BOOST_TEST(y.events->log() == "a:1");
  BOOST_TEST(z.events->log().empty());
  const auto h = x.events->entries().front();
  BOOST_TEST((h.entry->behind(h.epoch) == where));
  BOOST_TEST((h.entry->before(h.epoch) == from));
  BOOST_TEST((x.session->link() == link_state::ready));
}

BOOST_AUTO_TEST_CASE(a_publication_is_stored_once_for_its_idempotency_key) {
  testing::virtual_clock clock;
  const auto b = local_broker(local_broker_options().history(hundred).idempotency(1min, 2));
  node x(*b);
  x.subscribe("a");
  const auto first = x.publish("a", say("1").idempotency_key("k"));
  x.publish("a", say("2"));

  BOOST_TEST((x.publish("a", say("1").idempotency_key("k")) == first));
  BOOST_TEST(x.events->log() == "a:1 a:2");
  BOOST_TEST(x.publish("b", say("1").idempotency_key("k")).offset() == 1U);  // another topic

  clock.advance(1min);
  BOOST_TEST(x.publish("a", say("3").idempotency_key("k")).offset() == 3U);
  for (const auto* key : {"l", "m"}) x.publish("a", say("4").idempotency_key(key));
  BOOST_TEST(x.publish("a", say("5").idempotency_key("k")).offset() == 6U);  // pushed out by l and m
}

BOOST_AUTO_TEST_CASE(times_without_end_are_for_ever) {
  const auto b = local_broker(local_broker_options()
                                  .idempotency(std::chrono::nanoseconds::max(), 2)
                                  .idle_time(std::chrono::nanoseconds::max()));
  node x(*b);
  const auto first = x.publish("a", say("1").idempotency_key("k"));
  x.publish("b", say("2"));
  BOOST_TEST((x.publish("a", say("1").idempotency_key("k")) == first));
}

BOOST_AUTO_TEST_CASE(events_that_are_gone_are_told_nothing) {
  const auto b = local_broker();
  node x(*b);
  x.subscribe("a");
  x.events.reset();
  BOOST_TEST(x.publish("a", say("1")).offset() == 1U);
}

BOOST_AUTO_TEST_CASE(a_filter_matches_level_by_level) {
  struct row {
    const char* filter;
    const char* topic;
    bool expected;
  };
  const row rows[] = {
      {"a", "a", true},      {"a", "b", false},        {"a", "a/b", false},       {"a/b", "a", false},
      {"+", "a", true},      {"+", "", true},          {"+", "a/b", false},       {"+/+", "a/b", true},
      {"+/+", "/", true},    {"a/+/c", "a/b/c", true}, {"a/+/c", "a/b/d", false}, {"a/+", "a", false},
      {"a/+", "a/", true},   {"#", "a/b/c", true},     {"#", "", true},           {"a/#", "a/b/c", true},
      {"a/#", "a", true},    {"a/#", "ab", false},     {"a/#", "b/a", false},     {"+/#", "a", true},
      {"a/+/#", "a", false}, {"a/+/#", "a/b", true},
  };
  for (const auto& r : rows)
    BOOST_TEST(detail::matches(r.filter, r.topic) == r.expected, r.filter << " on " << r.topic);
  for (const auto* f : {"#/a", "a/#/b", "#/#"}) BOOST_TEST(!detail::is_filter(f), f);
  for (const auto* f : {"", "a", "+", "#", "a/#", "+/a/+", "a#", "c++/#"}) BOOST_TEST(detail::is_filter(f), f);
}

BOOST_AUTO_TEST_CASE(what_is_published_inside_an_event_is_told_behind_it_in_one_order) {
  const auto b = local_broker();
  node x(*b), y(*b);
  x.subscribe("a"), y.subscribe("a"), x.subscribe("b"), y.subscribe("b");
  std::vector<std::uint64_t> offsets;
  x.events->during = [&](std::string_view topic, const log_entry& e) {
    if (topic == "b" || text_of(e) == "done") return;
    offsets.push_back(x.publish("a", say("done")).offset());
    x.publish("b", say(text_of(e)));
    x.session->enter("a", presence_member("1", "ann"));
  };

  x.publish("a", say("1"));

  BOOST_TEST(x.events->log() == "a:1 a:done b:1");
  BOOST_TEST(y.events->log() == "a:1 a:done b:1");
  BOOST_TEST(y.events->told() == "+ann@a");
  BOOST_TEST(offsets == std::vector<std::uint64_t>{2});
}

BOOST_AUTO_TEST_CASE(a_session_may_end_inside_an_event) {
  const auto b = local_broker();
  node x(*b), y(*b);
  x.subscribe("a"), y.subscribe("a");
  x.events->during = [&](std::string_view, const log_entry&) { y.session.reset(); };
  x.publish("a", say("1"));
  x.publish("a", say("2"));
  BOOST_TEST(x.events->log() == "a:1 a:2");
  BOOST_TEST(y.events->log().empty());
}

BOOST_AUTO_TEST_CASE(a_topic_that_nobody_is_in_is_remembered_for_a_while_and_then_forgotten) {
  testing::virtual_clock clock;
  const auto b = core_of(local_broker_options().idle_time(1min));
  node x(*b), y(*b);
  x.subscribe("a");
  const auto seen = x.publish("a", say("1"));
  x.session->unsubscribe("a");

  clock.advance(59s);
  BOOST_TEST((x.history("a", seen).found == continuity::whole));  // which is a use of it
  clock.advance(59s);
  BOOST_TEST((x.history("a", seen).found == continuity::whole));
  clock.advance(60s);
  y.subscribe("b");
  BOOST_TEST(b->topics() == 1U);
  BOOST_TEST((x.history("a", seen).found == continuity::forked));
}

BOOST_AUTO_TEST_CASE(a_topic_with_history_is_remembered_as_long_as_that_and_expired_history_is_freed_by_any_call) {
  testing::virtual_clock clock;
  const auto b = core_of(local_broker_options().idle_time(1min));
  node x(*b);
  const auto first = x.publish("a", say("1").history(history_limits().size(5).ttl(10min)));
  std::weak_ptr<const log_entry> kept = x.history("a").entries.front();
  clock.advance(9min);
  BOOST_TEST(x.history("a").entries.size() == 1U);
  clock.advance(1min);
  x.subscribe("b");
  BOOST_TEST(kept.expired());
  BOOST_TEST((x.history("a", first).found == continuity::whole));
}

BOOST_AUTO_TEST_CASE(idle_topics_are_bounded_and_those_in_use_are_not_among_them) {
  const auto b = core_of(local_broker_options().max_idle_topics(10).history(hundred));
  node x(*b), y(*b);
  x.subscribe("used");
  y.session->enter("present", presence_member("1", "ann"));
  for (int i = 0; i < 100; ++i) x.publish("idle/" + std::to_string(i), say("1"));
  BOOST_TEST(b->topics() <= 13U);
  BOOST_TEST(x.members("present").size() == 1U);
  BOOST_TEST(x.history("idle/99").entries.size() == 1U);
  BOOST_TEST(x.history("idle/0").entries.empty());
}

BOOST_AUTO_TEST_CASE(a_topic_that_is_watched_is_not_forgotten_for_its_age) {
  testing::virtual_clock clock;
  const auto b = core_of(local_broker_options().idle_time(1min));
  node x(*b);
  x.session->watch("a", nullptr);
  const auto seen = x.publish("a", say("1"));
  clock.advance(24h);
  x.subscribe("b");
  BOOST_TEST((x.history("a", seen).found == continuity::whole));
  x.session->unwatch("a");
  clock.advance(1min);
  x.subscribe("c");
  BOOST_TEST(b->topics() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
