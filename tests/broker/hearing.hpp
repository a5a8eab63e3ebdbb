/// A hub that only writes down what it hears.
#pragma once

#include "broker/entries.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>

namespace coax::test {

class hearing final : public broker_events {
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
  void on_control(std::string_view message) override {
    const std::lock_guard lock(mutex_);
    told_.push_back("!" + std::string(message));
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
  std::size_t count(std::string_view topic) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(), [&](const heard& h) { return h.topic == topic; }));
  }
  bool has(std::string_view topic, std::string_view text) const {
    const auto all = entries();
    return std::any_of(all.begin(), all.end(),
                       [&](const heard& h) { return h.topic == topic && text_of(*h.entry) == text; });
  }
  /// As "a:1 b:1 a:2"; of one topic alone, if it is named. "fence" is only there to be waited for.
  std::string log(std::string_view only = {}) const {
    std::string text;
    for (const auto& h : entries()) {
      if (h.topic == "fence" || (!only.empty() && h.topic != only)) continue;
      if (!text.empty()) text += ' ';
      text += h.topic + ":" + text_of(*h.entry);
    }
    return text;
  }
  /// Everything but entries and the state of the link, as "+ann@lobby !message".
  std::string news() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& t : told_)
      if (t != "ready" && t != "degraded") text += (text.empty() ? "" : " ") + t;
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

/// One hub's end of a broker. Waits for what the broker replies.
struct node {
  explicit node(broker& b) : session(b.open(events)) {}

  position subscribe(std::string_view topic) {
    return answer<position>([&](auto done) { session->subscribe(topic, std::move(done)); });
  }
  void watch(std::string_view filter) {
    const auto replied = std::make_shared<std::promise<result<void>>>();
    session->watch(filter, [replied](result<void> r) { replied->set_value(r); });
    wait(*replied).value();
  }
  position publish(std::string_view topic, publication what) {
    return answer<position>([&](auto done) { session->publish(topic, std::move(what), std::move(done)); });
  }
  history_page history(std::string_view topic, const position& since = {}, std::size_t limit = 1000) {
    return answer<history_page>([&](auto done) { session->history(topic, since, limit, std::move(done)); });
  }
  std::vector<present_user> members(std::string_view topic) {
    return answer<std::vector<present_user>>([&](auto done) { session->members(topic, std::move(done)); });
  }

  std::shared_ptr<hearing> events = std::make_shared<hearing>();
  std::unique_ptr<broker_session> session;

 private:
  template <class T>
  static T wait(std::promise<T>& replied) {
    auto reply = replied.get_future();
    if (reply.wait_for(std::chrono::seconds(60)) != std::future_status::ready) throw std::runtime_error("no reply");
    return reply.get();
  }
  template <class T, class Ask>
  T answer(Ask ask) {
    const auto replied = std::make_shared<std::promise<result<T>>>();
    ask([replied](result<T> r) { replied->set_value(std::move(r)); });
    return wait(*replied).value();
  }
};

}  // namespace coax::test
