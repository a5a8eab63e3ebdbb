#include "status.hpp"

#include <algorithm>

namespace json = boost::json;
using namespace std::chrono_literals;

site_status::site_status(const boost::asio::any_io_executor& ex, chat& c, coax::redis_broker& b, const roster& r)
    : chat_(c), broker_(b), roster_(r), timer_(ex) {
  ask();
}

void site_status::ask() {
  broker_.nodes([known = known_](coax::result<std::vector<coax::redis_node>> answer) {
    if (!answer) return;  // the page sees how old the last one is
    std::sort(answer->begin(), answer->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const std::lock_guard lock(known->mutex);
    known->nodes = *std::move(answer);
  });
  timer_.expires_after(1s);
  // As in the roster.
  timer_.async_wait([this, here = std::weak_ptr(here_)](boost::system::error_code ec) {
    if (!ec && !here.expired()) ask();
  });
}

std::string site_status::to_json() const {
  const auto lags = roster_.lags();
  json::array nodes;
  {
    const std::lock_guard lock(known_->mutex);
    for (const auto& n : known_->nodes) {
      const auto lag = lags.find(n.name);
      json::object node{{"name", n.name},
                        {"process", n.address},
                        {"connections", n.connections},
                        {"started", std::chrono::system_clock::to_time_t(n.started)},
                        {"seen_ms", n.seen.count()}};
      if (lag != lags.end()) node["lag_ms"] = static_cast<double>(lag->second.count()) / 1000;
      nodes.push_back(std::move(node));
    }
  }
  const json::object all{{"answered_by", chat_.node()},
                         {"ready", chat_.hub().state() == coax::hub_state::ready},
                         {"nodes", std::move(nodes)},
                         {"rooms", chat_.rooms()}};
  return json::serialize(all);
}
