// What becomes of commands that a server refuses for the moment.
#include "core/clock.hpp"
#include "redis/conversation.hpp"
#include "redis/scripted_server.hpp"
#include <coax/testing.hpp>

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

using redis::value;
using texts = std::vector<std::string>;

const std::string ok = "+OK\r\n";
const std::string loading = "-LOADING Redis is loading the dataset in memory\r\n";
const std::string busy = "-BUSY Redis is busy running a script\r\n";

/// A server that has taken a command already, so that it gets all the others together.
struct refusing_world {
  explicit refusing_world(scripted_server::script s)
      : talk("redis://127.0.0.1:1"), server(talk.ioc, [s = std::move(s)](const std::string& command) {
          return command == "first" ? ok : s(command);
        }) {
    talk.client.emplace(talk.ioc.get_executor(), server.url(), redis_options(), talk.events);
    BOOST_TEST(talk.ask(command("first")) == "OK");
  }

  void send(const std::string& name, std::optional<std::chrono::milliseconds> time = std::nullopt) {
    command c(name);
    if (time) c.expires_at(coax::detail::now() + *time);
    talk.client->send(std::move(c),
                      [this, name](const result<value>& r) { replies.push_back(name + " " + text_of(r)); });
  }
  void until_replied(std::size_t n) {
    talk.until([&] { return replies.size() == n; }, "all replies");
  }

  redis_conversation talk;
  scripted_server server;
  texts replies;
};

/// A Cluster of two. The first has the slots of "x" and "y", the second that of "z"; what each says to a command for
/// "x" is up to a test.
class moving_world {
 public:
  using answers = std::function<std::string(const std::string& text, bool asking)>;

  moving_world(answers at_source, answers at_target)
      : talk("redis://127.0.0.1:1"),
        source_(talk.ioc, [this, s = std::move(at_source)](const std::string& command) { return answer(command, s); }),
        target_(talk.ioc, [this, s = std::move(at_target)](const std::string& command) { return answer(command, s); }) {
    talk.client.emplace(talk.ioc.get_executor(), source_.url() + "?cluster=1", redis_options(), talk.events);
  }
  /// Both take a command, so that they get all the others together.
  void warm_up() {
    for (const auto* key : {"y", "z"}) BOOST_TEST(talk.ask(command("SET").key(key).arg("first")) == "OK");
  }

  std::string ask() const { return "-ASK " + slot_ + target_.address() + "\r\n"; }
  std::string moved_to_source() const { return "-MOVED " + slot_ + source_.address() + "\r\n"; }
  std::string moved_to_target() const { return "-MOVED " + slot_ + target_.address() + "\r\n"; }

  void send(const std::string& key, const std::string& text) {
    talk.client->send(command("SET").key(key).arg(text),
                      [this, text](const result<redis::value>& r) { replies.push_back(text + " " + text_of(r)); });
  }
  void until_replied(std::size_t n) {
    talk.until([&] { return replies.size() == n; }, "all replies");
  }

  /// These for "x", all at once; they must be taken in this order.
  void require_in_order(const texts& all) {
    for (const auto& text : all) send("x", text);
    until_replied(all.size());
    BOOST_TEST(taken == all, boost::test_tools::per_element());
  }

  redis_conversation talk;
  texts replies;
  texts taken;  // of "x"

 private:
  std::string answer(const std::string& command, const answers& about_x) {
    if (command == "CLUSTER SLOTS") return "*2\r\n" + range(0, 8191, target_) + range(8192, 16383, source_);
    const bool asking = std::exchange(asking_, command == "ASKING");
    if (!command.starts_with("SET x ")) return ok;
    const auto text = command.substr(6);
    const auto reply = about_x(text, asking);
    if (reply == ok) taken.push_back(text);
    return reply;
  }

  static std::string range(int first, int last, const scripted_server& at) {
    const auto integer = [](int n) { return ":" + std::to_string(n) + "\r\n"; };
    return "*3\r\n" + integer(first) + integer(last) + "*2\r\n$9\r\n127.0.0.1\r\n" + integer(at.port());
  }

  const std::string slot_ = std::to_string(redis::slot_of("x")) + " ";
  scripted_server source_, target_;
  bool asking_ = false;
};

const std::string try_again = "-TRYAGAIN Multiple keys request during rehashing of slot\r\n";

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_refused_together_is_sent_again_in_order) {
  int refusals = 4;
  refusing_world w([&](const std::string&) { return refusals-- > 0 ? loading : ok; });
  for (const auto* name : {"a", "b", "c"}) w.send(name);
  w.until_replied(3);
  // Once together, then one by one until one is taken.
  BOOST_TEST(w.server.heard() == (texts{"first", "a", "b", "c", "a", "a", "b", "c"}), boost::test_tools::per_element());
  BOOST_TEST(w.replies == (texts{"a OK", "b OK", "c OK"}), boost::test_tools::per_element());
}

// The one case in which the order is lost: docs/redis.md tells it.
BOOST_AUTO_TEST_CASE(what_a_server_takes_behind_what_it_has_refused_overtakes_that_and_nothing_else_does) {
  bool refused = false;
  refusing_world w([&](const std::string& command) {
    return command == "a" && !std::exchange(refused, true) ? busy : command == "b" ? std::string() : ok;
  });
  w.send("a");
  w.send("b");
  w.talk.until([&] { return w.talk.client->stats().replies == 2; }, "a is refused");
  w.send("c");
  w.talk.ioc.run_for(150ms);
  BOOST_TEST(w.server.heard().size() == 3U);  // as long as the server may still take or refuse b
  w.server.say(ok);
  w.until_replied(3);
  BOOST_TEST(w.server.heard() == (texts{"first", "a", "b", "a", "c"}), boost::test_tools::per_element());
  BOOST_TEST(w.replies == (texts{"b OK", "a OK", "c OK"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_link_goes_on_when_what_was_refused_has_expired) {
  testing::virtual_clock clock;
  refusing_world w([](const std::string& command) {
    return command == "a" ? loading : command == "b" ? std::string() : ok;
  });
  w.send("a", 100ms);
  w.send("b");
  w.talk.until([&] { return w.talk.client->stats().replies == 2; }, "a is refused");
  clock.advance(100ms);
  w.until_replied(1);
  BOOST_TEST(w.replies.back() == "a *" + make_error_code(errc::broker_unavailable).message());
  w.server.say(ok);
  w.until_replied(2);
  BOOST_TEST(w.replies.back() == "b OK");
  clock.advance(100ms);
  BOOST_TEST(w.talk.ask(command("c")) == "OK");
  BOOST_TEST(w.server.heard() == (texts{"first", "a", "b", "c"}), boost::test_tools::per_element());
}

// The keys go while commands are under way: the first is refused, those behind it would go elsewhere before it.
BOOST_AUTO_TEST_CASE(what_is_to_ask_elsewhere_does_not_overtake_what_was_refused) {
  int asked = 0;
  moving_world w([&](const auto&, bool) { return asked++ == 0 ? try_again : w.ask(); },
                 [](const auto&, bool) { return ok; });
  w.warm_up();
  w.require_in_order({"a", "b", "c"});
  BOOST_TEST(w.replies == (texts{"a OK", "b OK", "c OK"}), boost::test_tools::per_element());
}

// The move ends while commands are under way to the new node: it would take what comes behind the refused one. That it
// has taken another one before (of a single key) says nothing.
BOOST_AUTO_TEST_CASE(what_asks_elsewhere_goes_one_by_one) {
  bool refused = false;
  moving_world w([&](const auto&, bool) { return w.ask(); },
                 [&](const auto& text, bool) { return text == "b" && !std::exchange(refused, true) ? try_again : ok; });
  w.warm_up();
  w.require_in_order({"a", "b", "c", "d"});
}

BOOST_AUTO_TEST_CASE(what_asks_elsewhere_still_asks_after_another_refusal) {
  bool refused = false;
  moving_world w([&](const auto&, bool) { return w.ask(); },
                 [&](const auto& text, bool asking) {
                   if (!asking) return w.moved_to_source();
                   return text == "a" && !std::exchange(refused, true) ? loading : ok;
                 });
  w.warm_up();
  w.require_in_order({"a", "b", "c"});
}

// The source says MOVED before the target knows of it.
BOOST_AUTO_TEST_CASE(what_has_moved_goes_one_by_one_until_one_is_taken) {
  int at_target = 0;
  moving_world w([&](const auto&, bool) { return w.moved_to_target(); },
                 [&](const auto&, bool) { return at_target++ == 0 ? w.moved_to_source() : ok; });
  w.warm_up();
  w.require_in_order({"a", "b", "c"});
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_refused_does_not_hold_up_the_others) {
  int asked = 0;
  moving_world w([&](const auto&, bool) { return asked++ < 5 ? try_again : ok; }, [](const auto&, bool) { return ok; });
  w.warm_up();
  for (const auto* text : {"a", "b", "c"}) w.send("x", text);
  w.send("y", "other");
  w.until_replied(1);
  BOOST_TEST(w.replies.front() == "other OK");
  w.send("y", "another");
  w.until_replied(2);
  BOOST_TEST(w.replies.back() == "another OK");
  w.until_replied(5);
  // Once together, then the first alone until it is taken.
  BOOST_TEST(asked == 3 + 2 + 3);
  BOOST_TEST(w.taken == (texts{"a", "b", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_refused_does_not_hold_up_the_others_of_a_new_connection) {
  moving_world w([](const auto&, bool) { return try_again; }, [](const auto&, bool) { return ok; });
  for (const auto* text : {"a", "b"}) w.send("x", text);
  for (const auto* text : {"one", "two"}) w.send("y", text);
  w.until_replied(2);
  BOOST_TEST(w.replies == (texts{"one OK", "two OK"}), boost::test_tools::per_element());
}
