#include "redis/single_core.hpp"

#include <chrono>
#include <memory>

namespace coax::redis {

using namespace std::chrono_literals;
using coax::detail::now;

namespace {

constexpr auto while_no_master = 100ms;

task<std::shared_ptr<transport>> connect_master(std::shared_ptr<const connect_plan> plan,
                                                std::shared_ptr<std::size_t> first, std::shared_ptr<endpoint> where,
                                                context ctx) {
  *where = co_await find_master(plan, std::move(first), ctx);
  co_return co_await connect_server(std::move(plan), *where, role::master, std::move(ctx));
}

link::opener opener_for(const std::shared_ptr<const connect_plan>& plan, const std::shared_ptr<endpoint>& where) {
  if (plan->url().kind == deployment::standalone)
    return [plan, where](context ctx) { return connect_server(plan, *where, role::any, std::move(ctx)); };
  const auto first = std::make_shared<std::size_t>(0);
  return [plan, first, where](context ctx) { return connect_master(plan, first, where, std::move(ctx)); };
}

}  // namespace

single_core::single_core(asio::any_io_executor ex, std::shared_ptr<const connect_plan> p,
                         std::weak_ptr<client_events> events)
    : client_core(std::move(ex), std::move(p), std::move(events)),
      where_(std::make_shared<endpoint>(plan()->url().seeds.front())),
      server_(make_node({}, opener_for(plan(), where_), opener_for(plan(), where_))) {
  if (plan()->url().kind == deployment::sentinel)
    watch_.emplace(executor(), plan(), [this](const endpoint& to) { master_switched(to); });
}

void single_core::begin() {
  server_.start();
  if (watch_) watch_->start();
}

void single_core::end() {
  if (watch_) watch_->close();
}

void single_core::master_switched(const endpoint& to) {
  if (closing() || *where_ == to) return;
  const auto why = "the master is " + to.name() + " now";
  server_.commands->give_up(why, link::again::at_once);
  server_.subscriptions->give_up(why, link::again::at_once);
}

void single_core::commands_refused(command_link& l, refusal gravest) {
  if (gravest == refusal::again) return l.go_on();
  if (gravest == refusal::later) return l.go_on_at(now() + command_link::while_unable);
  l.go_on_at(now() + while_no_master);
  const auto why = "it is no master";
  l.give_up(why, link::again::with_jitter);
  if (watch_) server_.subscriptions->give_up(why, link::again::with_jitter);
}

}  // namespace coax::redis
