#include "dial/scripted_server.hpp"

#include "io/tls_transport.hpp"
#include "protocol/accept_key.hpp"
#include "protocol/header_field.hpp"
#include "support/certificates.hpp"
#include "support/run.hpp"
#include <coax/stream_transport.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace coax::test {
namespace {

using asio::ip::tcp;
using stream_ptr = std::shared_ptr<detail::stream>;

}  // namespace

task<std::string> read_head(stream_ptr s) {
  std::string head;
  char c[1];
  while (!head.ends_with("\r\n\r\n")) {
    const auto n = co_await s->read_some(asio::buffer(c), context());
    if (!n) co_return std::string();
    head += c[0];
  }
  co_return head;
}

struct scripted_server::state {
  state(asio::io_context& ioc, script w)
      : acceptor(ioc, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), what(std::move(w)) {}
  tcp::acceptor acceptor;
  script what;
  bool tls = false;
  int accepted = 0;
};

task<> scripted_server::serve(std::shared_ptr<state> self) {
  for (;;) {
    auto got = co_await self->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    auto& [ec, socket] = got;
    if (ec) co_return;
    ++self->accepted;
    auto t = make_transport(std::move(socket));
    if (self->tls) {
      const auto own = server_tls();
      const auto secured = co_await detail::tls_accept(t, *own, context());
      if (!secured) continue;
      t = *secured;
    }
    const auto s = detail::stream::create(std::move(t));
    auto request = co_await read_head(s);
    if (!request.empty()) co_await self->what(s, std::move(request));
  }
}

scripted_server::scripted_server(asio::io_context& ioc, script what)
    : state_(std::make_shared<state>(ioc, std::move(what))) {
  asio::co_spawn(ioc, serve(state_), asio::detached);
}

scripted_server::~scripted_server() { state_->acceptor.close(); }

void scripted_server::tls() noexcept { state_->tls = true; }
int scripted_server::accepted() const noexcept { return state_->accepted; }

std::string scripted_server::port() const { return std::to_string(state_->acceptor.local_endpoint().port()); }

std::string scripted_server::url(const std::string& scheme, const std::string& host) const {
  return scheme + "://" + host + ":" + port() + "/";
}

std::string field(const std::string& request, const std::string& name) {
  const auto at = protocol::lower_case(request).find("\r\n" + protocol::lower_case(name) + ": ");
  if (at == request.npos) return {};
  const auto begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

std::string upgrade(const std::string& request, const std::string& more) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         protocol::accept_value(field(request, "Sec-WebSocket-Key")) + "\r\n" + more + "\r\n";
}

task<> send(stream_ptr s, std::string text) {
  const asio::const_buffer bytes = asio::buffer(text);
  co_await s->write(bytes, context());
}

task<> send_byte_by_byte(stream_ptr s, std::string text) {
  for (const char c : text) {
    co_await send(s, std::string(1, c));
    co_await settle(1);
  }
}

task<> wait_for_end(stream_ptr s) {
  char buffer[4096];
  for (;;) {
    const auto n = co_await s->read_some(asio::buffer(buffer), context());
    if (!n) co_return;
  }
}

scripted_server::script reply(std::string text, afterwards then) {
  return [text = std::move(text), then](stream_ptr s, std::string request) -> task<> {
    std::string answer = text;
    const std::string mark = "{accept}";
    if (const auto at = answer.find(mark); at != answer.npos)
      answer.replace(at, mark.size(), protocol::accept_value(field(request, "Sec-WebSocket-Key")));
    co_await send(s, answer);
    if (then == afterwards::end) s->lower().shutdown_send();
    co_await wait_for_end(s);
  };
}

}  // namespace coax::test
