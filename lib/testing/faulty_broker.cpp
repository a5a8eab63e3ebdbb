#include "broker/local_broker_core.hpp"
#include "testing/faulty_broker_core.hpp"

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace coax::testing {
namespace {

class faulty_session final : public broker_session {
 public:
  faulty_session(std::shared_ptr<faulty_broker_core> core, const std::weak_ptr<broker_events>& events)
      : core_(std::move(core)), events_(std::make_shared<faulty_events>(core_, events)) {
    core_->add(events_);
    inner_ = core_->inner().open(events_);
  }
  ~faulty_session() override {
    inner_.reset();
    core_->remove(events_);
  }

  void subscribe(std::string_view topic, reply<position> done) override {
    if (core_->connected()) return inner_->subscribe(topic, std::move(done));
    if (done) done(errc::broker_unavailable);
  }
  void unsubscribe(std::string_view topic) override { inner_->unsubscribe(topic); }
  void watch(std::string_view filter, reply<void> done) override {
    if (core_->connected()) return inner_->watch(filter, std::move(done));
    if (done) done(errc::broker_unavailable);
  }
  void unwatch(std::string_view filter) override { inner_->unwatch(filter); }

  void publish(std::string_view topic, publication what, reply<position> done) override {
    const auto fails = core_->publication_fails();
    if (!fails) return inner_->publish(topic, std::move(what), std::move(done));
    const bool stored = *fails == faulty_broker::stored::yes;
    if (stored) inner_->publish(topic, std::move(what), nullptr);
    if (done) done(stored ? errc::publication_in_doubt : errc::broker_unavailable);
  }

  void history(std::string_view topic, const position& since, std::size_t limit, reply<history_page> done) override {
    if (core_->history_fails()) return done(errc::broker_unavailable);
    inner_->history(topic, since, core_->page_limit(limit), [core = core_, to = events_, done](auto page) {
      core->reply(to, [done, page = std::move(page)](error_code lost) {
        if (lost) {
          done(lost);
        } else {
          done(page);
        }
      });
    });
  }

  void enter(std::string_view topic, presence_member member) override {
    core_->when_connected(events_, [session = std::weak_ptr(inner_), topic = std::string(topic), member] {
      if (const auto inner = session.lock()) inner->enter(topic, member);
    });
  }
  void leave(std::string_view topic, std::string_view handle) override {
    core_->when_connected(events_,
                          [session = std::weak_ptr(inner_), topic = std::string(topic), handle = std::string(handle)] {
                            if (const auto inner = session.lock()) inner->leave(topic, handle);
                          });
  }
  void members(std::string_view topic, reply<std::vector<present_user>> done) override {
    if (!core_->connected()) return done(errc::broker_unavailable);
    inner_->members(topic, std::move(done));
  }

  void broadcast(std::string_view message) override {
    core_->when_connected(events_, [session = std::weak_ptr(inner_), message = std::string(message)] {
      if (const auto inner = session.lock()) inner->broadcast(message);
    });
  }

  link_state link() const noexcept override { return core_->connected() ? inner_->link() : link_state::degraded; }

 private:
  const std::shared_ptr<faulty_broker_core> core_;
  const std::shared_ptr<faulty_events> events_;
  std::shared_ptr<broker_session> inner_;
};

detail::local_broker_core& local(const faulty_broker_core& core) {
  auto* const inside = dynamic_cast<detail::local_broker_core*>(&core.inner());
  if (!inside) throw std::logic_error("faulty_broker: only a local broker can lose what it has stored");
  return *inside;
}

}  // namespace

faulty_broker::faulty_broker(boost::asio::any_io_executor ex, std::shared_ptr<broker> inner)
    : core_(std::make_shared<faulty_broker_core>(std::move(ex), std::move(inner))) {}
faulty_broker::~faulty_broker() = default;

std::unique_ptr<broker_session> faulty_broker::open(std::weak_ptr<broker_events> events) {
  return std::make_unique<faulty_session>(core_, events);
}

void faulty_broker::set_faults(const broker_faults& f) { core_->set_faults(f); }
void faulty_broker::set_script(std::function<fate(std::string_view, const log_entry&)> script) {
  core_->set_script(std::move(script));
}
void faulty_broker::fork(std::string_view topic, std::size_t n) { local(*core_).fork(topic, n); }
void faulty_broker::lose_history(std::string_view topic) { local(*core_).lose(topic); }
void faulty_broker::disconnect() { core_->set_link(link_state::degraded); }
void faulty_broker::reconnect() { core_->set_link(link_state::ready); }
void faulty_broker::fail_publications(std::size_t n, stored s) { core_->fail_publications(n, s); }
void faulty_broker::fail_history(std::size_t n) { core_->fail_history(n); }
std::uint64_t faulty_broker::dropped() const { return core_->dropped(); }

}  // namespace coax::testing
