/// Two processes' worth of hubs over a Redis that fails: one publishes numbers to topics, the other has a listener for
/// each topic.
#pragma once

#include "fault/verdict.hpp"
#include "redis/hub_node.hpp"

#include <map>
#include <mutex>

namespace coax::test {

using namespace std::chrono_literals;
using fault_clock = std::chrono::steady_clock;

inline redis_broker_options keeping_all() {
  return redis_broker_options().history(history_limits().size(100'000)).publish_time(60s).prefix("f:");
}

class fault_site {
 public:
  /// @param listening   how the listeners get to Redis, @param publishing  how the publisher does.
  fault_site(const std::string& listening, const std::string& publishing, std::vector<std::string> topics,
             const redis_broker_options& options = keeping_all())
      : topics_(std::move(topics)),
        heard_(std::make_shared<redis_broker>(thread_.executor(), listening, options)),
        told_(std::make_shared<redis_broker>(publishing_thread_.executor(), publishing, options)),
        publisher_(*told_) {
    for (const auto& t : topics_) listeners_.emplace_back(std::make_unique<hub_node>(heard_))->join(t);
    for (auto& l : listeners_) l->wait_ready();
    wait_ready(publisher_);
  }
  fault_site(const std::string& url, std::vector<std::string> topics,
             const redis_broker_options& options = keeping_all())
      : fault_site(url, url, std::move(topics), options) {}

  void publish(const std::string& topic) {
    ++under_way_;
    publisher_.session->publish(topic, say(numbered(topic, next(topic))), [this](const result<position>& at) {
      if (!at) ++refused_;
      --under_way_;
    });
  }
  /// To all topics in turn, in its own thread, until `stop`.
  void start(std::chrono::microseconds pause) {
    load_ = std::jthread([this, pause](const std::stop_token& st) {
      while (!st.stop_requested()) {
        for (const auto& t : topics_) publish(t);
        std::this_thread::sleep_for(pause);
      }
    });
  }
  void stop() {
    if (!load_.joinable()) return;
    load_.request_stop();
    load_.join();
  }
  /// Until every publication is answered.
  void settle() {
    wait_until([this] { return under_way_ == 0; }, "all is answered");
  }
  /// All that was sent is heard, by those whose history has not been reset. Returns how long that took.
  fault_clock::duration wait_heard(fault_clock::time_point since) {
    wait_until([this] { return complete(); }, "all is heard");
    return fault_clock::now() - since;
  }
  /// What had been sent by now is heard, however much follows. Returns how long that took since then.
  fault_clock::duration wait_caught_up(fault_clock::time_point since) {
    std::vector<std::size_t> marks;
    for (const auto& t : topics_) marks.push_back(sent(t));
    wait_until(
        [&] {
          for (std::size_t i = 0; i != topics_.size(); ++i) {
            if (marks[i] == 0) continue;  // nothing yet
            const auto heard = listeners_[i]->heard();
            if (std::find(heard.begin(), heard.end(), numbered(topics_[i], marks[i])) == heard.end()) return false;
          }
          return true;
        },
        "all of until then is heard");
    return fault_clock::now() - since;
  }
  bool complete() {
    for (std::size_t i = 0; i != topics_.size(); ++i)
      if (!has_heard_last(i)) return false;
    return true;
  }
  bool is_degraded() {
    for (auto& l : listeners_)
      if (l->hub.state() != hub_state::degraded) return false;
    return true;
  }
  bool is_ready() {
    for (auto& l : listeners_)
      if (l->hub.state() != hub_state::ready) return false;
    return publisher_.session->link() == link_state::ready;
  }

  verdict judge() {
    verdict all;
    for (std::size_t i = 0; i != topics_.size(); ++i) all += judge(i);
    return all;
  }
  verdict judge(std::size_t i) { return test::judge(listeners_[i]->heard(), topics_[i], sent(topics_[i])); }
  /// Whose listener was told that its past is gone.
  bool was_reset(std::size_t i) { return listeners_[i]->hub.stats().resets != 0; }
  std::size_t resets() {
    std::size_t n = 0;
    for (std::size_t i = 0; i != topics_.size(); ++i) n += was_reset(i);
    return n;
  }
  std::size_t refused() const { return refused_; }
  node& publisher() { return publisher_; }
  /// Stands still, as a process that is stopped, while it lives.
  class standstill {
   public:
    explicit standstill(fault_site& s) {
      std::promise<void> stopped;
      asio::post(s.thread_.executor(), [&stopped, gone = done_.get_future().share()] {
        stopped.set_value();
        gone.wait();
      });
      stopped.get_future().get();
    }
    ~standstill() { done_.set_value(); }

   private:
    std::promise<void> done_;
  };

 private:
  std::size_t next(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    return ++sent_[topic];
  }
  std::size_t sent(const std::string& topic) {
    const std::lock_guard lock(mutex_);
    return sent_[topic];
  }
  bool has_heard_last(std::size_t i) {
    const auto last = sent(topics_[i]);
    if (last == 0) return true;
    const auto heard = listeners_[i]->heard();
    return !heard.empty() && (was_reset(i) ? heard.back() == numbered(topics_[i], last) : heard.size() >= last);
  }

  const std::vector<std::string> topics_;
  redis_thread thread_, publishing_thread_;
  std::shared_ptr<redis_broker> heard_, told_;
  node publisher_;
  std::mutex mutex_;
  std::map<std::string, std::size_t> sent_;
  std::atomic<std::size_t> under_way_{0}, refused_{0};
  std::vector<std::unique_ptr<hub_node>> listeners_;
  std::jthread load_;
};

/// Nothing may be missing, told twice or in another order where nobody was told of it.
inline void require_whole(fault_site& site, const char* fault, const char* what, fault_clock::duration recovery) {
  const auto v = site.judge();
  print_row(fault, what, v, site.resets(), recovery);
  BOOST_TEST(site.refused() == 0U);
  BOOST_TEST(v.lost == 0U);
  BOOST_TEST(v.duplicated == 0U);
  BOOST_TEST(v.reordered == 0U);
  BOOST_TEST(v.wrong_topic == 0U);
  BOOST_TEST(site.resets() == 0U);
}

}  // namespace coax::test
