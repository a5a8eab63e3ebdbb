#include "roster.hpp"

#include <mutex>

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto topic = "roster";
constexpr auto every = 1s, patience = 4s;

}  // namespace

/// What other nodes tell, and what is told to them last.
class roster::listener final : public coax::broker_events {
 public:
  explicit listener(chat& c) : chat_(c) {}

  void on_entry(std::string_view, std::string_view, const coax::entry_ptr& entry) override {
    boost::system::error_code ec;
    const auto bytes = entry->message().data();
    const auto said = json::parse(json::string_view(static_cast<const char*>(bytes.data()), bytes.size()), ec);
    if (ec) return;
    const auto node = json::value_to<std::string>(said.at("node"));
    const auto now = clock::now();
    {
      const std::lock_guard lock(mutex_);
      auto& of_node = heard_[node];
      of_node.at = now;
      of_node.lag = std::chrono::microseconds(said.at("lag").to_number<std::int64_t>());
      if (node == chat_.node() && said.at("number").to_number<std::uint64_t>() == number_) lag_ = now - said_at_;
    }
    if (node != chat_.node()) chat_.elsewhere(node, said.at("rooms").as_object());
  }
  void on_reset(std::string_view, const coax::position&) override {}
  void on_presence(std::string_view, const coax::presence_change&) override {}
  void on_link(coax::link_state) override {}

  void forget_the_silent() {
    std::vector<std::string> gone;
    {
      const std::lock_guard lock(mutex_);
      std::erase_if(heard_, [&gone](const auto& each) {
        const bool silent = clock::now() - each.second.at > patience;
        if (silent) gone.push_back(each.first);
        return silent;
      });
    }
    for (const auto& node : gone) chat_.forget(node);
  }

  void keep(const json::object& rooms) {
    const std::lock_guard lock(mutex_);
    rooms_ = rooms;
  }
  std::string to_say() {
    const std::lock_guard lock(mutex_);
    said_at_ = clock::now();
    const json::object all{{"node", chat_.node()},
                           {"number", ++number_},
                           {"lag", std::chrono::duration_cast<std::chrono::microseconds>(lag_).count()},
                           {"rooms", rooms_}};
    return json::serialize(all);
  }
  std::map<std::string, std::chrono::microseconds> lags() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::chrono::microseconds> all;
    for (const auto& [node, heard] : heard_) all[node] = heard.lag;
    return all;
  }

 private:
  using clock = std::chrono::steady_clock;
  struct last_word {
    clock::time_point at;
    std::chrono::microseconds lag{0};
  };

  chat& chat_;
  mutable std::mutex mutex_;
  std::map<std::string, last_word> heard_;
  json::object rooms_;
  std::uint64_t number_ = 0;
  clock::time_point said_at_;
  clock::duration lag_{0};
};

roster::roster(const boost::asio::any_io_executor& ex, chat& c, coax::broker& b)
    : chat_(c), timer_(ex), listener_(std::make_shared<listener>(c)), session_(b.open(listener_)) {
  session_->subscribe(topic, [](const coax::result<coax::position>&) {});
  chat_.on_people([this](const json::object& rooms) {
    listener_->keep(rooms);
    tell();
  });
  tick();
}

roster::~roster() { chat_.on_people(nullptr); }

std::map<std::string, std::chrono::microseconds> roster::lags() const { return listener_->lags(); }

void roster::tell() {
  session_->publish(topic, coax::publication(coax::prepared_message(listener_->to_say())), nullptr);
}

void roster::tick() {
  listener_->forget_the_silent();
  tell();
  timer_.expires_after(every);
  // The time may be up, and this wait its turn, when the roster is destroyed: then there is no error.
  timer_.async_wait([this, here = std::weak_ptr(here_)](boost::system::error_code ec) {
    if (!ec && !here.expired()) tick();
  });
}
