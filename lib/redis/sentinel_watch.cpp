#include "redis/sentinel_watch.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace coax::redis {
namespace {

link::opener any_sentinel(std::shared_ptr<const connect_plan> plan) {
  return [plan = std::move(plan), next = std::make_shared<std::size_t>(0)](context ctx) {
    const auto& seeds = plan->url().seeds;
    return connect_sentinel(plan, seeds[(*next)++ % seeds.size()], std::move(ctx));
  };
}

}  // namespace

std::optional<endpoint> switched_master(std::string_view message, std::string_view master) {
  // "mymaster 127.0.0.1 6379 127.0.0.1 6380"
  std::vector<std::string_view> words;
  while (!message.empty()) {
    const auto end = std::min(message.find(' '), message.size());
    words.push_back(message.substr(0, end));
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  if (words.size() != 5 || words[0] != master) return std::nullopt;
  return endpoint(std::string(words[3]), std::string(words[4]));
}

sentinel_watch::sentinel_watch(asio::any_io_executor ex, std::shared_ptr<const connect_plan> plan, handler switched)
    : master_(plan->url().master), switched_(std::move(switched)) {
  link_ = std::make_shared<subscription_link>(std::move(ex), any_sentinel(plan), plan->options(),
                                              subscription_link::batches::whole, counters_, *this);
  link_->want(channel_kind::plain, "+switch-master");
}

void sentinel_watch::message(channel_kind, std::string_view, std::string_view, std::string_view payload) {
  if (const auto to = switched_master(payload, master_)) switched_(*to);
}

}  // namespace coax::redis
