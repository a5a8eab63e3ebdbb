#include "redis/hub_node.hpp"
#include "redis/redis_proxy.hpp"

#include <map>
#include <set>

BOOST_AUTO_TEST_SUITE(redis_broker_faults,
                      *boost::unit_test::precondition([](auto) { return coax::test::has_redis(); }))

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

const history_limits plenty = history_limits().size(100'000);

redis_broker_options keeping_all() { return redis_broker_options().history(plenty); }

std::vector<std::string> durable() { return {"--appendonly", "yes", "--appendfsync", "always", "--dir", "{dir}"}; }

/// Publishes numbers to topics, as fast as it is told to, and counts what becomes of them.
class publisher {
 public:
  publisher(broker& b, std::vector<std::string> topics) : node_(b), topics_(std::move(topics)) {}

  void run_for(std::chrono::milliseconds time, std::chrono::microseconds pause) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      publish();
      std::this_thread::sleep_for(pause);
    }
  }
  void publish() {
    ++published_;
    node_.session->publish(topics_[published_ % topics_.size()], say(std::to_string(published_)),
                           [this](const result<position>& at) { ++(at ? stored_ : failed_); });
  }
  /// Until all are answered.
  void wait() {
    wait_until([&] { return stored_ + failed_ == published_; }, "all publications are answered");
  }
  std::size_t published() const { return published_; }
  std::size_t failed() const { return failed_; }

 private:
  node node_;
  const std::vector<std::string> topics_;
  std::size_t published_ = 0;
  std::atomic<std::size_t> stored_{0}, failed_{0};
};

struct verdict {
  std::size_t lost = 0, duplicated = 0, reordered = 0;
};

/// Of numbers from 1 on, as they were heard, over topics in turn.
verdict judge(const names& heard, std::size_t published, std::size_t topics) {
  verdict v;
  std::set<std::size_t> seen;
  std::map<std::size_t, std::size_t> last;
  for (const auto& text : heard) {
    const auto n = std::stoul(text);
    auto& before = last[n % topics];
    if (!seen.insert(n).second)
      ++v.duplicated;
    else if (n < before)
      ++v.reordered;
    before = std::max(before, n);
  }
  v.lost = published - seen.size();
  return v;
}

void check_all_heard(hub_node& listener, publisher& p, std::size_t topics) {
  p.wait();
  BOOST_TEST(p.failed() == 0U);
  wait_until([&] { return listener.heard().size() >= p.published(); }, "all is heard");
  const auto v = judge(listener.heard(), p.published(), topics);
  BOOST_TEST(v.lost == 0U);
  BOOST_TEST(v.duplicated == 0U);
  BOOST_TEST(v.reordered == 0U);
  BOOST_TEST(listener.hub.stats().resets == 0U);
}

}  // namespace

BOOST_AUTO_TEST_CASE(f1_a_restart_with_data_loses_nothing) {
  redis_server redis(durable());
  redis_brokers brokers(redis.url(), 2, keeping_all());
  hub_node listener(brokers.shared(0));
  for (const auto* topic : {"a", "b"}) listener.join(topic);
  listener.wait_ready();
  publisher p(brokers[1], {"a", "b"});

  std::jthread load([&] { p.run_for(2s, 500us); });
  std::this_thread::sleep_for(500ms);
  redis.kill();
  std::this_thread::sleep_for(200ms);
  redis.start();
  load.join();

  check_all_heard(listener, p, 2);
}

BOOST_AUTO_TEST_CASE(f2_a_restart_without_data_is_told_and_survived) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 2, keeping_all());
  hub_node listener(brokers.shared(0));
  listener.join("a");
  listener.wait_ready();
  node n(brokers[1]);
  n.publish("a", say("1"));
  n.publish("a", say("2"));
  wait_until([&] { return listener.heard() == names{"1", "2"}; }, "it is heard");

  redis.kill();
  redis.start();
  n.publish("a", say("3"));

  wait_until([&] { return listener.heard() == names{"1", "2", "3"}; }, "it goes on");
  BOOST_TEST(listener.hub.stats().resets == 1U);
}

BOOST_AUTO_TEST_CASE(f3_subscriptions_that_are_cut_every_100_ms_lose_nothing) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 2, keeping_all());
  hub_node listener(brokers.shared(0));
  for (const auto* topic : {"a", "b", "c"}) listener.join(topic);
  listener.wait_ready();
  publisher p(brokers[1], {"a", "b", "c"});

  std::jthread load([&] { p.run_for(3s, 300us); });
  int cuts = 0;
  for (; cuts != 25; ++cuts) {
    redis.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
    std::this_thread::sleep_for(100ms);
  }
  load.join();

  check_all_heard(listener, p, 3);
  BOOST_TEST_MESSAGE("published " << p.published() << " while the subscriptions were cut " << cuts << " times");
}

BOOST_AUTO_TEST_CASE(f5_a_redis_that_freezes_loses_nothing) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 2, keeping_all().publish_time(30s));
  hub_node listener(brokers.shared(0));
  listener.join("a");
  listener.wait_ready();
  publisher p(brokers[1], {"a"});

  std::jthread load([&] { p.run_for(4s, 2ms); });
  std::this_thread::sleep_for(200ms);
  redis.freeze();
  wait_until([&] { return listener.hub.state() == hub_state::degraded; }, "it is noticed");
  redis.unfreeze();
  load.join();

  check_all_heard(listener, p, 1);
  listener.wait_ready();
}

BOOST_AUTO_TEST_CASE(f8_a_deaf_connection_is_found_by_the_probe) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  const auto patient = redis_options().ping_interval(1h).reply_timeout(1h);
  redis_brokers brokers(redis.url(), 1, keeping_all().probe_interval(200ms).redis(patient));
  brokers.add(proxy.url());
  hub_node listener(brokers.shared(1));
  listener.join("a");
  listener.wait_ready();
  node n(brokers[0]);
  n.publish("a", say("1"));
  wait_until([&] { return listener.heard() == names{"1"}; }, "it is heard");

  proxy.deafen();
  n.publish("a", say("2"));

  wait_until([&] { return listener.heard() == names{"1", "2"}; }, "it is heard in the end");
  BOOST_TEST(listener.hub.stats().resets == 0U);
}

BOOST_AUTO_TEST_CASE(f13_what_was_published_while_the_subscription_was_down_comes_without_another_message) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 1, keeping_all());
  brokers.add(proxy.url());
  hub_node listener(brokers.shared(1));
  listener.join("a");
  listener.wait_ready();
  node n(brokers[0]);
  n.publish("a", say("1"));
  wait_until([&] { return listener.heard() == names{"1"}; }, "it is heard");

  proxy.close();
  wait_until([&] { return listener.hub.state() == hub_state::degraded; }, "it is noticed");
  n.publish("a", say("2"));
  proxy.open();
  listener.wait_ready();
  const auto connected = std::chrono::steady_clock::now();

  wait_until([&] { return listener.heard() == names{"1", "2"}; }, "it is heard");
  const auto took = std::chrono::steady_clock::now() - connected;
  BOOST_TEST_MESSAGE("heard " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
                              << " ms after the link was ready");
  BOOST_TEST(listener.hub.stats().resets == 0U);
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_subscription_that_cannot_be_made_fails_in_time) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  const auto patient = redis_options().ping_interval(1h).reply_timeout(1h);
  redis_brokers brokers(redis.url(), 0, keeping_all().probe_interval(1h).publish_time(2s).redis(patient));
  node n(brokers.add(proxy.url()));
  wait_ready(n);

  proxy.deafen();
  n.session->subscribe("a", nullptr);
  n.session->subscribe("b", [](const result<position>&) {});
  n.publish("a", say("1"));
  for (int i = 0; i != 2; ++i)
    BOOST_CHECK_EXCEPTION(n.publish("b", say("2")), boost::system::system_error,
                          [](auto& e) { return e.code() == errc::broker_unavailable; });
  brokers.options().publish_time(20s);
  node other(brokers.add(redis.url()));
  wait_ready(other);
  BOOST_TEST(other.publish("b", say("3")).offset() == 1U);
}

BOOST_AUTO_TEST_CASE(f14_a_lost_answer_makes_one_entry) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 1, keeping_all());
  brokers.add(proxy.url());
  node reader(brokers[0]), writer(brokers[1]);
  wait_ready(writer);

  for (int round = 0; round != 10; ++round) {
    const auto topic = "t" + std::to_string(round);
    proxy.lose_answer_to("the third");
    std::vector<std::future<result<position>>> replies;
    for (const auto* text : {"the first", "the second", "the third", "the fourth", "the fifth"}) {
      const auto replied = std::make_shared<std::promise<result<position>>>();
      replies.push_back(replied->get_future());
      writer.session->publish(topic, say(text), [replied](result<position> at) { replied->set_value(std::move(at)); });
    }
    std::vector<position> at;
    for (auto& r : replies) at.push_back(r.get().value());
    const auto page = reader.history(topic);
    BOOST_REQUIRE(page.entries.size() == 5U);
    for (std::size_t i = 0; i != 5; ++i) BOOST_TEST((page.entries[i]->behind(page.end.epoch()) == at[i]));
  }
  BOOST_TEST(proxy.answers_lost() == 10);
}

BOOST_AUTO_TEST_CASE(a_lost_answer_in_a_burst_makes_each_entry_once_in_order) {
  redis_server redis;
  redis_proxy proxy(redis.port());
  redis_brokers brokers(redis.url(), 1, keeping_all());
  brokers.add(proxy.url());
  node reader(brokers[0]);
  publisher p(brokers[1], {"a"});
  proxy.lose_answer_to("777");
  for (int i = 0; i != 2000; ++i) p.publish();
  p.wait();
  BOOST_TEST(p.failed() == 0U);
  BOOST_TEST(proxy.answers_lost() == 1);
  names kept;
  for (const auto& e : reader.history("a", {}, 10'000).entries) kept.push_back(text_of(*e));
  BOOST_TEST((kept == numbers(1, 2001)));
}

BOOST_AUTO_TEST_CASE(what_is_published_while_redis_is_away_waits_within_bounds) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1, keeping_all().queue(3, 1 << 20));
  node n(brokers[0]);
  wait_ready(n);
  redis.kill();
  wait_until([&] { return n.session->link() == link_state::degraded; }, "it is noticed");

  std::atomic<int> stored{0}, refused{0};
  for (int i = 0; i != 5; ++i)
    n.session->publish("a", say("x"), [&](const result<position>& at) {
      if (at) ++stored;
      if (at == errc::broker_unavailable) ++refused;
    });
  BOOST_TEST(refused == 2);
  redis.start();
  wait_until([&] { return stored == 3; }, "the others are stored");
  BOOST_TEST(refused == 2);
  BOOST_TEST(n.history("a").entries.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_published_in_time_fails_truthfully) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1, redis_broker_options().publish_time(1s));
  node n(brokers[0]);
  wait_ready(n);
  const auto publish = [&] {
    const auto replied = std::make_shared<std::promise<result<position>>>();
    n.session->publish("a", say("x"), [replied](result<position> at) { replied->set_value(std::move(at)); });
    return replied->get_future().get().error();
  };
  redis.freeze();
  BOOST_TEST((publish() == errc::publication_in_doubt));
  redis.unfreeze();
  wait_ready(n);
  redis.kill();
  wait_until([&] { return n.session->link() == link_state::degraded; }, "it is noticed");
  // The connection for commands may end after the other: until then it is taken to be in doubt.
  wait_until([&] { return publish() == errc::broker_unavailable; }, "it is surely not stored");
}

// It was sent, the connection is given up, and it waits to be sent again until its time is over: Redis may store it
// yet.
BOOST_AUTO_TEST_CASE(what_was_sent_and_cannot_be_sent_again_in_time_is_in_doubt) {
  redis_server redis;
  const auto soon = redis_options().reply_timeout(2s).connect_timeout(2s);
  redis_brokers brokers(redis.url(), 1, keeping_all().redis(soon).publish_time(6s));
  node n(brokers[0]);
  wait_ready(n);
  redis.freeze();
  const auto replied = std::make_shared<std::promise<result<position>>>();
  n.session->publish("a", say("x"), [replied](result<position> at) { replied->set_value(std::move(at)); });
  BOOST_TEST((replied->get_future().get().error() == errc::publication_in_doubt));
  redis.unfreeze();
  wait_ready(n);
  BOOST_TEST(n.history("a").entries.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_topic_that_nobody_is_in_any_more_is_given_up_and_taken_up_again) {
  redis_brokers brokers(1, redis_broker_options().unsubscribe_delay(1ms));
  node n(brokers[0]), other(brokers[0]);
  for (int i = 0; i != 3; ++i) {
    n.subscribe("a");
    n.session->unsubscribe("a");
    const auto channel = brokers.prefix() + "topic:{:a}";
    wait_until([&] { return shared_redis().ask({"PUBSUB", "NUMSUB", channel}) == channel + "\n0"; }, "it is given up");
    other.publish("a", say("1"));
  }
  n.subscribe("a");
  n.publish("a", say("2"));
  wait_until([&] { return n.events->has("a", "2"); }, "it is heard");
  BOOST_TEST(n.events->log() == "a:2");
}

BOOST_AUTO_TEST_CASE(a_reply_to_a_subscription_that_is_given_up_is_canceled) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1, redis_broker_options().unsubscribe_delay(50ms));
  node n(brokers[0]);
  wait_ready(n);
  redis.kill();
  wait_until([&] { return n.session->link() == link_state::degraded; }, "it is noticed");
  std::atomic<bool> canceled{false};
  n.session->subscribe("a", [&](const result<position>& at) { canceled = at == errc::canceled; });
  n.session->unsubscribe("a");
  wait_until([&] { return canceled.load(); }, "it is canceled");
  BOOST_CHECK_THROW(n.session->watch("a/#/b", [](const result<void>&) { BOOST_ERROR("replied"); }),
                    std::invalid_argument);
}

// More than the bound of a page: the rest comes with the next ones.
BOOST_AUTO_TEST_CASE(a_page_of_large_entries_is_bounded_in_bytes) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1, keeping_all());
  node n(brokers[0]);
  const std::string large(1 << 20, 'x');
  for (int i = 0; i != 12; ++i) n.publish("a", say(std::to_string(i) + large));
  std::size_t pages = 0, entries = 0;
  position since;
  for (bool more = true; more; ++pages) {
    const auto page = n.history("a", since, 100);
    BOOST_REQUIRE(!page.entries.empty());
    for (const auto& e : page.entries) BOOST_TEST((text_of(*e) == std::to_string(entries++) + large));
    since = page.entries.back()->behind(page.end.epoch());
    more = page.more;
  }
  BOOST_TEST(entries == 12U);
  BOOST_TEST(pages > 1U);
}

BOOST_AUTO_TEST_CASE(a_subscription_that_begins_while_redis_is_away_is_replied_to_later) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1);
  node n(brokers[0]);
  wait_ready(n);
  redis.kill();
  wait_until([&] { return n.session->link() == link_state::degraded; }, "it is noticed");
  std::atomic<bool> replied{false};
  n.session->subscribe("a", [&](const result<position>& at) { replied = at.has_value(); });
  BOOST_TEST(!replied);
  redis.start();
  wait_until([&] { return replied.load(); }, "it is subscribed");
  n.publish("a", say("1"));
  wait_until([&] { return n.events->log() == "a:1"; }, "it is heard");
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_cancels_what_is_under_way) {
  redis_server redis;
  redis_brokers brokers(redis.url(), 1);
  node n(brokers[0]);
  wait_ready(n);
  redis.freeze();
  std::vector<error_code> ends(4);
  n.session->publish("a", say("x"), [&](const result<position>& r) { ends[0] = r.error(); });
  n.session->subscribe("a", [&](const result<position>& r) { ends[1] = r.error(); });
  n.session->history("a", {}, 1, [&](const result<history_page>& r) { ends[2] = r.error(); });
  n.session->members("a", [&](const auto& r) { ends[3] = r.error(); });
  n.session.reset();
  for (const auto& e : ends) BOOST_TEST((e == errc::canceled));
  redis.unfreeze();
}

BOOST_AUTO_TEST_SUITE_END()
