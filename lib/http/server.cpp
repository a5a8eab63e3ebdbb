#include "http/server_state.hpp"
#include "http/static_files.hpp"
#include <coax/server.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace coax {

namespace {

std::shared_ptr<detail::server_state> with_own_context(server_options options) {
  auto ioc = std::make_unique<asio::io_context>(1);
  const asio::any_io_executor ex = ioc->get_executor();
  return std::make_shared<detail::server_state>(std::move(ioc), ex, std::move(options));
}

}  // namespace

server::server(server_options options) : state_(with_own_context(std::move(options))) {}
server::server(asio::any_io_executor ex, server_options options)
    : state_(std::make_shared<detail::server_state>(nullptr, std::move(ex), std::move(options))) {}
server::server(server&&) noexcept = default;
server& server::operator=(server&&) noexcept = default;
server::~server() = default;

server& server::route(std::string_view method, std::string_view pattern, request_handler handler) {
  state_->site().routes.add(method, pattern, std::move(handler));
  return *this;
}

server& server::get(std::string_view pattern, request_handler h) { return route("GET", pattern, std::move(h)); }
server& server::post(std::string_view pattern, request_handler h) { return route("POST", pattern, std::move(h)); }
server& server::put(std::string_view pattern, request_handler h) { return route("PUT", pattern, std::move(h)); }
server& server::del(std::string_view pattern, request_handler h) { return route("DELETE", pattern, std::move(h)); }
server& server::head(std::string_view pattern, request_handler h) { return route("HEAD", pattern, std::move(h)); }
server& server::any(std::string_view pattern, request_handler h) { return route({}, pattern, std::move(h)); }

server& server::files(std::string_view prefix, const std::string& folder, file_options options) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::string base(prefix);
  const auto segments = static_cast<std::size_t>(std::count(base.begin(), base.end(), '/'));
  get(base + "/*path", http::serve_folder(folder, segments, std::move(options)));
  return base.empty() ? *this : get(base, http::add_slash());
}

server& server::asset(std::string_view pattern, std::string_view content_type, std::string bytes) {
  return get(pattern, http::serve_bytes(content_type, std::move(bytes)));
}

std::string server::listen(std::string_view address) { return state_->listen(address); }

task<> server::serve(context stop) {
  const auto state = state_;
  co_await state->serve(std::move(stop));
}

task<> server::serve(std::string address, context stop) {
  const auto state = state_;
  state->listen(address);
  co_await state->serve(std::move(stop));
}

void server::run(std::string_view address) { state_->run(address); }

std::string server::local_endpoint() const {
  const auto* l = state_->first_listener();
  return l ? l->endpoint : std::string();
}

std::uint16_t server::port() const {
  const auto* l = state_->first_listener();
  return l ? l->port : std::uint16_t{0};
}

std::size_t server::connections() const noexcept { return state_->site().open.load(); }
server_stats server::stats() const noexcept { return state_->site().stats(); }
asio::any_io_executor server::get_executor() const { return state_->executor(); }

}  // namespace coax
