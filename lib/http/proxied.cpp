#include "http/proxied.hpp"

#include "io/stream.hpp"
#include "io/tunnel_transport.hpp"
#include "protocol/network.hpp"
#include "protocol/proxy_header.hpp"
#include <coax/error.hpp>

#include <memory>

namespace coax::http {

using protocol::proxy_header;

namespace {

struct beginning {
  beginning() = default;

  proxy_header header;
  std::string bytes;
  error_code error;
};

task<beginning> read_header(std::shared_ptr<detail::stream> s, context ctx) {
  beginning b;
  for (;;) {
    b.header = protocol::read_proxy_header(b.bytes);
    if (b.header.what != proxy_header::verdict::more) co_return std::move(b);
    const auto had = b.bytes.size();
    b.bytes.resize(had + b.header.size);
    const auto n = co_await s->read_some(asio::buffer(b.bytes.data() + had, b.header.size), ctx);
    b.bytes.resize(had + (n ? *n : 0));
    if (n) continue;
    b.error = n.error();
    co_return std::move(b);
  }
}

}  // namespace

task<result<std::shared_ptr<transport>>> read_proxied(std::shared_ptr<transport> t, const server_options& policy,
                                                      context ctx) {
  const bool required = policy.proxy_protocol() == proxy_protocol::require;
  if (!policy.proxies()->contains_endpoint(t->remote_endpoint())) {
    if (required) co_return error_code(errc::bad_request);
    co_return std::move(t);
  }
  const auto s = detail::stream::create(std::move(t));
  auto b = co_await read_header(s, std::move(ctx));
  auto lower = s->release();
  if (b.header.what == proxy_header::verdict::complete) {
    if (!b.header.endpoints) co_return std::move(lower);
    auto& told = *b.header.endpoints;
    co_return detail::make_proxied_transport(std::move(lower), std::move(told.local), std::move(told.remote));
  }
  // Who is late with a header that he need not send is late with his request: that has an answer of its own.
  const bool late = b.error == errc::deadline_exceeded;
  if (b.error && !late) co_return b.error;
  if (required && late) co_return b.error;
  if (required || b.header.what == proxy_header::verdict::malformed) co_return error_code(errc::bad_request);
  if (b.bytes.empty()) co_return std::move(lower);
  co_return detail::make_tunnel_transport(std::move(lower), std::move(b.bytes));
}

}  // namespace coax::http
