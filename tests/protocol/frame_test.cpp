#include "protocol/frame.hpp"

#include "protocol/wire.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(frame_suite)

struct example {
  const char* wire;
  std::size_t header_size;
  opcode op;
  bool fin;
  std::uint64_t length;
};

// RFC 6455 section 5.7, and the borders of the length encodings.
const example examples[] = {
    {"81 05 48 65 6c 6c 6f", 2, opcode::text, true, 5},
    {"81 85 37 fa 21 3d 7f 9f 4d 51 58", 6, opcode::text, true, 5},
    {"01 03 48 65 6c", 2, opcode::text, false, 3},
    {"89 05 48 65 6c 6c 6f", 2, opcode::ping, true, 5},
    {"8a 85 37 fa 21 3d 7f 9f 4d 51 58", 6, opcode::pong, true, 5},
    {"82 7e 01 00", 4, opcode::binary, true, 256},
    {"82 7f 00 00 00 00 00 01 00 00", 10, opcode::binary, true, 65536},
    {"82 00", 2, opcode::binary, true, 0},
    {"82 7d", 2, opcode::binary, true, 125},
    {"82 7e 00 7e", 4, opcode::binary, true, 126},
    {"82 7e ff ff", 4, opcode::binary, true, 65535},
    {"82 ff 7f ff ff ff ff ff ff ff 01 02 03 04", 14, opcode::binary, true, 0x7fff'ffff'ffff'ffff},
};

frame_rules rules_for(const wire& bytes) {
  return {.role = (std::to_integer<int>(bytes[1]) & 0x80) ? role::server : role::client};
}

BOOST_AUTO_TEST_CASE(a_header_is_decoded) {
  for (const auto& e : examples) {
    BOOST_TEST_CONTEXT(e.wire) {
      const auto bytes = hex(e.wire);
      frame_header header;

      const auto got = decode_header(bytes, rules_for(bytes), header);

      BOOST_TEST(got.complete);
      BOOST_TEST(got.size == e.header_size);
      BOOST_TEST((header.op == e.op));
      BOOST_TEST(header.fin == e.fin);
      BOOST_TEST(header.length == e.length);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_header_cut_anywhere_is_put_together) {
  for (const auto& e : examples) {
    const auto bytes = hex(e.wire);
    for (std::size_t cut = 0; cut <= e.header_size; ++cut) {
      BOOST_TEST_CONTEXT(e.wire << " cut at " << cut) {
        header_parser parser;
        frame_header header;
        const std::span<const std::byte> all(bytes);

        auto got = parser.feed(all.first(cut), rules_for(bytes), header);
        BOOST_TEST(got.size == cut);
        BOOST_TEST(got.complete == (cut == e.header_size));
        if (!got.complete) got = parser.feed(all.subspan(cut), rules_for(bytes), header);

        BOOST_TEST(got.complete);
        BOOST_TEST((cut == e.header_size || got.size == e.header_size - cut));
        BOOST_TEST(header.length == e.length);
        BOOST_TEST(parser.empty());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_encoded_header_has_the_bytes_of_the_rfc) {
  for (const auto& e : examples) {
    BOOST_TEST_CONTEXT(e.wire) {
      const auto bytes = hex(e.wire);
      frame_header header;
      decode_header(bytes, rules_for(bytes), header);
      std::array<std::byte, max_header_size> out;

      const auto size = encode_header(out.data(), header);

      BOOST_TEST(size == e.header_size);
      BOOST_TEST(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size), bytes.begin()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failure_names_what_was_wrong) {
  frame_header h;
  h.start = {std::byte{0xab}, std::byte{0x05}};
  h.op = opcode{0xb};
  h.length = 5;
  BOOST_TEST(describe(frame_error::rsv2, h).text == "frame with reserved bit RSV2 set (RFC 6455 5.2): ab 05");
  BOOST_TEST(describe(frame_error::reserved_opcode, h).text == "frame with reserved opcode 0xB (RFC 6455 5.2): ab 05");
  BOOST_TEST(describe(frame_error::padded_length, h).text ==
             "payload length 5 not in its shortest form (RFC 6455 5.2): ab 05");
  BOOST_TEST((describe(frame_error::masked, {}).code == errc::protocol_error));
  BOOST_TEST((describe(frame_error::masked, {}).status == status::protocol_error));
}

BOOST_AUTO_TEST_CASE(a_frame_ahead_is_seen_when_it_is_whole) {
  const auto bytes = frame(role::client, {opcode::binary}, std::string(300, 'x'));
  const header_parser parser;

  for (std::size_t n = 0; n < bytes.size(); ++n) BOOST_TEST(!parser.frame_ahead(std::span(bytes).first(n)));
  BOOST_TEST(parser.frame_ahead(bytes));
}

BOOST_AUTO_TEST_CASE(a_frame_ahead_counts_the_part_of_the_header_that_is_kept) {
  const auto bytes = frame(role::client, {opcode::binary}, "hello");
  header_parser parser;
  frame_header header;

  parser.feed(std::span(bytes).first(3), {}, header);

  BOOST_TEST(!parser.empty());
  BOOST_TEST(!parser.frame_ahead(std::span(bytes).subspan(3, bytes.size() - 4)));
  BOOST_TEST(parser.frame_ahead(std::span(bytes).subspan(3)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
