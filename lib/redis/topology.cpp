#include "redis/topology.hpp"

#include <string>

namespace coax::redis {

using protocol::resp_value;

std::optional<std::vector<slot_range>> parse_slots(const resp_value& answer, const endpoint& asked) {
  if (!answer.is_aggregate()) return std::nullopt;
  std::vector<slot_range> slots;
  for (const auto range : answer) {
    const auto first = range[0].integer();
    const auto last = range[1].integer();
    const auto port = range[2][1].integer();
    if (!first || !last || !port || *first < 0 || *last < *first || *last >= std::int64_t{slot_count})
      return std::nullopt;
    slot_range r;
    r.first = static_cast<std::uint16_t>(*first);
    r.last = static_cast<std::uint16_t>(*last);
    r.master.host = range[2][0].text();
    if (r.master.host.empty()) r.master.host = asked.host;
    r.master.port = std::to_string(*port);
    if (r.master.host != "?") slots.push_back(std::move(r));
  }
  return slots;
}

std::optional<endpoint> parse_node(std::string_view text, const endpoint& asked) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon + 1 == text.size()) return std::nullopt;
  endpoint e(std::string(text.substr(0, colon)), std::string(text.substr(colon + 1)));
  if (e.port.find_first_not_of("0123456789") != e.port.npos || e.port.size() > 5) return std::nullopt;
  if (e.host.empty()) e.host = asked.host;
  return e;
}

namespace {

task<std::vector<slot_range>> ask_slots(std::shared_ptr<const connect_plan> plan, endpoint node, context ctx) {
  conversation with(co_await connect_server(std::move(plan), node, role::any, ctx));
  command question("CLUSTER");
  question.arg("SLOTS");
  const auto answer = co_await with.ask(question, ctx);
  auto slots = parse_slots(answer, node);
  if (!slots || slots->empty())
    throw system_error(errc::handshake_failed,
                       "redis: " + node.name() + " knows no slots: " + std::string(answer.text()));
  co_return std::move(*slots);
}

}  // namespace

task<std::vector<slot_range>> fetch_slots(std::shared_ptr<const connect_plan> plan, std::vector<endpoint> nodes,
                                          context ctx) {
  std::string why = "there is no node to ask";
  for (auto& node : nodes) {
    std::optional<std::vector<slot_range>> slots;
    try {
      const context bounded = ctx.with_timeout(plan->options().connect_timeout() / 4);
      slots = co_await ask_slots(plan, std::move(node), bounded);
    } catch (const system_error& e) {
      why = e.what();
    }
    if (slots) co_return std::move(*slots);
    if (const auto ec = ctx.stopped()) throw system_error(ec, "redis: asking for the slots of the Cluster");
  }
  throw system_error(errc::handshake_failed, why);
}

}  // namespace coax::redis
