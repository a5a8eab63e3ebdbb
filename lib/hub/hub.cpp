#include "hub/registry.hpp"
#include "protocol/close_frame.hpp"
#include <coax/hub.hpp>

namespace coax {

hub::hub(const queue_limits& queue) : registry_(std::make_shared<detail::registry>(queue)) {}

hub::~hub() { registry_->close(status::going_away, {}); }

peer hub::attach(conn c) { return attach(std::move(c), registry_->default_limits()); }
peer hub::attach(conn c, const queue_limits& queue) { return peer(registry_->attach(std::move(c), queue)); }

std::size_t hub::publish(std::string_view topic, message_kind kind, asio::const_buffer bytes,
                         const publish_options& options) {
  return registry_->publish(topic, kind, bytes, options.except());
}

std::size_t hub::publish_text(std::string_view topic, std::string_view text, const publish_options& options) {
  return publish(topic, message_kind::text, asio::buffer(text), options);
}

std::vector<topic_count> hub::topics() const { return registry_->topics(); }
hub_stats hub::stats() const { return registry_->stats(); }

void hub::close(status code, std::string_view reason) {
  protocol::check_close({code, reason});
  registry_->close(code, reason);
}

}  // namespace coax
