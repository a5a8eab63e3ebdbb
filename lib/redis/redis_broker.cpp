#include "redis/redis_broker_core.hpp"
#include <coax/redis_broker.hpp>

#include <string>

namespace coax {
namespace detail {
namespace {

class redis_session final : public broker_session {
 public:
  redis_session(std::shared_ptr<redis_broker_core> broker, std::weak_ptr<broker_events> events)
      : broker_(std::move(broker)), me_(broker_->open(std::move(events))) {}
  ~redis_session() override { broker_->close(me_); }

  void subscribe(std::string_view topic, reply<position> done) override {
    broker_->subscriptions().subscribe(me_, topic, me_->await(std::move(done)));
  }
  void unsubscribe(std::string_view topic) override { broker_->unsubscribe(me_, topic); }
  void watch(std::string_view filter, reply<void> done) override {
    broker_->subscriptions().watch(me_, filter, std::move(done));
  }
  void unwatch(std::string_view filter) override { broker_->subscriptions().unwatch(me_, filter); }
  void publish(std::string_view topic, publication what, reply<position> done) override {
    broker_->publish(topic, std::move(what), me_->await(std::move(done)));
  }
  void history(std::string_view topic, const position& since, std::size_t limit, reply<history_page> done) override {
    broker_->history(topic, since, limit, me_->await(std::move(done)));
  }
  void enter(std::string_view topic, presence_member member) override {
    broker_->presence().enter(me_, topic, std::move(member));
  }
  void leave(std::string_view topic, std::string_view handle) override {
    broker_->presence().leave(me_, topic, handle);
  }
  void members(std::string_view topic, reply<std::vector<present_user>> done) override {
    broker_->presence().members(topic, me_->await(std::move(done)));
  }
  void broadcast(std::string_view message) override { broker_->broadcast(message); }
  link_state link() const noexcept override { return broker_->link(); }

 private:
  const std::shared_ptr<redis_broker_core> broker_;
  const std::shared_ptr<redis_listener> me_;
};

}  // namespace
}  // namespace detail

redis_broker::redis_broker(boost::asio::any_io_executor ex, std::string_view url, const redis_broker_options& options)
    : core_(detail::redis_broker_core::create(std::move(ex), url, options)) {}
redis_broker::~redis_broker() = default;

std::unique_ptr<broker_session> redis_broker::open(std::weak_ptr<broker_events> events) {
  return std::make_unique<detail::redis_session>(core_, std::move(events));
}

void redis_broker::nodes(broker_session::reply<std::vector<redis_node>> done) {
  core_->presence().nodes(std::move(done));
}

const std::string& redis_broker::id() const noexcept { return core_->id(); }

}  // namespace coax
