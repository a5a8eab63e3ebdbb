// permessage-deflate against a server: what is agreed on, and what is answered to what (RFC 7692).

#include "conformance/echo_site.hpp"
#include "protocol/wire_bytes.hpp"

BOOST_AUTO_TEST_SUITE(compression_to_a_server)

using namespace coax;
using namespace coax::test;
using namespace std::string_literals;

namespace {

std::string with_extensions(std::string_view offers) {
  std::string fields(websocket_fields);
  fields.append("Sec-WebSocket-Extensions: ").append(offers).append("\r\n");
  return get("/ws", fields);
}

std::string raw_frame(unsigned first, std::string_view payload) {
  auto f = frame(0, payload);
  f[0] = static_cast<char>(first);
  return f;
}

struct offer {
  const char* offers;
  const char* reply;  // null: declined
};

constexpr offer offers[] = {
    {"permessage-deflate", "permessage-deflate"},
    {"permessage-deflate; client_max_window_bits", "permessage-deflate"},
    {"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    {"permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
     "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9"},
    {"permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"},
    {"permessage-deflate; x, permessage-deflate; server_max_window_bits=12",
     "permessage-deflate; server_max_window_bits=12"},
    {"permessage-deflate; server_max_window_bits=16", nullptr},
    {"permessage-deflate; client_max_window_bits=7", nullptr},
    {"permessage-deflate; server_no_context_takeover=1", nullptr},
    {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", nullptr},
    {"permessage-deflate;", nullptr},
    {"x-webkit-deflate-frame", nullptr},
};

accept_options takeover() {
  return accept_options()
      .deflate(deflate_mode::context_takeover)
      .read_limit(1000)
      .close_timeout(std::chrono::minutes(5));
}

COAX_CORO_TEST(a_server_answers_the_first_offer_that_it_can_honour) {
  echo_site site(ioc, takeover());
  for (const auto& row : offers) {
    raw_client c(ioc, site.port());
    const auto r = co_await c.ask(with_extensions(row.offers));
    BOOST_CHECK_EQUAL(r.status, 101U);
    const auto got = r.header("Sec-WebSocket-Extensions");
    BOOST_CHECK_MESSAGE(got == (row.reply ? row.reply : ""), row.offers << ": " << got);
    // "Hello" twice, the second time by what the first left in the window: nobody declines what was not agreed on.
    if (row.reply) {
      co_await c.send(raw_frame(0xc1, std::string_view("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)));
    } else {
      co_await c.send(frame(1, "Hello"));
    }
    co_await c.send(frame(8, "\x03\xe8"));
    const auto all = co_await c.read_all();
    BOOST_CHECK_EQUAL(all, "\x81\x05Hello\x88\x02\x03\xe8");
  }
  co_await site.until_empty();
  co_await site.stop();
}

struct answer {
  const char* name;
  std::string bytes;
  unsigned status;
};

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

std::string thousand_and_one() {
  protocol::deflater d({2, 15, 8}, false);
  return protocol::test::deflate(d, std::string(1001, 'x'));
}

const answer answers[] = {
    {"RSV1 on a continuation", raw_frame(0x41, hello.substr(0, 3)) + raw_frame(0xc0, hello.substr(3)), 1002},
    {"RSV1 on a ping", raw_frame(0xc9, hello), 1002},
    {"RSV1 on a close", raw_frame(0xc8, hello), 1002},
    {"RSV1 and RSV2", raw_frame(0xe1, hello), 1002},
    {"a block of a reserved type", raw_frame(0xc1, "\x06"), 1007},
    {"a message that ends within a block", raw_frame(0xc1, hello.substr(0, 3)), 1007},
    {"a reference before the beginning", raw_frame(0xc1, "\xf2\x00\x11\x00\x00"s), 1007},
    {"lengths of a stored block that disagree", raw_frame(0xc2, "\x00\x05\x00\x05\x00Hello\x00"s), 1007},
    {"data after the final block", raw_frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x48"s), 1007},
    {"corrupt data in the first of several frames", raw_frame(0x41, "\x06"), 1007},
    {"text that is not UTF-8 inside", raw_frame(0xc1, "\x00\x02\x00\xfd\xff\xc3\x28\x00"s), 1007},
    {"text that ends inside a character", raw_frame(0xc1, "\x00\x01\x00\xfe\xff\xc3\x00"s), 1007},
    {"text that is wrong in the first of several frames", raw_frame(0x41, "\x00\x02\x00\xfd\xff\xc3\x28"s), 1007},
    {"a message over the limit after inflating", raw_frame(0xc2, thousand_and_one()), 1009},
};

COAX_CORO_TEST(each_breach_of_compression_has_its_answer) {
  echo_site site(ioc, takeover());
  for (const auto& row : answers) {
    for (const bool byte_by_byte : {false, true}) {
      raw_client c(ioc, site.port());
      const auto r = co_await c.ask(with_extensions("permessage-deflate"));
      BOOST_REQUIRE_EQUAL(r.status, 101U);
      for (std::size_t at = 0, step = byte_by_byte ? 1 : row.bytes.size(); at < row.bytes.size(); at += step) {
        co_await c.send(std::string_view(row.bytes).substr(at, step));
        co_await settle(1);
      }
      auto all = co_await c.read_all();
      const auto f = take_frame(all);
      BOOST_REQUIRE_MESSAGE(f.has_value(), row.name << ": no frame");
      BOOST_CHECK_MESSAGE(f->first == 0x88 && close_status(f->payload) == row.status,
                          row.name << ": " << close_status(f->payload));
      c.socket.close();
    }
  }
  co_await site.serves_the_next();
  co_await site.until_empty();
  co_await site.stop();
}

COAX_CORO_TEST(fragments_and_control_frames_are_one_compressed_message) {
  echo_site site(ioc, takeover());
  raw_client c(ioc, site.port());
  const auto r = co_await c.ask(with_extensions("permessage-deflate"));
  BOOST_REQUIRE_EQUAL(r.status, 101U);
  co_await c.send(raw_frame(0x41, hello.substr(0, 3)) + raw_frame(0x89, "p") + raw_frame(0x00, "") +
                  raw_frame(0x80, hello.substr(3)));
  // Then by reference to that, then a final block, then an empty message.
  co_await c.send(raw_frame(0xc1, "\xf2\x00\x11\x00\x00"s));
  co_await c.send(raw_frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s));
  co_await c.send(raw_frame(0xc1, "\x00"s) + frame(8, "\x03\xe8"));

  const auto all = co_await c.read_all();

  BOOST_CHECK_EQUAL(all, "\x8a\x01p\x81\x05Hello\x81\x05Hello\x81\x05Hello\x81\x00\x88\x02\x03\xe8"s);
  c.socket.close();
  co_await site.until_empty();
  co_await site.stop();
}

}  // namespace

BOOST_AUTO_TEST_SUITE_END()
