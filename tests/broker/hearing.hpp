/// A hub that only writes down what it hears.
#pragma once

#include "broker/entries.hpp"

#include <functional>
#include <mutex>

namespace coax::test {

class hearing : public broker_events {
 public:
  struct heard {
    std::string topic;
    std::string epoch;
    entry_ptr entry;
  };

  void on_entry(std::string_view topic, std::string_view epoch, const entry_ptr& entry) override {
    if (during) during(topic, *entry);
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::string(topic), std::string(epoch), entry});
  }
  void on_reset(std::string_view topic, const position&) override {
    const std::lock_guard lock(mutex_);
    told_.push_back("reset " + std::string(topic));
  }
  void on_presence(std::string_view topic, const presence_change& c) override {
    const std::lock_guard lock(mutex_);
    told_.push_back((c.what == presence_change::kind::joined ? "+" : "-") + c.user + "@" + std::string(topic));
  }
  void on_link(link_state state) override {
    const std::lock_guard lock(mutex_);
    told_.emplace_back(state == link_state::ready ? "ready" : "degraded");
  }

  std::vector<heard> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  /// As "a:1 b:1 a:2".
  std::string log() const {
    std::string text;
    for (const auto& h : entries()) {
      if (!text.empty()) text += ' ';
      text += h.topic + ":" + text_of(*h.entry);
    }
    return text;
  }
  /// Everything but entries, as "+ann@lobby ready".
  std::string told() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& t : told_) text += (text.empty() ? "" : " ") + t;
    return text;
  }

  std::function<void(std::string_view, const log_entry&)> during;  // an entry

 private:
  mutable std::mutex mutex_;
  std::vector<heard> entries_;
  std::vector<std::string> told_;
};

/// One hub's end of a broker.
struct node {
  explicit node(broker& b) : session(b.open(events)) {}

  position subscribe(std::string_view topic) {
    position from;
    session->subscribe(topic, [&](result<position> p) { from = p.value(); });
    return from;
  }
  position publish(std::string_view topic, publication what) {
    position where;
    session->publish(topic, std::move(what), [&](result<position> p) { where = p.value(); });
    return where;
  }
  history_page history(std::string_view topic, const position& since = {}, std::size_t limit = 1000) {
    history_page page;
    session->history(topic, since, limit, [&](result<history_page> p) { page = p.value(); });
    return page;
  }
  std::vector<present_user> members(std::string_view topic) {
    std::vector<present_user> users;
    session->members(topic, [&](result<std::vector<present_user>> u) { users = u.value(); });
    return users;
  }

  std::shared_ptr<hearing> events = std::make_shared<hearing>();
  std::unique_ptr<broker_session> session;
};

}  // namespace coax::test
