#include "broker/local_broker_core.hpp"
#include <coax/local_broker.hpp>

#include <string_view>
#include <vector>

namespace coax {
namespace detail {
namespace {

class local_session final : public broker_session {
 public:
  local_session(std::shared_ptr<local_broker_core> broker, std::weak_ptr<broker_events> events)
      : broker_(std::move(broker)), me_(broker_->add(std::move(events))) {}
  ~local_session() override { broker_->close(me_); }

  void subscribe(std::string_view topic, reply<position> done) override {
    auto end = broker_->subscribe(me_, topic);
    if (done) done(std::move(end));
  }
  void unsubscribe(std::string_view topic) override { broker_->unsubscribe(me_, topic); }
  void watch(std::string_view filter, reply<void> done) override {
    broker_->watch(me_, filter);
    if (done) done(result<void>());
  }
  void unwatch(std::string_view filter) override { broker_->unwatch(me_, filter); }
  void publish(std::string_view topic, publication what, reply<position> done) override {
    auto where = broker_->publish(topic, std::move(what));
    if (done) done(std::move(where));
  }
  void history(std::string_view topic, const position& since, std::size_t limit, reply<history_page> done) override {
    done(broker_->history(topic, since, limit));
  }
  void enter(std::string_view topic, presence_member member) override { broker_->enter(me_, topic, std::move(member)); }
  void leave(std::string_view topic, std::string_view handle) override { broker_->leave(me_, topic, handle); }
  void members(std::string_view topic, reply<std::vector<present_user>> done) override {
    done(broker_->members(topic));
  }
  void broadcast(std::string_view message) override { broker_->broadcast(message); }
  link_state link() const noexcept override { return link_state::ready; }

 private:
  const std::shared_ptr<local_broker_core> broker_;
  const std::shared_ptr<local_listener> me_;
};

}  // namespace

std::unique_ptr<broker_session> local_broker_core::open(std::weak_ptr<broker_events> events) {
  return std::make_unique<local_session>(shared_from_this(), std::move(events));
}

}  // namespace detail

std::shared_ptr<broker> local_broker(const local_broker_options& options) {
  return std::make_shared<detail::local_broker_core>(options);
}

}  // namespace coax
