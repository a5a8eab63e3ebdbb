#include "broker/feed_world.hpp"
#include "broker/hearing.hpp"
#include "support/run.hpp"
#include <coax/testing.hpp>
#include <coax/testing_broker.hpp>

#include <map>
#include <random>

BOOST_AUTO_TEST_SUITE(faulty_brokers)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;
using testing::broker_faults;
using testing::fate;
using testing::faulty_broker;

namespace {

const history_limits plenty = history_limits().size(100'000).ttl(24h);

/// A faulty broker with a clock and an executor at hand.
struct bench {
  explicit bench(const local_broker_options& o = local_broker_options().history(plenty))
      : inner(local_broker(o)), broker(std::make_shared<faulty_broker>(ioc.get_executor(), inner)) {}

  void pass(std::chrono::nanoseconds d) {
    turn();
    clock.advance(d);
    turn();
  }
  void turn() {
    ioc.restart();
    ioc.poll();
  }

  testing::virtual_clock clock;
  asio::io_context ioc{1};
  std::shared_ptr<coax::broker> inner;
  std::shared_ptr<faulty_broker> broker;
};

}  // namespace

BOOST_AUTO_TEST_CASE(without_faults_it_is_the_broker_inside) {
  bench b;
  node x(*b.broker), y(*b.broker);
  x.subscribe("a");
  y.session->watch("+", nullptr);
  y.session->enter("a", presence_member("1", "ann"));
  y.publish("a", say("1"));
  y.publish("a", say("2"));
  BOOST_TEST(x.events->log() == "a:1 a:2");
  BOOST_TEST(y.events->log() == "a:1 a:2");
  BOOST_TEST(x.members("a").size() == 1U);
  y.session->leave("a", "1");
  BOOST_TEST(x.events->told() == "+ann@a -ann@a");
  BOOST_TEST(x.history("a").entries.size() == 2U);
  BOOST_TEST(b.broker->dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(a_script_decides_about_each_delivery) {
  bench b;
  node x(*b.broker);
  x.subscribe("a");
  b.broker->set_script([](std::string_view, const log_entry& e) {
    const auto text = text_of(e);
    if (text == "lost") return fate().times(0);
    if (text == "twice") return fate().times(2);
    if (text == "late") return fate().later(1s);
    if (text == "behind") return fate().behind_next();
    return fate();
  });
  for (const auto* text : {"lost", "twice", "late", "behind", "1", "2"}) x.publish("a", say(text));
  BOOST_TEST(x.events->log() == "a:twice a:twice a:1 a:behind a:2");
  b.pass(999ms);
  BOOST_TEST(x.events->entries().size() == 5U);
  b.pass(1ms);
  BOOST_TEST(x.events->log() == "a:twice a:twice a:1 a:behind a:2 a:late");
  x.publish("a", say("behind"));
  b.pass(10ms);
  BOOST_TEST(x.events->entries().size() == 7U);
  BOOST_TEST(b.broker->dropped() == 1U);
}

BOOST_AUTO_TEST_CASE(the_same_seed_makes_the_same_faults) {
  const auto run = [](unsigned seed) {
    bench b;
    node x(*b.broker);
    x.subscribe("a");
    b.broker->set_faults(broker_faults().drop(0.2).duplicate(0.2).reorder(0.2).delay(0.2, 20ms).seed(seed));
    for (int i = 0; i < 100; ++i) x.publish("a", say(std::to_string(i))), b.pass(5ms);
    b.pass(20ms);
    return x.events->log();
  };
  BOOST_TEST(run(1) == run(1));
  BOOST_TEST(run(1) != run(2));
}

BOOST_AUTO_TEST_CASE(without_a_link_nothing_is_told_and_calls_fail) {
  bench b;
  node x(*b.broker), y(*b.inner);
  x.subscribe("a");
  b.broker->set_script([](std::string_view, const log_entry&) { return fate().later(1s); });
  y.publish("a", say("under way"));

  b.broker->disconnect();
  b.broker->disconnect();
  b.pass(2s);
  y.publish("a", say("1"));
  y.session->enter("a", presence_member("1", "ann"));
  x.session->enter("a", presence_member("2", "bob"));
  x.session->leave("a", "3");

  std::vector<error_code> errors;
  const auto note = [&](auto r) { errors.push_back(r.error()); };
  x.session->subscribe("b", note);
  x.session->watch("b", note);
  x.session->publish("a", say("2"), note);
  x.session->history("a", {}, 1, note);
  x.session->members("a", note);
  BOOST_TEST(errors.size() == 5U);
  for (const auto& e : errors) BOOST_TEST((e == errc::broker_unavailable));
  BOOST_TEST((x.session->link() == link_state::degraded));
  BOOST_TEST(y.members("a").size() == 1U);

  b.broker->set_script(nullptr);
  b.broker->reconnect();
  y.publish("a", say("3"));
  BOOST_TEST(x.events->log() == "a:3");
  BOOST_TEST(x.events->told() == "degraded +bob@a ready");
  BOOST_TEST(x.members("a").size() == 2U);
  BOOST_TEST((x.session->link() == link_state::ready));
}

BOOST_AUTO_TEST_CASE(a_session_that_ends_gets_its_answers_all_the_same) {
  bench b;
  b.broker->set_faults(broker_faults().late_answers(1h));
  auto x = std::make_unique<node>(*b.broker);
  std::vector<error_code> errors;
  x->session->history("a", {}, 1, [&](auto page) { errors.push_back(page.error()); });
  BOOST_TEST(errors.empty());
  x.reset();
  BOOST_REQUIRE(errors.size() == 1U);
  BOOST_TEST((errors[0] == errc::canceled));
}

BOOST_AUTO_TEST_CASE(a_publication_that_failed_is_published_again_and_stored_once) {
  bench b;
  node x(*b.broker);
  x.subscribe("a");
  const auto failing = [&](faulty_broker::stored s) {
    error_code error;
    b.broker->fail_publications(1, s);
    x.session->publish("a", say("1").idempotency_key("k"), [&](auto r) { error = r.error(); });
    return error;
  };
  BOOST_TEST((failing(faulty_broker::stored::no) == errc::broker_unavailable));
  BOOST_TEST(x.history("a").entries.empty());
  BOOST_TEST((failing(faulty_broker::stored::yes) == errc::publication_in_doubt));
  BOOST_TEST(x.publish("a", say("1").idempotency_key("k")).offset() == 1U);
  BOOST_TEST(x.events->log() == "a:1");
  b.broker->fail_history(1);
  error_code error;
  x.session->history("a", {}, 1, [&](auto r) { error = r.error(); });
  BOOST_TEST((error == errc::broker_unavailable));
}

BOOST_AUTO_TEST_CASE(only_a_local_broker_forks) {
  bench b;
  const auto twice = std::make_shared<faulty_broker>(b.ioc.get_executor(), b.broker);
  BOOST_CHECK_THROW(twice->fork("a", 1), std::logic_error);
  node x(*b.broker);
  x.publish("a", say("1"));
  const auto second = x.publish("a", say("2"));
  b.broker->fork("a", 1);
  BOOST_TEST((x.history("a", second).found == continuity::forked));
  const auto other = x.publish("a", say("other"));
  BOOST_TEST(other.offset() == second.offset());
  BOOST_TEST(other.epoch() == second.epoch());
  b.broker->lose_history("a");
  BOOST_TEST(x.publish("a", say("1")).epoch() != second.epoch());
}

namespace {

/// What a hub does with a broker, for its topics: a feed for each, and questions when they want to be asked.
class follower final : public broker_events {
 public:
  struct followed {
    detail::topic_feed feed;
    replica received;
  };

  void open(broker& b, std::weak_ptr<follower> me) { session = b.open(std::move(me)); }

  void follow(std::string topic) {
    auto& f = topics[topic];
    session->subscribe(topic, [&f](result<position> from) {
      f.feed.start(*from);
      f.received = replica(*from);
    });
  }

  void on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) override {
    auto& f = topics.at(std::string(topic));
    f.feed.on_entry(epoch, entry);
    pump(std::string(topic), f);
  }
  void on_reset(std::string_view topic, const position&) override { topics.at(std::string(topic)).feed.doubt(); }
  void on_presence(std::string_view, const presence_change&) override {}
  void on_link(link_state state) override {
    if (state != link_state::ready) return;
    for (auto& [name, f] : topics) f.feed.doubt(), pump(name, f);
  }

  void pump_all() {
    for (auto& [name, f] : topics) pump(name, f);
  }
  void pump(const std::string& name, followed& f) {
    take(f);
    while (const auto q = f.feed.inquire(detail::now())) {
      session->history(name, q->since, q->limit, [&f, id = q->id](const result<history_page>& page) {
        if (page) {
          f.feed.on_page(id, *page, detail::now());
        } else {
          f.feed.on_failure(id, detail::now());
        }
        take(f);
      });
    }
  }
  bool settled() const {
    return std::all_of(topics.begin(), topics.end(), [](const auto& t) { return t.second.feed.settled(); });
  }

  std::unique_ptr<broker_session> session;
  std::map<std::string, followed> topics;

 private:
  static void take(followed& f) {
    while (auto e = f.feed.next()) f.received.take(*e);
  }
};

/// Publishes until it is stored, by the rules for those who want a message once.
class publisher {
 public:
  explicit publisher(broker& b) : node_(b) {}

  void publish(const std::string& topic) {
    const auto text = topic + std::to_string(++published[topic]);
    for (bool stored = false; !stored;)
      node_.session->publish(topic, say(text).idempotency_key(text), [&](auto r) { stored = r.has_value(); });
  }

  std::map<std::string, std::size_t> published;

 private:
  node node_;
};

}  // namespace

// The oracle: a topic whose log lost nothing is followed without a loss, a repetition or a reset; one whose log did is
// reset, if something that was lost had been delivered, and then followed as the log is.
BOOST_AUTO_TEST_CASE(feeds_follow_a_bad_broker_exactly) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      bench b;
      std::mt19937 random(seed);
      const auto one_in = [&](unsigned n) { return random() % n == 0; };
      std::vector<std::shared_ptr<follower>> hubs{std::make_shared<follower>(), std::make_shared<follower>()};
      const std::vector<std::string> topics{"sound", "quiet", "forking", "lossy"};
      for (const auto& h : hubs) {
        h->open(*b.broker, h);
        for (const auto& t : topics) h->follow(t);
      }
      publisher p(*b.broker);
      b.broker->set_faults(
          broker_faults().drop(0.1).duplicate(0.1).reorder(0.1).delay(0.2, 50ms).late_answers(20ms).max_page(3).seed(
              seed));
      std::vector<std::uint64_t> lost;
      bool connected = true;
      for (int step = 0; step < 1500; ++step) {
        b.pass(std::chrono::milliseconds(random() % 10));
        for (const auto& h : hubs) h->pump_all();
        if (!connected) {
          if (one_in(10)) b.broker->reconnect(), connected = true;
          continue;
        }
        if (one_in(50)) b.broker->fail_publications(1 + random() % 2, faulty_broker::stored(random() % 2));
        p.publish(one_in(50) ? "quiet" : topics[random() % 4 == 1 ? 0 : random() % 4]);
        if (one_in(30)) b.broker->fail_history(1 + random() % 3);
        if (one_in(100)) b.broker->disconnect(), connected = false;
        if (connected && one_in(150)) {
          node reader(*b.inner);
          const auto n = 1 + random() % 4;
          const auto all = reader.history("forking", {}, SIZE_MAX).entries;
          for (std::size_t i = all.size() - std::min<std::size_t>(n, all.size()); i < all.size(); ++i)
            lost.push_back(all[i]->tag());
          b.broker->fork("forking", n);
        }
        if (connected && one_in(500)) b.broker->lose_history("lossy");
      }
      b.broker->reconnect();
      b.broker->set_faults(broker_faults());
      // Something that the last fork took may have been delivered, and nothing told of it.
      b.broker->disconnect();
      b.broker->reconnect();
      for (int i = 0; i < 200; ++i) {
        for (const auto& h : hubs) h->pump_all();
        b.pass(100ms);
      }

      BOOST_TEST(b.broker->dropped() > 50U);
      node reader(*b.inner);
      for (const auto& h : hubs) {
        BOOST_REQUIRE(h->settled());
        for (const auto& t : topics) {
          const auto& f = h->topics.at(t);
          const auto log = reader.history(t, {}, SIZE_MAX);
          BOOST_TEST_CONTEXT(t) {
            BOOST_TEST((f.feed.at() == log.end));
            f.received.check(log);
            if (t == "sound" || t == "quiet") {
              BOOST_TEST(f.received.resets() == 0U);
              BOOST_TEST(f.received.repeated() == 0U);
              BOOST_TEST(f.received.entries().size() == p.published[t]);
              BOOST_TEST(log.entries.size() == p.published[t]);
            }
            if (t == "forking") {
              const bool affected =
                  std::any_of(lost.begin(), lost.end(), [&](auto tag) { return f.received.has_seen(tag); });
              BOOST_TEST((f.received.resets() != 0) == affected);
              BOOST_TEST(f.received.resets() <= lost.size());
            }
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
