#include <coax/hub.hpp>
#include <coax/metrics.hpp>

#include <cstdint>
#include <span>

namespace coax {
namespace {

void append_value(std::string& to, const std::string& name, std::string_view label, std::uint64_t value) {
  to.append(name).append(label).append(" ").append(std::to_string(value)).append("\n");
}

void append_head(std::string& to, const std::string& name, std::string_view type, std::string_view help) {
  to.append("# HELP ").append(name).append(" ").append(help).append("\n");
  to.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

std::string topic_label(std::string_view topic) {
  std::string label = "{topic=\"";
  for (const char c : topic) {
    if (c == '\n') {
      label += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') label += '\\';
    label += c;
  }
  return label += "\"}";
}

struct row {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t value;
};

std::string text_of(const char* prefix, std::span<const row> rows) {
  std::string text;
  for (const auto& r : rows) {
    const auto name = std::string(prefix) + r.name;
    append_head(text, name, r.type, r.help);
    append_value(text, name, {}, r.value);
  }
  return text;
}

task<> answer(exchange& x, unsigned status, std::string text) {
  response r(status);
  r.content_type("text/plain; charset=utf-8").header("Cache-Control", "no-store").body(std::move(text));
  co_await x.respond(std::move(r));
}

}  // namespace

std::string prometheus_text(const hub_stats& s, const std::vector<topic_stats>& topics) {
  const row rows[] = {
      {"topics", "gauge", "Topics with at least one member.", s.topics},
      {"peers", "gauge", "Attached peers.", s.peers},
      {"queued_messages", "gauge", "Messages on their way to peers.", s.queued},
      {"published_total", "counter", "Messages published here.", s.published},
      {"publish_errors_total", "counter", "Messages that the broker has not taken.", s.publish_errors},
      {"delivered_total", "counter", "Messages taken by the connections of peers.", s.delivered},
      {"dropped_total", "counter", "Messages that peers did not get.", s.dropped},
      {"filtered_total", "counter", "Messages refused by the filters of peers.", s.filtered},
      {"disconnected_total", "counter", "Peers closed for being slow.", s.disconnected},
      {"rewinds_total", "counter", "Times a peer left live for the log of a topic.", s.rewinds},
      {"resets_total", "counter", "Histories of topics that were lost or forked.", s.resets},
      {"filter_errors_total", "counter", "Filters that have thrown.", s.filter_errors},
      {"failures_total", "counter", "Peers ended by a failure of the hub.", s.failures},
  };
  auto text = text_of("coax_hub_", rows);
  const auto per_topic = [&](const std::string& name, std::string_view type, std::string_view help, auto value) {
    if (topics.empty()) return;
    append_head(text, name, type, help);
    for (const auto& t : topics) append_value(text, name, topic_label(t.name), value(t));
  };
  per_topic("coax_hub_topic_members", "gauge", "Members of a topic.", [](const auto& t) { return t.members; });
  per_topic("coax_hub_topic_published_total", "counter", "Messages of a topic, while it had members.",
            [](const auto& t) { return t.published; });
  per_topic("coax_hub_topic_dropped_total", "counter", "Messages of a topic that peers did not get.",
            [](const auto& t) { return t.dropped; });
  return text;
}

std::string prometheus_text(const server_stats& s) {
  const row rows[] = {
      {"connections", "gauge", "Open connections.", s.connections},
      {"streams", "gauge", "Open WebSockets and streams of events.", s.streams},
      {"accepted_total", "counter", "Connections accepted.", s.accepted},
      {"requests_total", "counter", "Requests, refused ones included.", s.requests},
      {"refused_connections_total", "counter", "Requests refused for the number of connections.",
       s.refused_connections},
      {"refused_streams_total", "counter", "WebSockets and streams refused for their number.", s.refused_streams},
      {"refused_by_hook_total", "counter", "Requests refused by the admission hook.", s.refused_by_hook},
      {"refused_proxies_total", "counter", "Connections cut for the PROXY protocol.", s.refused_proxies},
  };
  return text_of("coax_server_", rows);
}

request_handler livez() {
  return [](exchange& x, context) { return answer(x, 200, "alive\n"); };
}

request_handler readyz(hub& h) {
  return [&h](exchange& x, context) {
    switch (h.state()) {
      case hub_state::ready: return answer(x, 200, "ready\n");
      case hub_state::draining: return answer(x, 503, "draining\n");
      case hub_state::closed: return answer(x, 503, "closed\n");
      case hub_state::degraded: break;
    }
    return answer(x, 503, "deaf to the broker\n");
  };
}

}  // namespace coax
