#include "protocol/transcript.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(assembler_malformed)

struct row {
  const char* what;
  wire bytes;
  const char* answer;
  role self = role::server;
  bool deflate = false;
};

wire masked(frame_kind kind, std::string_view payload) { return frame(role::client, kind, payload); }

wire text_of_1_byte_frames(std::string_view text) {
  wire bytes = masked({opcode::text, false}, "");
  for (const char c : text) bytes = bytes + masked({opcode::continuation, false}, std::string_view(&c, 1));
  return bytes + masked({opcode::continuation}, "");
}

// behaviour.md section 4, row by row.
std::vector<row> rows() {
  return {
      {"RSV1 without deflate", hex("c1 80 00 00 00 00"),
       "failed 1002 frame with reserved bit RSV1 set (RFC 6455 5.2): c1 80"},
      {"RSV2", hex("a1 80 00 00 00 00"), "failed 1002 frame with reserved bit RSV2 set (RFC 6455 5.2): a1 80"},
      {"RSV3", hex("91 80 00 00 00 00"), "failed 1002 frame with reserved bit RSV3 set (RFC 6455 5.2): 91 80"},
      {"RSV1 on a control frame", hex("c9 80 00 00 00 00"),
       "failed 1002 frame with reserved bit RSV1 set (RFC 6455 5.2): c9 80", role::server, true},
      {"RSV1 on a continuation", hex("41 80 00 00 00 00 c0 80 00 00 00 00"),
       "failed 1002 frame with reserved bit RSV1 set (RFC 6455 5.2): c0 80", role::server, true},
      {"RSV2 with deflate", hex("e1 80 00 00 00 00"),
       "failed 1002 frame with reserved bit RSV2 set (RFC 6455 5.2): e1 80", role::server, true},
      {"unmasked to a server", hex("81 00"), "failed 1002 unmasked frame from a client (RFC 6455 5.1): 81 00"},
      {"masked to a client", hex("81 80 00 00 00 00"), "failed 1002 masked frame from a server (RFC 6455 5.1): 81 80",
       role::client},
      {"reserved opcode 3", hex("83 80 00 00 00 00"),
       "failed 1002 frame with reserved opcode 0x3 (RFC 6455 5.2): 83 80"},
      {"reserved opcode 7", hex("87 80 00 00 00 00"),
       "failed 1002 frame with reserved opcode 0x7 (RFC 6455 5.2): 87 80"},
      {"reserved opcode B", hex("8b 80 00 00 00 00"),
       "failed 1002 frame with reserved opcode 0xB (RFC 6455 5.2): 8b 80"},
      {"reserved opcode F", hex("8f 80 00 00 00 00"),
       "failed 1002 frame with reserved opcode 0xF (RFC 6455 5.2): 8f 80"},
      {"fragmented ping", hex("09 80 00 00 00 00"),
       "failed 1002 fragmented control frame with opcode 0x9 (RFC 6455 5.4): 09 80"},
      {"fragmented close", hex("08 80 00 00 00 00"),
       "failed 1002 fragmented control frame with opcode 0x8 (RFC 6455 5.4): 08 80"},
      {"ping of 126 bytes", hex("89 fe 00 7e 00 00 00 00"),
       "failed 1002 control frame with opcode 0x9 of more than 125 bytes (RFC 6455 5.5): 89 fe"},
      {"continuation without start", hex("80 80 00 00 00 00"),
       "failed 1002 continuation frame outside a message (RFC 6455 5.4): 80 80"},
      {"data frame inside a message", hex("01 80 00 00 00 00 82 80 00 00 00 00"),
       "failed 1002 data frame with opcode 0x2 inside a fragmented message (RFC 6455 5.4): 82 80"},
      {"125 in two bytes", hex("82 fe 00 7d 00 00 00 00"),
       "failed 1002 payload length 125 not in its shortest form (RFC 6455 5.2): 82 fe"},
      {"65535 in eight bytes", hex("82 ff 00 00 00 00 00 00 ff ff 00 00 00 00"),
       "failed 1002 payload length 65535 not in its shortest form (RFC 6455 5.2): 82 ff"},
      {"the top bit of the length", hex("82 ff 80 00 00 00 00 00 00 00 00 00 00 00"),
       "failed 1002 payload length 9223372036854775808 with the top bit set (RFC 6455 5.2): 82 ff"},
      {"text that is not UTF-8", masked({opcode::text}, "abc\xff"),
       "failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 3"},
      {"text that ends within a character", masked({opcode::text}, "\xe2\x82"),
       "failed 1007 text message that ends within a UTF-8 character (RFC 6455 8.1)"},
      {"a surrogate over fragments", text_of_1_byte_frames("a\xed\xa0\x80"),
       "failed 1007 text message that is not UTF-8 (RFC 6455 8.1): a0 at byte 2"},
      {"a cut character over fragments", text_of_1_byte_frames("a\xf0\x9f"),
       "failed 1007 text message that ends within a UTF-8 character (RFC 6455 8.1)"},
      {"close payload of 1 byte", masked({opcode::close}, "\x03"),
       "failed 1002 close frame with a payload of 1 byte (RFC 6455 5.5.1)"},
      {"close with status 1005", masked({opcode::close}, "\x03\xed"),
       "failed 1002 close frame with status 1005, which may not be sent (RFC 6455 7.4)"},
      {"close with status 999", masked({opcode::close}, "\x03\xe7"),
       "failed 1002 close frame with status 999, which may not be sent (RFC 6455 7.4)"},
      {"close with a bad reason", masked({opcode::close}, "\x03\xe8\xff"),
       "failed 1007 close frame with a reason that is not UTF-8 (RFC 6455 5.5.1)"},
  };
}

assembler::options options_of(const row& r) {
  auto how = receiving(r.self);
  how.deflate = r.deflate;
  return how;
}

BOOST_AUTO_TEST_CASE(each_malformed_input_has_one_answer_however_it_is_cut) {
  for (const auto& r : rows())
    for (const std::size_t piece : {std::size_t(1), std::size_t(2), std::size_t(3), std::size_t(1000)})
      BOOST_TEST_CONTEXT(r.what << " in pieces of " << piece) {
        const auto got = transcript(options_of(r), r.bytes, piece);
        BOOST_REQUIRE(got.size() == 1u);
        BOOST_TEST(got.front() == r.answer);
      }
}

BOOST_AUTO_TEST_CASE(what_came_before_the_breach_is_delivered) {
  const auto before = masked({opcode::text}, "good") + masked({opcode::ping}, "too");
  for (const auto& r : rows()) {
    if (r.self == role::client) continue;
    const auto got = transcript(options_of(r), before + r.bytes);
    BOOST_REQUIRE(got.size() == 3u);
    BOOST_TEST(got[0] == "text good");
    BOOST_TEST(got[1] == "ping too");
    BOOST_TEST(got[2] == r.answer);
  }
}

BOOST_AUTO_TEST_CASE(every_failure_fits_into_a_close_frame) {
  for (const auto& r : rows()) {
    assembler a(options_of(r));
    transcript(a, r.bytes, [] { return 1000; });
    BOOST_TEST(a.error().text.size() <= max_close_reason);
    BOOST_TEST(
        (a.error().code == (a.error().status == status::invalid_data ? errc::invalid_utf8 : errc::protocol_error)));
  }
}

BOOST_AUTO_TEST_CASE(after_a_failure_everything_fails) {
  assembler a(receiving(role::server));
  transcript(a, hex("91 80"), [] { return 2; });
  auto good = masked({opcode::text}, "good");

  for (int i = 0; i != 3; ++i) {
    std::size_t consumed = 7;
    BOOST_TEST((a.feed(good, consumed) == assembler::event::failed));
    BOOST_TEST(consumed == 0u);
  }
  BOOST_TEST(!a.frame_ahead(good));
  BOOST_TEST(a.direct_buffer().empty());
  BOOST_TEST(a.error().text == "frame with reserved bit RSV3 set (RFC 6455 5.2): 91 80");
}

BOOST_AUTO_TEST_CASE(bad_text_fails_before_the_message_is_complete) {
  assembler a(receiving(role::server));
  const auto bytes = masked({opcode::text}, "abc\xff" + std::string(1000, 'x'));

  const auto got = transcript(a, wire(bytes.begin(), bytes.begin() + 12), [] { return 1; });

  BOOST_REQUIRE(got.size() == 1u);
  BOOST_TEST(got.front() == "failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 3");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
