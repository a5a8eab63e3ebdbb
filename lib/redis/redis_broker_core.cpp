#include "redis/redis_broker_core.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace coax::detail {
namespace {

// In a Cluster a probe goes by so many slots, so that most likely each node is among those who have to pass it on.
constexpr unsigned cluster_routes = 16;

// What is told to all nodes is kept for those that are deaf at the time.
const history_limits control_history = history_limits().size(256).ttl(std::chrono::minutes(1));

constexpr std::size_t touched_at_a_time = 1000;

}  // namespace

std::shared_ptr<redis_broker_core> redis_broker_core::create(asio::any_io_executor ex, std::string_view url,
                                                             const redis_broker_options& options) {
  auto core = std::make_shared<redis_broker_core>(std::move(ex), options);
  core->start(url);
  auto* const owned = core.get();
  return std::shared_ptr<redis_broker_core>(owned, [core = std::move(core)](redis_broker_core*) mutable {
    if (core->shut_down()) return;
    auto& home = *core;
    home.post([core = std::move(core)] { core->end(); });
  });
}

redis_broker_core::redis_broker_core(asio::any_io_executor ex, const redis_broker_options& options)
    : parking_lot(std::move(ex)), site_(options), outbox_(site_), subscriptions_(site_, outbox_), presence_(site_) {}

void redis_broker_core::start(std::string_view url) {
  const auto self = std::static_pointer_cast<redis_broker_core>(shared_from_this());
  const std::lock_guard lock(starting_);
  site_.start(executor(), url, self);
  // The client tells from now on, on the executor: what it touches is made there.
  post([self] { self->begin(); });
}

void redis_broker_core::begin() {
  if (site_.redis().cluster()) routes_ = cluster_routes;
  link_.emplace(site_.options.probe_interval(), routes_);
  for (unsigned n = 0; n < routes_; ++n) own_.insert(site_.probes.channel(route(n)));
  own_.insert(site_.control.channel({}));
  for (const auto& channel : own_) site_.redis().subscribe(site_.kind, channel);
  touch_ = after(now(), site_.options.idle_time() / 4);
  on_time(now());
}

void redis_broker_core::end() {
  ended_ = true;
  wake_never();
  presence_.farewell([this] { site_.redis().close(); });
}

// Sessions ---------------------------------------------------------------------------------------------------------

redis_broker_core::listener_ptr redis_broker_core::open(std::weak_ptr<broker_events> events) {
  const std::lock_guard lock(mutex_);
  return sessions_.emplace_back(std::make_shared<redis_listener>(++last_session_, std::move(events)));
}

void redis_broker_core::close(const listener_ptr& who) {
  who->close();
  {
    const std::lock_guard lock(mutex_);
    std::erase(sessions_, who);
  }
  if (shut_down()) return;
  presence_.drop(who);
  if (subscriptions_.drop(who)) post([self = shared_from_this(), this] { arm(); });
}

void redis_broker_core::unsubscribe(const listener_ptr& who, std::string_view topic) {
  if (subscriptions_.unsubscribe(who, topic)) post([self = shared_from_this(), this] { arm(); });
}

void redis_broker_core::publish(std::string_view topic, publication what, std::shared_ptr<awaited<position>> done) {
  if (outbox_.publish(site_.topics, topic, std::move(what), std::move(done)))
    post([self = shared_from_this(), this] { arm(); });
}

void redis_broker_core::history(std::string_view topic, const position& since, std::size_t limit,
                                std::shared_ptr<awaited<history_page>> done) {
  read_log(site_, site_.topics, topic, since, limit,
           [done = std::move(done)](result<history_page> page) { done->finish(std::move(page)); });
}

void redis_broker_core::broadcast(std::string_view message) {
  publication what(prepared_message(message_kind::binary, asio::buffer(message.data(), message.size())));
  outbox_.publish(site_.control, {}, std::move(what.history(control_history)), nullptr);
}

std::vector<std::shared_ptr<broker_events>> redis_broker_core::everybody() const {
  std::vector<std::shared_ptr<broker_events>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& s : sessions_)
    if (auto events = s->events()) all.push_back(std::move(events));
  return all;
}

// What comes -------------------------------------------------------------------------------------------------------

void redis_broker_core::on_message(redis::channel_kind kind, std::string_view, std::string_view channel,
                                   std::string_view payload) {
  if (ended_ || payload.empty()) return;
  if (const auto topic = site_.topics.topic_of(channel)) {
    if (!is_repeated(channel, payload)) tell(kind, *topic, payload);
  } else if (const auto probe = site_.probes.topic_of(channel)) {
    const auto told = parse_entry(payload.substr(1));
    const auto number = parse_number(probe->substr(probe->rfind('.') + 1));
    if (!told || !number) return;
    const auto bytes = told->entry->message().data();
    const auto round = parse_number({static_cast<const char*>(bytes.data()), bytes.size()});
    link_->back(round.value_or(0), static_cast<unsigned>(*number), now());
    check();
  } else if (channel == site_.control.channel({})) {
    const auto told = parse_entry(payload.substr(1));
    if (!told) return;
    control_.on_entry(told->epoch, told->entry);
    advance_control();
  }
}

// Redis tells a message once for the channel and once for each pattern that matches, one right behind the other.
bool redis_broker_core::is_repeated(std::string_view channel, std::string_view payload) {
  if (payload.front() != 'e') return false;
  constexpr std::size_t longest_head = 1 + position::max_epoch + 1 + 20 + 1 + 32;
  const auto head = payload.substr(0, longest_head);
  if (channel == last_channel_ && head == last_head_) return true;
  last_channel_ = channel;
  last_head_ = head;
  return false;
}

void redis_broker_core::tell(redis::channel_kind kind, std::string_view topic, std::string_view payload) {
  const char what = payload.front();
  payload.remove_prefix(1);
  if (what == 'e') return tell_entry(topic, payload);
  if (kind == redis::channel_kind::pattern || (what != '+' && what != '-')) return;
  const auto who = parse_user(payload);
  if (!who) return;
  const presence_change change{what == '+' ? presence_change::kind::joined : presence_change::kind::left,
                               std::string(who->user), std::string(who->data)};
  const auto to = subscriptions_.subscribed(topic);
  for (const auto& s : *to)
    if (const auto events = s->events()) events->on_presence(topic, change);
}

void redis_broker_core::tell_entry(std::string_view topic, std::string_view text) {
  const auto to = subscriptions_.hear(topic);
  if (to->empty()) return;
  const auto told = parse_entry(text);
  if (!told) return;
  for (const auto& s : *to)
    if (const auto events = s->events()) events->on_entry(topic, told->epoch, told->entry);
}

// The link ---------------------------------------------------------------------------------------------------------

void redis_broker_core::on_subscribed(redis::channel_kind kind, std::string_view name) {
  if (kind == redis::channel_kind::pattern) {
    subscriptions_.on_pattern_subscribed(name);
  } else if (const auto topic = site_.topics.topic_of(name)) {
    subscriptions_.on_topic_subscribed(*topic);
  } else if (own_.contains(name)) {
    confirmed_.emplace(name);
    if (name == site_.control.channel({})) begin_control();
  }
  check();
}

void redis_broker_core::on_lost(redis::channel_kind kind, std::string_view name) {
  if (kind == redis::channel_kind::pattern) {
    subscriptions_.on_pattern_lost(name);
  } else if (const auto topic = site_.topics.topic_of(name)) {
    subscriptions_.on_topic_lost(*topic);
  } else if (const auto found = confirmed_.find(name); found != confirmed_.end()) {
    confirmed_.erase(found);
  }
  trouble();
}

void redis_broker_core::on_link(redis::link_kind kind, redis::link_event event, std::string_view, std::string_view) {
  // The first that the client tells, perhaps while another thread is still in `start`. What it missed `begin` looks up.
  if (const std::lock_guard lock(starting_); !link_) return;
  if (event == redis::link_event::up) return check();
  if (kind == redis::link_kind::commands) commands_lost_ = true;
  trouble();
}

void redis_broker_core::trouble() {
  if (!link_) return;
  link_->trouble();
  tell_link();
  arm();
}

void redis_broker_core::check() {
  if (ended_ || !link_) return;
  const auto what = link_->poll(now(), calm());
  // Redis has taken it and it has not come back: the other connection is deaf. Otherwise the client finds out which
  // one it is by itself.
  if (what.late && answered_ == routes_) site_.redis().reset(redis::link_kind::subscriptions);
  if (what.probe != 0) {
    answered_ = 0;
    for (unsigned n = 0; n < routes_; ++n)
      outbox_.probe(route(n), what.probe, [this, probe = what.probe] { answered_ += probe == link_->last() ? 1 : 0; });
  }
  tell_link();
  arm();
}

void redis_broker_core::tell_link() {
  const auto state = link_->state();
  if (state_.exchange(state) == state) return;
  if (state == link_state::ready) {
    // What Redis holds now may not be what it held before.
    if (std::exchange(commands_lost_, false)) presence_.repeat();
    control_.doubt();
    if (control_begun_) {
      advance_control();
    } else {
      begin_control();
    }
  }
  for (const auto& events : everybody()) events->on_link(state);
}

// Everybody's topic ------------------------------------------------------------------------------------------------

void redis_broker_core::begin_control() {
  if (control_begun_) return;
  read_log(site_, site_.control, {}, position(), 0, [this](const result<history_page>& page) {
    if (!page || std::exchange(control_begun_, true)) return;
    control_.start(page->end);
    advance_control();
  });
}

// Those whose history has gone on without this node have to live with it.
void redis_broker_core::advance_control() {
  while (const auto event = control_.next()) {
    const auto* const entry = std::get_if<entry_ptr>(&*event);
    if (!entry) continue;
    const auto bytes = (*entry)->message().data();
    for (const auto& events : everybody()) events->on_control({static_cast<const char*>(bytes.data()), bytes.size()});
  }
  const auto question = control_.inquire(now());
  arm();
  if (!question) return;
  read_log(site_, site_.control, {}, question->since, question->limit,
           [this, id = question->id](const result<history_page>& page) {
             if (page) {
               control_.on_page(id, *page, now());
             } else {
               control_.on_failure(id, now());
             }
             advance_control();
           });
}

// Time -------------------------------------------------------------------------------------------------------------

void redis_broker_core::on_time(steady::time_point time) {
  if (ended_) return;
  if (time >= renewal_) {
    presence_.renew();
    renewal_ = after(time, site_.options.lease_refresh());
  }
  // Comparing an empty history is a use of the topic.
  if (time >= touch_) {
    if (to_touch_.empty()) to_touch_ = subscriptions_.topics();
    for (std::size_t n = 0; n < touched_at_a_time && !to_touch_.empty(); ++n, to_touch_.pop_back())
      read_log(site_, site_.topics, to_touch_.back(), position(), 0, [](const result<history_page>&) {});
    touch_ = after(time, to_touch_.empty() ? site_.options.idle_time() / 4 : std::chrono::seconds(1));
  }
  advance_control();
  check();
}

void redis_broker_core::arm() {
  if (ended_ || !link_) return;
  auto next = std::min(renewal_, touch_);
  if (const auto at = subscriptions_.sweep(now())) next = std::min(next, *at);
  if (const auto at = outbox_.expire(now())) next = std::min(next, *at);
  if (const auto at = link_->due(calm())) next = std::min(next, *at);
  if (const auto at = control_.due()) next = std::min(next, *at);
  wake_at(next);
}

}  // namespace coax::detail
