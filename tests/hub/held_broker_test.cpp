// What threads, and brokers over a network, do between two calls, one step after the other.
#include "hub/hub_fixture.hpp"
#include <coax/local_broker.hpp>

#include <boost/asio/strand.hpp>

BOOST_AUTO_TEST_SUITE(held_broker_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

/// Holds back what it is told to, until `release`.
struct held_calls {
  bool entries = false, replies = false, answers = false;
  bool refuses_history = false;
  bool throws = false;  // when it is to watch
  std::vector<std::function<void()>> waiting_entries, waiting_replies;

  static void release(std::vector<std::function<void()>>& waiting) {
    for (const auto& call : std::exchange(waiting, {})) call();
  }
  void release_entries() {
    entries = false;
    release(waiting_entries);
  }
  void release_replies() {
    replies = answers = false;
    release(waiting_replies);
  }
};

class held_events final : public broker_events {
 public:
  held_events(std::weak_ptr<broker_events> to, held_calls& calls) : to_(std::move(to)), calls_(calls) {}

  void on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) override {
    auto tell = [to = to_, topic = std::string(topic), epoch = std::string(epoch), entry] {
      if (const auto there = to.lock()) there->on_entry(topic, epoch, entry);
    };
    if (!calls_.entries) return tell();
    calls_.waiting_entries.emplace_back(std::move(tell));
  }
  void on_reset(std::string_view topic, const position& end) override {
    if (const auto there = to_.lock()) there->on_reset(topic, end);
  }
  void on_presence(std::string_view topic, const presence_change& change) override {
    if (const auto there = to_.lock()) there->on_presence(topic, change);
  }
  void on_control(std::string_view message) override {
    if (const auto there = to_.lock()) there->on_control(message);
  }
  void on_link(link_state state) override {
    if (const auto there = to_.lock()) there->on_link(state);
  }

 private:
  const std::weak_ptr<broker_events> to_;
  held_calls& calls_;
};

class held_session final : public broker_session {
 public:
  held_session(broker& inner, std::shared_ptr<held_events> events, held_calls& calls)
      : events_(std::move(events)), inner_(inner.open(events_)), calls_(calls) {}

  void subscribe(std::string_view topic, reply<position> done) override {
    inner_->subscribe(topic, held(std::move(done), calls_.replies));
  }
  void unsubscribe(std::string_view topic) override { inner_->unsubscribe(topic); }
  void watch(std::string_view filter, reply<void> done) override {
    if (calls_.throws) throw std::invalid_argument("not here");
    inner_->watch(filter, std::move(done));
  }
  void unwatch(std::string_view filter) override { inner_->unwatch(filter); }
  void publish(std::string_view topic, publication what, reply<position> done) override {
    inner_->publish(topic, std::move(what), std::move(done));
  }
  void history(std::string_view topic, const position& since, std::size_t limit, reply<history_page> done) override {
    if (calls_.refuses_history) return done(errc::broker_unavailable);
    inner_->history(topic, since, limit, held(std::move(done), calls_.answers));
  }
  void broadcast(std::string_view message) override { inner_->broadcast(message); }
  void enter(std::string_view topic, presence_member member) override { inner_->enter(topic, std::move(member)); }
  void leave(std::string_view topic, std::string_view handle) override { inner_->leave(topic, handle); }
  void members(std::string_view topic, reply<std::vector<present_user>> done) override {
    inner_->members(topic, std::move(done));
  }
  link_state link() const noexcept override { return inner_->link(); }

 private:
  template <class T>
  reply<T> held(reply<T> done, bool holds) {
    if (!holds) return done;
    return [&calls = calls_, done = std::move(done)](result<T> r) {
      calls.waiting_replies.emplace_back([done, r = std::move(r)] { done(r); });
    };
  }

  const std::shared_ptr<held_events> events_;
  const std::unique_ptr<broker_session> inner_;
  held_calls& calls_;
};

class held_broker final : public broker {
 public:
  std::unique_ptr<broker_session> open(std::weak_ptr<broker_events> events) override {
    return std::make_unique<held_session>(*inner_, std::make_shared<held_events>(std::move(events), calls), calls);
  }

  held_calls calls;

 private:
  const std::shared_ptr<broker> inner_ = local_broker();
};

const publish_options kept_ten = publish_options().history(10);

// The entry is stored, and never told.
void publish_lost(hub& h, held_broker& b, std::string_view topic, std::string_view text) {
  b.calls.entries = true;
  h.publish_text(topic, text, kept_ten);
  b.calls.waiting_entries.clear();
  b.calls.entries = false;
}

}  // namespace

COAX_CORO_TEST(a_broker_that_throws_leaves_nobody_behind_and_the_executor_at_work) {
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  co_await settle();
  broker->calls.throws = true;
  BOOST_CHECK_THROW((void)me.join("a/#"), std::invalid_argument);
  BOOST_TEST(h.stats().topics == 0u);
  broker->calls.throws = false;
  auto filter = me.join("a/#"), odd = me.join("c++/#");
  h.publish_text("a/b", "1");
  h.publish_text("c++/x", "2");
  co_await settle();

  COAX_CHECK_FRAMES(a.frames(), names({"1", "2"}));
}

COAX_CORO_TEST(what_a_reader_got_from_the_log_is_not_told_to_it_again) {
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer live = h.attach(a.accept()), late = h.attach(b.accept());
  auto m1 = live.join("lobby"), m2 = late.join("#");
  broker->calls.entries = true;
  h.publish_text("lobby", "1", kept_ten);
  auto m3 = late.join("lobby", join_options().since({}));
  co_await settle(50);
  COAX_CHECK_FRAMES(b.frames(), names({"1"}));

  broker->calls.release_entries();
  h.publish_text("lobby", "2", kept_ten);
  co_await settle(50);

  COAX_CHECK_FRAMES(a.frames(), names({"1", "2"}));
  COAX_CHECK_FRAMES(b.frames(), names({"2"}));
}

COAX_CORO_TEST(a_filter_gets_what_was_published_before_somebody_joined_the_topic_and_told_after) {
  for (const bool late_reply : {false, true}) {
    const auto broker = std::make_shared<held_broker>();
    far_end a(ioc.get_executor()), b(ioc.get_executor());
    hub h(hub_options().broker(broker));
    peer all = h.attach(a.accept()), other = h.attach(b.accept());
    auto m1 = all.join("#");
    broker->calls.entries = true;
    h.publish_text("lobby", "1", kept_ten);
    broker->calls.replies = late_reply;
    auto m2 = other.join("lobby");
    broker->calls.release_entries();
    h.publish_text("lobby", "2", kept_ten);
    broker->calls.release_replies();
    co_await settle(50);
    h.publish_text("lobby", "3", kept_ten);
    co_await settle(50);
    m2.leave();
    co_await settle(50);

    BOOST_TEST_CONTEXT("late reply: " << late_reply) {
      COAX_CHECK_FRAMES(a.frames(), names({"1", "2", "3"}));
      COAX_CHECK_FRAMES(b.frames(), names({"2", "3"}));
    }
  }
}

COAX_CORO_TEST(a_filter_gets_what_waits_behind_a_hole_when_the_topic_is_left) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer all = h.attach(a.accept()), other = h.attach(b.accept());
  auto m1 = all.join("#"), m2 = other.join("lobby");
  broker->calls.refuses_history = true;
  publish_lost(h, *broker, "lobby", "lost");
  h.publish_text("lobby", "1", kept_ten);
  co_await settle(50);
  BOOST_TEST(a.frames().empty());
  m2.leave();
  co_await settle(50);

  COAX_CHECK_FRAMES(a.frames(), names({"1"}));
}

COAX_CORO_TEST(each_topic_that_has_to_ask_again_does_so) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  auto x = me.join("x"), y = me.join("y");
  broker->calls.refuses_history = true;
  for (const auto* topic : {"x", "y"}) {
    publish_lost(h, *broker, topic, std::string(topic) + "1");
    h.publish_text(topic, std::string(topic) + "2", kept_ten);
    co_await settle(50);
    clock.advance(20ms);
    co_await settle(50);
  }
  broker->calls.refuses_history = false;
  BOOST_TEST(a.frames().empty());
  for (int i = 0; i != 20; ++i) {
    clock.advance(10ms);
    co_await settle(50);
  }

  COAX_CHECK_FRAMES(a.frames(), names({"x1", "x2", "y1", "y2"}));
}

COAX_CORO_TEST(what_is_to_be_asked_again_outlives_the_first_executor) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<held_broker>();
  far_end a(asio::make_strand(ioc)), b(asio::make_strand(ioc));
  hub h(hub_options().broker(broker));
  peer first = h.attach(a.accept()), second = h.attach(b.accept());
  auto joined = second.join("lobby");
  broker->calls.refuses_history = true;
  publish_lost(h, *broker, "lobby", "1");
  h.publish_text("lobby", "2", kept_ten);
  co_await settle(50);
  first = peer();
  co_await settle(50);
  broker->calls.refuses_history = false;
  for (int i = 0; i != 20; ++i) {
    clock.advance(10ms);
    co_await settle(50);
  }

  COAX_CHECK_FRAMES(b.frames(), names({"1", "2"}));
}

COAX_CORO_TEST(what_a_reader_refuses_comes_through_a_filter) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  broker->calls.refuses_history = true;
  auto none = me.join("lobby", join_options().since({}).filter([](const log_entry&) { return false; }));
  auto all = me.join("#");
  co_await settle(50);
  h.publish_text("lobby", "1", kept_ten);
  co_await settle(50);

  COAX_CHECK_FRAMES(a.frames(), names({"1"}));
}

COAX_CORO_TEST(what_is_not_for_a_reader_is_no_hole) {
  testing::virtual_clock clock;
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  broker->calls.answers = true;
  auto joined = me.join("lobby", join_options().since({}));
  co_await settle(50);
  h.publish_text("lobby", "mine", publish_options().except(me));
  h.publish_text("lobby", "1");
  co_await settle(50);
  broker->calls.release_replies();
  co_await settle(50);
  const bool whole = co_await joined.recovered();

  BOOST_TEST(whole);
  COAX_CHECK_FRAMES(a.frames(), names({"1"}));
}

COAX_CORO_TEST(a_membership_is_live_when_the_broker_has_replied) {
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  broker->calls.replies = true;
  auto joined = me.join("lobby");
  const auto early = co_await thrown<system_error>(joined.live(context().with_timeout(1ms)));
  BOOST_TEST((early && early->code() == errc::deadline_exceeded));

  bool live = false;
  asio::co_spawn(
      ioc, [&]() -> task<> { live = co_await joined.live(); }, asio::detached);
  co_await settle(50);
  BOOST_TEST(!live);
  broker->calls.release_replies();
  co_await settle(50);
  BOOST_TEST(live);

  const bool still = co_await joined.live();
  BOOST_TEST(still);
  membership left;
  const bool none = co_await left.live();
  BOOST_TEST(!none);
}

COAX_CORO_TEST(a_membership_of_a_connection_that_ends_is_never_live) {
  const auto broker = std::make_shared<held_broker>();
  far_end a(ioc.get_executor());
  hub h(hub_options().broker(broker));
  peer me = h.attach(a.accept());
  broker->calls.replies = true;
  auto joined = me.join("lobby");
  std::optional<bool> live;
  asio::co_spawn(
      ioc, [&]() -> task<> { live = co_await joined.live(); }, asio::detached);
  co_await settle(50);
  BOOST_TEST(!live.has_value());
  asio::co_spawn(
      ioc, [&]() -> task<> { (void)co_await thrown<system_error>(me.next()); }, asio::detached);
  a.hang_up();
  co_await settle(50);
  BOOST_TEST((live == false));
  const bool later = co_await joined.live();
  BOOST_TEST(!later);
}

COAX_CORO_TEST(a_filter_is_live_at_once_with_a_local_broker) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept());
  auto all = me.join("#"), one = me.join("lobby");
  const bool hears_all = co_await all.live(), hears_one = co_await one.live();
  BOOST_TEST(hears_all);
  BOOST_TEST(hears_one);
}

COAX_CORO_TEST(the_exception_of_one_hub_is_none_of_another) {
  const auto broker = local_broker();
  far_end a(ioc.get_executor()), b(ioc.get_executor());
  hub h1(hub_options().broker(broker)), h2(hub_options().broker(broker));
  peer here = h1.attach(a.accept()), there = h2.attach(b.accept());
  auto m1 = here.join("lobby"), m2 = there.join("lobby");
  BOOST_TEST(here.id() == there.id());
  BOOST_TEST(h1.publish_text("lobby", "1", publish_options().except(there)) == 1u);
  co_await settle(50);

  COAX_CHECK_FRAMES(a.frames(), names({"1"}));
  BOOST_TEST(b.frames().empty());
}

COAX_CORO_TEST(a_filter_does_not_rewind_by_default_either) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(2).on_full(overflow::rewind));
  auto joined = me.join("a/#");
  for (std::size_t i = 0; i != 5; ++i) h.publish_text("a/b", text(i), kept_ten);
  co_await settle(50);

  BOOST_TEST(h.stats().disconnected == 1u);
  BOOST_TEST(h.stats().rewinds == 0u);
}

COAX_CORO_TEST(nobody_waits_for_room_at_a_peer_that_is_closing) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(1).on_full(overflow::block));
  auto joined = me.join("lobby");
  const publish_options none;
  h.publish_text("lobby", "1");
  bool published = false;
  auto publishes = [&]() -> task<> {
    co_await h.publish_text("lobby", "2", none, context());
    published = true;
  };
  auto closes = [&]() -> task<> {
    co_await settle();
    BOOST_TEST(!published);
    me.start_close(status::normal, "");
    co_await settle();
  };
  co_await all(publishes(), closes());
  BOOST_TEST(published);
  co_await h.publish_text("lobby", "3", none, context());
  co_await settle();

  const auto tallies = h.topics();
  BOOST_TEST(h.stats().dropped == 2u);
  BOOST_REQUIRE(tallies.size() == 1u);
  BOOST_TEST(tallies.front().dropped == 2u);
}

COAX_CORO_TEST(shedding_leaves_a_drain_its_limit) {
  testing::virtual_clock clock;
  far_end a(ioc.get_executor());
  hub h;
  peer me = h.attach(a.accept(test_options().close_timeout(1h).write_stall_timeout(1h)));
  a.near->stall();
  me.send_text("primer");
  co_await settle();
  auto drains = [&]() -> task<> {
    const auto options = drain_options().over(5s).limit(20s);
    (void)co_await h.drain(options);
  };
  auto time_passes = [&]() -> task<> {
    co_await settle();
    h.shed(1.0, 1h);
    for (int i = 0; i != 25; ++i) {
      clock.advance(1s);
      co_await settle();
    }
  };
  co_await all(drains(), time_passes());

  BOOST_TEST(h.stats().cut == 1u);
}

COAX_CORO_TEST(a_slow_peer_is_told_so_even_if_it_is_closed_in_a_friendly_way) {
  far_end a(ioc.get_executor());
  hub h;
  peer me = co_await blocked_peer(h, a, queue_limits().messages(1).close_status(status::going_away));
  me.send_text("1");
  me.send_text("2");
  co_await settle();
  a.near->unstall();
  co_await settle();
  a.send('\x88', "\x03\xe9");

  const auto next = co_await thrown<system_error>(me.next());

  BOOST_TEST((next && next->code() == errc::slow_consumer));
}

BOOST_AUTO_TEST_SUITE_END()
