/// A client and what it tells, driven step by step.
#pragma once

#include "redis/client.hpp"
#include "support/redis_server.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coax::test {

using redis::channel_kind;
using redis::command;
using redis::link_event;
using redis::link_kind;

/// Everything that a client tells, as text.
struct redis_listener final : redis::client_events {
  struct message {
    std::string matched, channel, payload;
    bool operator==(const message&) const = default;
  };

  void on_message(channel_kind, std::string_view matched, std::string_view channel, std::string_view payload) override {
    messages.push_back({std::string(matched), std::string(channel), std::string(payload)});
  }
  void on_subscribed(channel_kind, std::string_view name) override {
    ++times_subscribed[std::string(name)];
    live.emplace(name);
  }
  void on_lost(channel_kind, std::string_view name) override {
    ++times_lost[std::string(name)];
    live.erase(std::string(name));
  }
  void on_refused(channel_kind, std::string_view name, std::string_view why) override {
    refusals.push_back(std::string(name) + ": " + std::string(why));
  }
  void on_link(link_kind kind, link_event event, std::string_view node, std::string_view why) override {
    const std::string what = kind == link_kind::commands ? "commands " : "subscriptions ";
    const std::string how = event == link_event::up ? "up" : event == link_event::down ? "down" : "refused";
    ++links[what + how];
    last_node = node;
    last_why = why;
  }

  /// Whether a link has been up, down or refused once more than in what `links` was before.
  bool again(const std::string& what, std::map<std::string, int> before) { return links[what] > before[what]; }

  std::vector<message> messages;
  std::map<std::string, int> times_subscribed;
  std::map<std::string, int> times_lost;
  std::set<std::string> live;
  std::map<std::string, int> links;
  std::vector<std::string> refusals;
  std::string last_node;
  std::string last_why;
};

/// What a reply says: the text, "nil", a list in brackets, "!" and the error of Redis, or "*" and that of the client.
inline std::string text_of(const redis::value& v) {
  if (v.is_null()) return "nil";
  if (v.is_error()) return "!" + std::string(v.text());
  if (v.is_integer()) return std::to_string(*v.integer());
  if (!v.is_aggregate()) return std::string(v.text());
  std::string s = "[";
  for (const auto element : v) s += (s.size() == 1 ? "" : " ") + text_of(element);
  return s + "]";
}

inline std::string text_of(const result<redis::value>& r) {
  return r ? text_of(*r) : "*" + std::string(r.error().message());
}

class redis_conversation {
 public:
  explicit redis_conversation(const std::string& url, const redis_options& options = {})
      : client(std::in_place, ioc.get_executor(), url, options, events) {}

  /// Runs until something holds. Fails if it does not in time.
  template <class Condition>
  void until(Condition condition, const std::string& what) {
    const auto end = std::chrono::steady_clock::now() + watchdog;
    while (!condition()) {
      ioc.restart();
      if (std::chrono::steady_clock::now() > end) BOOST_FAIL("in vain: " + what);
      ioc.run_one_for(std::chrono::milliseconds(20));
    }
  }

  /// The same for what a server is asked, which takes the thread: the client has some time between two questions.
  template <class Question>
  void until_server(Question question, const std::string& what) {
    const auto asked = [&] {
      ioc.restart();
      ioc.run_for(std::chrono::milliseconds(5));
      return question();
    };
    until(asked, what);
  }

  std::string ask(command c) {
    std::optional<std::string> reply;
    client->send(std::move(c), [&](const result<redis::value>& r) { reply = text_of(r); });
    until([&] { return reply.has_value(); }, "a reply");
    return *reply;
  }

  void subscribe(const std::string& name, channel_kind kind = channel_kind::plain) {
    client->subscribe(kind, name);
    until([&] { return events->live.contains(name); }, "subscribed to " + name);
  }

  void until_up() {
    until([&] { return events->links["commands up"] != 0 && events->links["subscriptions up"] != 0; }, "connected");
  }

  asio::io_context ioc{1};
  std::shared_ptr<redis_listener> events = std::make_shared<redis_listener>();
  std::optional<redis::client> client;
};

/// For tests that do not wait for seconds to be connected again; a server that is slow for a while is no dead one.
inline redis_options impatient() {
  using namespace std::chrono_literals;
  return redis_options().connect_timeout(20s).reply_timeout(20s).backoff(5ms, 100ms);
}

}  // namespace coax::test
