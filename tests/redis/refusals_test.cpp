// What becomes of commands that a server refuses for the moment.
#include "redis/conversation.hpp"
#include "redis/scripted_server.hpp"

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
    if (time) c.expires_at(std::chrono::steady_clock::now() + *time);
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
  refusing_world w([](const std::string& command) {
    return command == "a" ? loading : command == "b" ? std::string() : ok;
  });
  w.send("a", 100ms);
  w.send("b");
  w.until_replied(1);
  BOOST_TEST(w.replies.back() == "a *" + make_error_code(errc::broker_unavailable).message());
  w.server.say(ok);
  w.until_replied(2);
  BOOST_TEST(w.replies.back() == "b OK");
  BOOST_TEST(w.talk.ask(command("c")) == "OK");
  BOOST_TEST(w.server.heard() == (texts{"first", "a", "b", "c"}), boost::test_tools::per_element());
}
