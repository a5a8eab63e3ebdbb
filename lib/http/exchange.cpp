#include "http/exchange_state.hpp"
#include <coax/exchange.hpp>

#include <stdexcept>

namespace coax {

exchange::exchange(std::unique_ptr<detail::exchange_state> state) noexcept : state_(std::move(state)) {}
exchange::exchange(exchange&&) noexcept = default;
exchange& exchange::operator=(exchange&&) noexcept = default;
exchange::~exchange() = default;

std::string_view exchange::method() const noexcept { return state_->request().method; }
std::string_view exchange::target() const noexcept { return state_->request().target; }
std::string_view exchange::path() const noexcept { return state_->target.path; }

std::optional<std::string> exchange::query(std::string_view name) const {
  return http::query_value(state_->target.raw_query, name);
}

std::string_view exchange::param(std::string_view name) const {
  if (state_->route)
    for (std::size_t i = 0; i < state_->params.size(); ++i)
      if (state_->route->params[i] == name) return state_->params[i];
  throw std::out_of_range("coax::exchange: the route has no parameter \"" + std::string(name) + '"');
}

std::string_view exchange::header(std::string_view name) const noexcept {
  for (const auto& field : state_->request().fields)
    if (protocol::iequals(field.name, name)) return field.value;
  return {};
}

headers exchange::headers() const {
  coax::headers all;
  for (const auto& field : state_->request().fields) all.add(field.name, field.value);
  return all;
}

unsigned exchange::http_version() const noexcept { return state_->request().version; }
std::string exchange::local_endpoint() const { return state_->lower().local_endpoint(); }
std::string exchange::remote_endpoint() const { return state_->lower().remote_endpoint(); }
bool exchange::secure() const noexcept { return state_->lower().secure(); }
std::string exchange::client_address() const { return state_->client().address; }
std::string_view exchange::scheme() const { return state_->client().secure ? "https" : "http"; }
asio::any_io_executor exchange::get_executor() const { return state_->executor(); }
bool exchange::answered() const noexcept { return state_->at() != detail::exchange_state::phase::open; }

task<std::string> exchange::body(context ctx) { return state_->read_body(std::move(ctx)); }

task<> exchange::respond(response answer, context ctx) { return state_->respond(std::move(answer), std::move(ctx)); }

task<> exchange::respond(unsigned status, std::string content_type, std::string body, context ctx) {
  response answer(status);
  answer.content_type(content_type).body(std::move(body));
  return state_->respond(std::move(answer), std::move(ctx));
}

task<> exchange::start(response head, context ctx) { return state_->start(std::move(head), std::move(ctx)); }
task<> exchange::send(std::string_view chunk, context ctx) { return state_->send(chunk, std::move(ctx)); }
task<> exchange::finish(context ctx) { return state_->finish(std::move(ctx)); }

}  // namespace coax
