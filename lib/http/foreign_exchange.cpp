#include "http/foreign_exchange.hpp"

#include <chrono>
#include <stop_token>
#include <string>

namespace coax::http {
namespace {

using detail::exchange_state;

/// The request as if it had been parsed here.
std::unique_ptr<request> adopt(const detail::foreign_request& from) {
  auto r = std::make_unique<request>();
  std::size_t total = from.method.size() + from.target.size();
  for (const auto& f : from.fields) total += f.name.size() + f.value.size();
  r->head.reserve(total);
  const auto keep = [&r](const std::string& text) {
    r->head += text;
    return std::string_view(r->head.data() + r->head.size() - text.size(), text.size());
  };
  r->method = keep(from.method);
  r->target = keep(from.target);
  r->version = from.version;
  for (const auto& f : from.fields) {
    const auto name = keep(f.name);
    r->fields.push_back({name, keep(f.value)});
  }
  return r;
}

std::unique_ptr<exchange_state> state_of(std::shared_ptr<wire> w, const detail::foreign_request& request) {
  w->add_input(request.already_read);
  auto state = std::make_unique<exchange_state>(std::move(w), adopt(request));
  // Somebody else has read the body, and the connection is ours from here on.
  state->body_is_elsewhere();
  state->end_after_answer();
  if (auto target = parse_target(state->request().target)) state->target = *std::move(target);
  return state;
}

}  // namespace

foreign_exchange::foreign_exchange(std::shared_ptr<transport> t, detail::foreign_request request)
    : wire_(wire::create(std::move(t), std::chrono::seconds(30), std::stop_source())),
      exchange_(state_of(wire_, request)) {}

task<> foreign_exchange::end() {
  const auto w = wire_;
  if (exchange_.state().at() == exchange_state::phase::done) co_await w->shutdown(std::chrono::seconds(2));
  w->cut();
}

}  // namespace coax::http
