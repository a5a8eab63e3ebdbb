/// What every broker promises (docs/broker.md). Included inside a suite, behind
///
///     using broker_worlds = std::tuple<a_world>;
///
/// A world makes brokers over the same topics: `broker& at(std::size_t)`, where two may be one. It is made for a case
/// with the default history. What a broker tells may come later, but for a session in the order in which it was done.

namespace {

/// What the session was to hear has been heard when this returns.
template <class World>
void settle(World& world, node& n) {
  static std::atomic<int> last{0};
  const auto mark = std::to_string(++last);
  node other(world.at(0));
  n.subscribe("fence");
  other.publish("fence", say(mark));
  wait_until([&] { return n.events->has("fence", mark); }, "the fence is heard");
}

const history_limits contract_hundred = history_limits().size(100);

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_is_subscribed_hears, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1)), z(world.at(0));
  const auto from = x.subscribe("a");
  BOOST_TEST(from.offset() == 0U);
  y.subscribe("a");
  z.subscribe("b");

  const auto where = y.publish("a", say("1"));

  for (auto* n : {&x, &y, &z}) settle(world, *n);
  BOOST_TEST(x.events->log() == "a:1");
  BOOST_TEST(y.events->log() == "a:1");
  BOOST_TEST(z.events->log().empty());
  const auto h = x.events->entries().front();
  BOOST_TEST((h.entry->behind(h.epoch) == where));
  BOOST_TEST((h.entry->before(h.epoch) == from));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_published_comes_as_it_is, World, broker_worlds) {
  World world{contract_hundred};
  node x(world.at(0)), y(world.at(1));
  const std::string bytes("\0\r\n}{ \xff", 7), topic("}a b{\r\n\0", 8);
  x.subscribe(topic);
  publication what(prepared_message(message_kind::binary, boost::asio::buffer(bytes)));
  y.publish(topic, what.key("k k").event_type("tick").from({7, std::uint64_t(-1)}));
  settle(world, x);
  const auto told = x.events->entries().front().entry;
  const auto kept = x.history(topic).entries.front();
  for (const auto& e : {told, kept}) {
    BOOST_TEST(text_of(*e) == bytes);
    BOOST_TEST((e->message().kind() == message_kind::binary));
    BOOST_TEST(e->key() == "k k");
    BOOST_TEST(e->event_type() == "tick");
    BOOST_TEST((e->origin() == origin{7, std::uint64_t(-1)}));
  }
  BOOST_TEST(kept->tag() == told->tag());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_publication_needs_no_reply_and_no_subscriber, World, broker_worlds) {
  World world{contract_hundred};
  node x(world.at(0));
  x.session->publish("a", say("1"), nullptr);
  x.publish("a", say("2"));
  BOOST_TEST(offsets_of(x.history("a").entries) == (std::vector<std::uint64_t>{1, 2}));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(subscribing_twice_names_the_end, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1));
  x.subscribe("a");
  const auto where = y.publish("a", say("1"));
  BOOST_TEST((x.subscribe("a") == where));
  y.publish("a", say("2"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "a:1 a:2");
  x.session->unsubscribe("a");
  x.session->unsubscribe("a");
  y.publish("a", say("3"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "a:1 a:2");
  BOOST_TEST(x.subscribe("a").offset() == 3U);
  y.publish("a", say("4"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "a:1 a:2 a:4");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_has_asked_to_be_subscribed_hears_what_it_publishes_next, World, broker_worlds) {
  constexpr int topics = 50;
  World world{history_limits()};
  std::mutex mutex;
  std::vector<position> from;
  node x(world.at(0)), y(world.at(0));
  for (int i = 0; i != topics; ++i) {
    x.session->subscribe(std::to_string(i), [&](const result<position>& at) {
      const std::lock_guard lock(mutex);
      from.push_back(at ? *at : position("?", 1, 0));
    });
    x.session->publish(std::to_string(i), say("mine"), nullptr);
    y.session->publish(std::to_string(i), say("of another session"), nullptr);
  }
  wait_until([&] { return x.events->entries().size() == 2 * topics; }, "all is heard");
  BOOST_TEST(x.events->log("49") == "49:mine 49:of another session");
  const std::lock_guard lock(mutex);
  BOOST_TEST(from.size() == std::size_t{topics});
  BOOST_TEST(std::all_of(from.begin(), from.end(), [](const position& p) { return p.offset() == 0; }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(history_is_kept_as_it_was_said_last, World, broker_worlds) {
  World world{history_limits().size(2)};
  node x(world.at(0));
  for (const auto* text : {"1", "2", "3"}) {
    x.publish("default", say(text));
    x.publish("none", say(text).history(history_limits()));
    x.publish("all", say(text).history(contract_hundred));
  }
  x.publish("all", say("4"));
  BOOST_TEST(offsets_of(x.history("default").entries) == (std::vector<std::uint64_t>{2, 3}));
  BOOST_TEST(x.history("none").entries.empty());
  BOOST_TEST(x.history("none").end.offset() == 3U);
  BOOST_TEST(x.history("all").entries.size() == 4U);
  x.publish("all", say("5").history(history_limits()));
  BOOST_TEST(x.history("all").entries.empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_history_goes_on_from_a_position_or_says_that_it_does_not, World, broker_worlds) {
  World world{history_limits().size(3)};
  node x(world.at(0));
  std::vector<position> at{x.history("a").end};
  BOOST_TEST(at[0].offset() == 0U);
  for (const auto* text : {"1", "2", "3", "4", "5"}) at.push_back(x.publish("a", say(text)));

  struct row {
    position since;
    std::size_t limit;
    continuity found;
    std::vector<std::uint64_t> entries;
    bool more;
  };
  using list = std::vector<std::uint64_t>;
  const row rows[] = {
      {position(), 10, continuity::whole, list{3, 4, 5}, false},
      {position(), 2, continuity::whole, list{3, 4}, true},
      {at[5], 10, continuity::whole, list{}, false},
      {at[3], 10, continuity::whole, list{4, 5}, false},
      {at[3], 1, continuity::whole, list{4}, true},
      {at[3], 0, continuity::whole, list{}, true},
      {at[2], 10, continuity::whole, list{3, 4, 5}, false},
      {at[1], 10, continuity::too_old, list{3, 4, 5}, false},
      {at[0], 10, continuity::too_old, list{3, 4, 5}, false},
      {position(at[3].epoch(), 3, at[3].tag() + 1), 10, continuity::forked, list{3, 4, 5}, false},
      {position(at[5].epoch(), 5, at[5].tag() + 1), 10, continuity::forked, list{3, 4, 5}, false},
      {position(at[5].epoch(), 6, at[5].tag()), 10, continuity::forked, list{3, 4, 5}, false},
      {position("another", 3, at[3].tag()), 10, continuity::forked, list{3, 4, 5}, false},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT("since " << r.since.epoch() << " " << r.since.offset() << " limit " << r.limit) {
      const auto page = x.history("a", r.since, r.limit);
      BOOST_TEST((page.found == r.found));
      BOOST_TEST(offsets_of(page.entries) == r.entries);
      BOOST_TEST(page.more == r.more);
      BOOST_TEST((page.end == at[5]));
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_key_makes_that_a_publication_is_stored_once, World, broker_worlds) {
  World world{contract_hundred};
  node x(world.at(0)), y(world.at(1));
  x.subscribe("a");
  const auto first = x.publish("a", say("1").idempotency_key("k}:"));
  x.publish("a", say("2"));
  BOOST_TEST((y.publish("a", say("1").idempotency_key("k}:")) == first));
  BOOST_TEST(y.publish("b", say("1").idempotency_key("k}:")).offset() == 1U);  // another topic
  settle(world, x);
  BOOST_TEST(x.events->log() == "a:1 a:2");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(whoever_is_gone_hears_nothing_and_is_present_nowhere, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1));
  x.subscribe("a");
  y.subscribe("a");
  y.watch("+");
  y.session->enter("a", presence_member("1", "ann"));
  BOOST_TEST(y.members("a").size() == 1U);
  settle(world, y);
  const auto heard = y.events->news();

  y.session.reset();
  x.publish("a", say("1"));

  wait_until([&] { return x.members("a").empty(); }, "it is not present");
  settle(world, x);
  BOOST_TEST(y.events->log().empty());
  BOOST_TEST(y.events->news() == heard);
  BOOST_TEST(x.events->news() == "+ann@a -ann@a");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(presence_is_told_where_somebody_is_subscribed, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1)), watcher(world.at(0));
  x.subscribe("a");
  watcher.watch("#");
  y.session->enter("a", presence_member("y1", "ann").data("Ann"));
  y.members("a");
  x.session->enter("a", presence_member("x1", "ann").data("Ann, too"));
  y.session->enter("b", presence_member("y1", "ann"));
  x.members("a");
  const auto users = y.members("a");
  BOOST_REQUIRE(users.size() == 1U);
  BOOST_TEST(users[0].user == "ann");
  BOOST_TEST(users[0].handles == 2U);
  BOOST_TEST(users[0].data == "Ann, too");
  x.session->leave("a", "y1");  // not its own
  x.session->enter("a", presence_member("x1", "ann").data("again"));
  BOOST_TEST(x.members("a").at(0).handles == 2U);
  BOOST_TEST(x.members("a").at(0).data == "again");
  y.session->leave("a", "y1");
  y.members("a");
  x.session->leave("a", "x1");
  BOOST_TEST(x.members("a").empty());
  settle(world, x);
  BOOST_TEST(x.events->news() == "+ann@a -ann@a");
  BOOST_TEST(watcher.events->news().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handle_may_pass_to_another_user_and_to_another_session, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1));
  x.subscribe("a");
  x.session->enter("a", presence_member("1", "ann"));
  x.members("a");
  y.session->enter("a", presence_member("1", "bob"));
  y.members("a");
  x.session->leave("a", "1");  // not its own any more
  const auto users = x.members("a");
  BOOST_REQUIRE(users.size() == 1U);
  BOOST_TEST(users[0].user == "bob");
  y.session->leave("a", "1");
  BOOST_TEST(y.members("a").empty());
  settle(world, x);
  BOOST_TEST(x.events->news() == "+ann@a -ann@a +bob@a -bob@a");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_watch_hears_what_matches_and_each_entry_once, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1));
  y.publish("p/old", say("0"));
  x.subscribe("p/old");
  x.watch("p/+");
  x.watch("p/#");
  for (const auto* topic : {"p", "p/old", "p/new", "p/x/y", "q"}) y.publish(topic, say("1"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "p:1 p/old:1 p/new:1 p/x/y:1");
  x.session->unwatch("p/#");
  for (const auto* topic : {"p/old", "p/new", "p/x/y"}) y.publish(topic, say("2"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "p:1 p/old:1 p/new:1 p/x/y:1 p/old:2 p/new:2");
  x.session->unwatch("p/+");
  for (const auto* topic : {"p/old", "p/new"}) y.publish(topic, say("3"));
  settle(world, x);
  BOOST_TEST(x.events->log() == "p:1 p/old:1 p/new:1 p/x/y:1 p/old:2 p/new:2 p/old:3");
  BOOST_CHECK_THROW(x.session->watch("#/a", nullptr), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_broadcast_is_told_to_all, World, broker_worlds) {
  World world{history_limits()};
  node x(world.at(0)), y(world.at(1)), z(world.at(1));
  for (auto* n : {&x, &y, &z}) settle(world, *n);
  const std::string message("all\0 of you", 11);
  x.session->broadcast(message);
  for (auto* n : {&x, &y, &z}) wait_until([&] { return n->events->news() == "!" + message; }, "it is told");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(all_hear_one_order_from_many_threads, World, broker_worlds) {
  constexpr int publishers = 4, messages = 300;
  World world{history_limits().size(10'000)};
  node x(world.at(0)), y(world.at(1));
  for (const auto* topic : {"a", "b"}) x.subscribe(topic), y.subscribe(topic);
  std::vector<std::unique_ptr<node>> nodes;
  for (std::size_t i = 0; i < publishers; ++i) nodes.push_back(std::make_unique<node>(world.at(i % 2)));

  std::vector<std::thread> threads;
  for (int t = 0; t < publishers; ++t)
    threads.emplace_back([&, t] {
      auto& mine = *nodes[static_cast<std::size_t>(t)];
      for (int i = 0; i < messages; ++i)
        mine.session->publish(i % 2 ? "a" : "b", say(std::to_string(t) + "." + std::to_string(i)), nullptr);
    });
  std::atomic<bool> stop{false};
  threads.emplace_back([&] {
    while (!stop) {
      node passing(world.at(1));
      passing.subscribe("a");
      passing.watch("#");
      passing.session->enter("b", presence_member("h", "u"));
      passing.history("a", {}, 3);
    }
  });
  for (int t = 0; t < publishers; ++t) threads[static_cast<std::size_t>(t)].join();
  stop = true;
  threads.back().join();

  for (auto* n : {&x, &y})
    wait_until([&] { return n->events->count("a") + n->events->count("b") == publishers * messages; }, "all is heard");
  for (const auto* topic : {"a", "b"}) BOOST_TEST((x.events->log(topic) == y.events->log(topic)));
  std::map<std::string, std::uint64_t> last;
  std::map<std::string, int> of_publisher;
  for (const auto& h : x.events->entries()) {
    BOOST_REQUIRE(h.entry->offset() == ++last[h.topic]);
    const auto text = text_of(*h.entry);
    auto& next = of_publisher.try_emplace(h.topic + text[0], h.topic == "a" ? 1 : 0).first->second;
    BOOST_REQUIRE(std::stoi(text.substr(2)) == next);
    next += 2;
  }
}
