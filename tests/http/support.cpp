#include "http/support.hpp"

#include "protocol/header_field.hpp"

#include <charconv>

namespace coax::test {
namespace {

// Those of this thread's tests.
thread_local std::set<raw_client*> clients;

}  // namespace

task<> running_server::stop() {
  source.request_stop();
  for (auto* c : clients) {
    error_code ignored;
    if (c->port == srv.port()) c->socket.shutdown(tcp::socket::shutdown_send, ignored);
  }
  co_await ended();
}

std::string raw_reply::header(std::string_view name) const {
  std::string_view rest = head;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos && protocol::iequals(line.substr(0, colon), name))
      return std::string(line.substr(colon + 2));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
  }
  return {};
}

bool raw_reply::has(std::string_view name) const {
  return protocol::iequals(head, name) || head.find("\r\n" + std::string(name) + ": ") != std::string::npos;
}

raw_client::raw_client(asio::io_context& ioc, std::uint16_t at) : port(at), socket(ioc) {
  socket.connect(tcp::endpoint(asio::ip::address_v4::loopback(), at));
  socket.set_option(tcp::no_delay(true));
  clients.insert(this);
}

raw_client::~raw_client() { clients.erase(this); }

task<> raw_client::send(std::string_view bytes) {
  co_await asio::async_write(socket, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
}

task<bool> raw_client::more() {
  // Asio waits for ever for input behind the end: its epoll is edge-triggered, and the edge has been.
  if (over) co_return false;
  char buffer[16 * 1024];
  auto r = co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
  auto& [ec, n] = r;
  input.append(buffer, n);
  if (ec && ec != asio::error::eof) input += "<reset>";
  over = static_cast<bool>(ec);
  co_return !over;
}

task<std::string_view> raw_client::peek(std::size_t n) {
  bool open = true;
  while (open && input.size() < n) open = co_await more();
  co_return input;
}

task<std::string> raw_client::read_all() {
  bool open = true;
  while (open) open = co_await more();
  co_return std::exchange(input, {});
}

task<bool> raw_client::read_chunks(std::string& body) {
  for (;;) {
    std::size_t eol = 0;
    while ((eol = input.find("\r\n")) == std::string::npos) {
      const bool open = co_await more();
      if (!open) co_return false;
    }
    std::size_t size = 0;
    std::from_chars(input.data(), input.data() + eol, size, 16);
    while (input.size() < eol + 2 + size + 2) {
      const bool open = co_await more();
      if (!open) co_return false;
    }
    body.append(input, eol + 2, size);
    input.erase(0, eol + 2 + size + 2);
    if (size == 0) co_return true;
  }
}

task<raw_reply> raw_client::read(expect_body b) {
  raw_reply r;
  std::size_t end = 0;
  while ((end = input.find("\r\n\r\n")) == std::string::npos) {
    const bool open = co_await more();
    if (!open) co_return r;
  }
  r.head = input.substr(0, end + 2);
  input.erase(0, end + 4);
  std::from_chars(r.head.data() + 9, r.head.data() + 12, r.status);
  if (b == expect_body::no) co_return r;
  if (r.header("Transfer-Encoding") == "chunked") {
    const bool whole = co_await read_chunks(r.body);
    if (!whole) r.body += "<truncated>";
    co_return r;
  }
  std::size_t length = 0;
  const auto text = r.header("Content-Length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  while (input.size() < length) {
    const bool open = co_await more();
    if (!open) break;
  }
  r.body = input.substr(0, length);
  input.erase(0, length);
  co_return r;
}

task<raw_reply> raw_client::ask(std::string request) {
  co_await send(request);
  co_return co_await read(request.starts_with("HEAD") ? expect_body::no : expect_body::yes);
}

void raw_client::reset() {
  socket.set_option(asio::socket_base::linger(true, 0));
  socket.close();
}

std::string get(std::string_view path, std::string_view fields) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: example.com\r\n" + std::string(fields) + "\r\n";
}

std::string frame(unsigned opcode, std::string_view payload) {
  std::string f;
  f.push_back(static_cast<char>(0x80U | opcode));
  f.push_back(static_cast<char>(0x80U | payload.size()));
  f.append(4, '\0');
  f.append(payload);
  return f;
}

}  // namespace coax::test
