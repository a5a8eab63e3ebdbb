// permessage-deflate against a client: the breaches of RFC 7692, from a server that misbehaves.

#include "conformance/client_close.hpp"
#include "dial/scripted_server.hpp"
#include "protocol/wire.hpp"
#include "protocol/wire_bytes.hpp"
#include "support/run.hpp"
#include <coax/dial.hpp>

BOOST_AUTO_TEST_SUITE(compression_to_a_client)

using namespace coax;
using namespace coax::test;
using namespace std::string_literals;
using stream_ptr = std::shared_ptr<coax::detail::stream>;

namespace {

std::string raw_frame(unsigned first, std::string_view payload) {
  auto f = protocol::text_of(protocol::frame(protocol::role::server, {}, payload));
  f[0] = static_cast<char>(first);
  return f;
}

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
const std::string hello_again = "\xf2\x00\x11\x00\x00"s;

std::string deflated(const std::string& text) {
  protocol::deflater d({2, 15, 8}, false);
  return protocol::test::deflate(d, text);
}

// What a server sends, the messages that come of it, and the status that it is answered with; 1000: nothing is wrong.
struct row {
  const char* name;
  std::string bytes;
  std::vector<std::string> messages;
  unsigned status;
  const char* extension = "permessage-deflate";
};

const std::vector<row>& rows() {
  static const std::vector<row> all{
      {"what is in order",
       raw_frame(0xc1, hello) + raw_frame(0x81, "plain") + raw_frame(0x41, hello_again.substr(0, 1)) +
           raw_frame(0x89, "p") + raw_frame(0x00, "") + raw_frame(0x80, hello_again.substr(1)) +
           raw_frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s) + raw_frame(0xc1, "\x00"s),
       {"Hello", "plain", "Hello", "Hello", ""},
       1000},
      {"RSV1 on a continuation", raw_frame(0x41, hello.substr(0, 3)) + raw_frame(0xc0, hello.substr(3)), {}, 1002},
      {"RSV1 on a ping", raw_frame(0xc9, hello), {}, 1002},
      {"RSV1 on a pong", raw_frame(0xca, hello), {}, 1002},
      {"RSV1 on a close", raw_frame(0xc8, hello), {}, 1002},
      {"RSV1 and RSV3", raw_frame(0xd1, hello), {}, 1002},
      {"RSV1 that was not agreed on", raw_frame(0xc1, hello), {}, 1002, nullptr},
      {"a block of a reserved type", raw_frame(0xc1, "\x06"), {}, 1007},
      {"a message that ends within a block", raw_frame(0xc1, hello.substr(0, 3)), {}, 1007},
      {"a reference before the beginning", raw_frame(0xc1, hello_again), {}, 1007},
      {"a reference to the message before, without takeover",
       raw_frame(0xc1, hello) + raw_frame(0xc1, hello_again),
       {"Hello"},
       1007,
       "permessage-deflate; server_no_context_takeover"},
      {"lengths of a stored block that disagree", raw_frame(0xc2, "\x00\x05\x00\x05\x00Hello\x00"s), {}, 1007},
      {"data after the final block", raw_frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x48"s), {}, 1007},
      {"text that is not UTF-8 in the first of several frames",
       raw_frame(0x41, "\x00\x02\x00\xfd\xff\xc3\x28"s),
       {},
       1007},
      {"text that ends inside a character", raw_frame(0xc1, "\x00\x01\x00\xfe\xff\xc3\x00"s), {}, 1007},
      {"a message over the limit after inflating", raw_frame(0xc2, deflated(std::string(1001, 'x'))), {}, 1009},
      {"a bomb", raw_frame(0xc2, deflated(std::string(16 << 20, 'x')).substr(0, 65'000)), {}, 1009},
  };
  return all;
}

struct rogue {
  rogue(const row& r, bool bytewise) : what(r), byte_by_byte(bytewise) {}

  task<> serve(stream_ptr s, std::string request) {
    std::string more;
    if (what.extension) more = std::string("Sec-WebSocket-Extensions: ") + what.extension + "\r\n";
    co_await send(s, upgrade(request, more));
    auto bytes = what.bytes;
    if (what.status == 1000) bytes += raw_frame(0x88, "\x03\xe8"s);
    // Of much, only the beginning.
    const std::size_t single = byte_by_byte ? std::min<std::size_t>(bytes.size(), 200) : 0;
    co_await send_byte_by_byte(s, bytes.substr(0, single));
    co_await send(s, bytes.substr(single));
    char buffer[4096];
    // After a clean close it is the server that ends the connection.
    while (client_close_status(got) != 1000) {
      const asio::mutable_buffer to = asio::buffer(buffer);
      const context ctx;
      const auto n = co_await s->read_some(to, ctx);
      if (!n) break;
      got.append(buffer, *n);
    }
    const context ctx;
    co_await s->shutdown(ctx);
    served = true;
  }

  const row& what;
  bool byte_by_byte;
  std::string got;
  bool served = false;
};

task<> suffer(asio::io_context& ioc, const row& what, bool byte_by_byte) {
  rogue r(what, byte_by_byte);
  const scripted_server server(ioc, [&r](stream_ptr s, std::string request) { return r.serve(s, std::move(request)); });
  const auto options =
      dial_options().deflate(deflate_mode::context_takeover).read_limit(1000).close_timeout(std::chrono::minutes(5));
  auto c = co_await dial(server.url(), options);
  BOOST_CHECK_MESSAGE(c.deflates() == (what.extension != nullptr), what.name);
  std::vector<std::string> messages;
  for (;;) {
    auto m = co_await c.try_read();
    if (!m) break;
    messages.push_back(m->str());
  }
  while (!r.served) co_await settle(1);

  BOOST_CHECK_MESSAGE(messages == what.messages, what.name << ": " << messages.size() << " messages");
  BOOST_CHECK_MESSAGE(client_close_status(r.got) == what.status, what.name << ": " << client_close_status(r.got));
}

task<> each_row(asio::io_context& ioc, bool byte_by_byte) {
  std::vector<task<>> clients;
  for (const auto& what : rows()) clients.push_back(suffer(ioc, what, byte_by_byte));
  co_await runner::run_all(std::move(clients));
}

}  // namespace

COAX_CORO_TEST(each_breach_in_one_piece_has_its_answer) { co_await each_row(ioc, false); }

COAX_CORO_TEST(each_breach_byte_by_byte_has_its_answer) { co_await each_row(ioc, true); }

BOOST_AUTO_TEST_SUITE_END()
