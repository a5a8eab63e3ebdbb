#include "redis/client.hpp"

#include "redis/client_core.hpp"

namespace coax::redis {

client::client(asio::any_io_executor ex, std::string_view url, const redis_options& options,
               std::weak_ptr<client_events> events)
    : core_(client_core::create(std::move(ex), url, options, std::move(events))) {}

client::~client() { close(); }

void client::send(command c, reply_handler done) { core_->send(std::move(c), std::move(done)); }

void client::subscribe(channel_kind kind, std::string_view name) { core_->subscribe(kind, name); }

void client::unsubscribe(channel_kind kind, std::string_view name) { core_->unsubscribe(kind, name); }

void client::reset(link_kind kind) { core_->reset(kind); }

bool client::cluster() const noexcept { return core_->cluster(); }

client_stats client::stats() const { return core_->stats(); }

void client::close() { core_->close(); }

}  // namespace coax::redis
