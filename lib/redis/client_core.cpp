#include "redis/client_core.hpp"

#include "redis/cluster_core.hpp"
#include "redis/single_core.hpp"

#include <algorithm>

namespace coax::redis {

using coax::detail::now;

namespace {

std::size_t weight_of(const command& c) noexcept { return c.bytes() + sizeof(pending_command); }

}  // namespace

void client_core::node::start() const {
  commands->start();
  subscriptions->start();
}

void client_core::node::close() const noexcept {
  commands->close();
  subscriptions->close();
}

void client_core::node::pump() const {
  commands->pump();
  subscriptions->pump();
}

std::shared_ptr<client_core> client_core::create(asio::any_io_executor ex, std::string_view url,
                                                 const redis_options& options, std::weak_ptr<client_events> events) {
  auto parsed = parse_url(url);
  if (!parsed) throw system_error(errc::bad_url, "redis: the URL " + without_password(url) + " " + parsed.error().text);
  const bool cluster = parsed->kind == deployment::cluster;
  auto plan = std::make_shared<const connect_plan>(std::move(*parsed), options);
  std::shared_ptr<client_core> core;
  if (cluster)
    core = std::make_shared<cluster_core>(std::move(ex), std::move(plan), std::move(events));
  else
    core = std::make_shared<single_core>(std::move(ex), std::move(plan), std::move(events));
  core->post([core] {
    if (!core->closing()) core->begin();
  });
  return core;
}

client_core::client_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan,
                         std::weak_ptr<client_events> events)
    : parking_lot(std::move(ex)), plan_(std::move(plan)), events_(std::move(events)) {}

client_core::~client_core() = default;

client_core::node client_core::make_node(std::string name, link::opener for_commands, link::opener for_subscriptions) {
  using batches = subscription_link::batches;
  const auto& options = plan_->options();
  node n;
  n.name = std::move(name);
  n.commands = std::make_shared<command_link>(executor(), std::move(for_commands), options, counters_, *this);
  n.subscriptions =
      std::make_shared<subscription_link>(executor(), std::move(for_subscriptions), options,
                                          cluster() ? batches::by_slot : batches::whole, counters_, *this);
  return n;
}

void client_core::send(command c, reply_handler done) {
  const auto& options = plan_->options();
  const auto weight = weight_of(c);
  const auto commands = counters_.queued.fetch_add(1) + 1;
  const auto bytes = counters_.queued_bytes.fetch_add(weight) + weight;
  if (commands > options.queue_commands() || bytes > options.queue_bytes()) {
    counters_.queued.fetch_sub(1);
    counters_.queued_bytes.fetch_sub(weight);
    return put(refuse_request{std::move(done)});
  }
  const auto expiry = c.expiry().value_or(coax::detail::after(now(), options.queue_time()));
  put(pending_command(std::move(c), std::move(done), expiry));
}

void client_core::put(request r) {
  if (shut_down()) return;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(r));
  }
  if (first) post([self = std::static_pointer_cast<client_core>(shared_from_this())] { self->process(); });
}

void client_core::process() {
  std::vector<request> requests;
  {
    const std::lock_guard lock(mutex_);
    requests.swap(inbox_);
  }
  for (auto& r : requests) std::visit([this](auto& what) { serve(what); }, r);
  if (closing()) return;
  for (const auto* n : nodes()) n->pump();
}

void client_core::serve(pending_command& c) {
  if (closing()) return complete(c, error_code(errc::canceled));
  if (c.expiry < next_expiry_) wake_at(next_expiry_ = c.expiry);
  route(std::move(c));
}

void client_core::serve(refuse_request& r) {
  if (r.done) r.done(error_code(closing() ? errc::canceled : errc::broker_unavailable));
}

void client_core::serve(reset_request& r) {
  if (closing()) return;
  for (const auto* n : nodes()) {
    if (r.kind == link_kind::commands)
      n->commands->give_up("it was reset", link::again::at_once);
    else
      n->subscriptions->give_up("it was reset", link::again::at_once);
  }
}

void client_core::complete(pending_command& c, const result<value>& r) {
  c.ended = true;
  counters_.queued.fetch_sub(1);
  counters_.queued_bytes.fetch_sub(weight_of(c.what));
  if (!c.done) return;
  const auto done = std::exchange(c.done, nullptr);
  if (closing())
    done(error_code(errc::canceled));
  else
    done(r);
}

void client_core::close() {
  if (closing_.exchange(true) || shut_down()) return;
  post([self = std::static_pointer_cast<client_core>(shared_from_this())] { self->finish(); });
}

void client_core::finish() {
  process();
  for (const auto* n : nodes()) {
    n->close();
    n->commands->cancel_all();
  }
  end();
  wake_never();
}

// What waits holds whoever has asked, who holds this.
void client_core::on_shutdown() noexcept {
  const auto self = weak_from_this().lock();
  closing_ = true;
  std::vector<request> requests;
  {
    const std::lock_guard lock(mutex_);
    requests.swap(inbox_);
  }
  for (const auto* n : nodes()) {
    n->close();
    n->commands->forget_all();
  }
  forget_unrouted();
}

void client_core::on_time(time_point time) {
  if (closing()) return;
  if (time >= next_expiry_) expire(time);
  if (next_expiry_ != time_point::max()) wake_at(next_expiry_);
  on_tick(time);
}

void client_core::expire(time_point time) {
  auto next = expire_unrouted(time);
  for (const auto* n : nodes()) next = std::min(next, n->commands->expire(time));
  next_expiry_ = next;
}

client_stats client_core::stats() const noexcept {
  client_stats s;
  s.commands_sent = counters_.commands_sent;
  s.replies = counters_.replies;
  s.writes = counters_.writes;
  s.messages = counters_.messages;
  s.connects = counters_.connects;
  s.queued = counters_.queued;
  s.queued_bytes = counters_.queued_bytes;
  s.subscriptions = counters_.subscriptions;
  s.confirmed = counters_.confirmed;
  return s;
}

template <class Call>
void client_core::tell(Call call) {
  if (closing()) return;
  if (const auto events = events_.lock()) call(*events);
}

void client_core::retire(const node& n) {
  const auto gone = [&](const link& l, link_kind kind) {
    if (l.up()) tell([&](client_events& e) { e.on_link(kind, link_event::down, n.name, "it is no longer needed"); });
  };
  gone(*n.commands, link_kind::commands);
  gone(*n.subscriptions, link_kind::subscriptions);
  n.close();
}

void client_core::link_changed(const link& l, link_kind kind, link_event event, std::string_view why) {
  if (event == link_event::up) count(counters_.connects);
  const auto name = name_of(l);
  tell([&](client_events& e) { e.on_link(kind, event, name, why); });
  if (event != link_event::up && !closing()) link_lost(l);
}

void client_core::command_link_changed(command_link& l, link_event event, std::string_view why) {
  link_changed(l, link_kind::commands, event, why);
}

void client_core::subscription_link_changed(subscription_link& l, link_event event, std::string_view why) {
  link_changed(l, link_kind::subscriptions, event, why);
}

void client_core::message(channel_kind kind, std::string_view matched, std::string_view channel,
                          std::string_view payload) {
  tell([&](client_events& e) { e.on_message(kind, matched, channel, payload); });
}

void client_core::subscribed(channel_kind kind, std::string_view name) {
  tell([&](client_events& e) { e.on_subscribed(kind, name); });
}

void client_core::lost(channel_kind kind, std::string_view name) {
  tell([&](client_events& e) { e.on_lost(kind, name); });
}

void client_core::subscription_refused(channel_kind kind, std::string_view name, std::string_view why) {
  tell([&](client_events& e) { e.on_refused(kind, name, why); });
}

}  // namespace coax::redis
