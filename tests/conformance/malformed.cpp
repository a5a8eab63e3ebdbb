#include "conformance/malformed.hpp"

namespace coax::test {
namespace {

void append_number(std::string& out, std::size_t n, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xff);
}

std::string encode(const bad_frame& f, bool masked) {
  const std::string key = "\x37\xfa\x21\x3d";
  const std::size_t size = f.announced ? f.announced : f.payload.size();
  auto form = f.length;
  if (form == length_form::shortest && size > 125)
    form = size < 65536 ? length_form::two_bytes : length_form::eight_bytes;
  const unsigned mask_bit = masked != f.flipped ? 0x80 : 0;
  std::string out(1, static_cast<char>(f.first));
  switch (form) {
    case length_form::shortest: out += static_cast<char>(mask_bit | size); break;
    case length_form::two_bytes: out += static_cast<char>(mask_bit | 126), append_number(out, size, 2); break;
    case length_form::eight_bytes: out += static_cast<char>(mask_bit | 127), append_number(out, size, 8); break;
    case length_form::top_bit:
      out += static_cast<char>(mask_bit | 127);
      append_number(out, size | std::size_t{1} << 63, 8);
      break;
  }
  if (!mask_bit) return out + f.payload;
  out += key;
  for (std::size_t i = 0; i != f.payload.size(); ++i) out += static_cast<char>(f.payload[i] ^ key[i % 4]);
  return out;
}

std::string close_payload(unsigned status, std::string_view reason = {}) {
  std::string p;
  append_number(p, status, 2);
  return p.append(reason);
}

using f = bad_frame;
using enum length_form;

const std::string long_payload(126, 'x');

// First bytes: 0x80 FIN, 0x40 RSV1, 0x20 RSV2, 0x10 RSV3; 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong.
const std::vector<malformed> rows{
    {"RSV1 on text without an agreed extension", 1002, {f(0xc1, "x")}},
    {"RSV1 on an empty binary message", 1002, {f(0xc2, "")}},
    {"RSV1 on a continuation", 1002, {f(0x01, "a"), f(0xc0, "b")}},
    {"RSV1 on a ping", 1002, {f(0xc9, "x")}},
    {"RSV1 on a close", 1002, {f(0xc8, close_payload(1000))}},
    {"RSV2 on text", 1002, {f(0xa1, "x")}},
    {"RSV2 on a pong", 1002, {f(0xaa, "x")}},
    {"RSV3 on binary", 1002, {f(0x92, "x")}},
    {"RSV3 on a close", 1002, {f(0x98, "")}},
    {"all reserved bits", 1002, {f(0xf1, "x")}},

    {"the wrong masking of text", 1002, {f(0x81, "hello").with_flipped_mask()}},
    {"the wrong masking of a ping", 1002, {f(0x89, "").with_flipped_mask()}},
    {"the wrong masking of a close", 1002, {f(0x88, close_payload(1000)).with_flipped_mask()}},
    {"the wrong masking of a continuation", 1002, {f(0x01, "a"), f(0x80, "b").with_flipped_mask()}},

    {"reserved opcode 3", 1002, {f(0x83, "x")}},
    {"reserved opcode 4", 1002, {f(0x84, "")}},
    {"reserved opcode 5 in fragments", 1002, {f(0x05, "x")}},
    {"reserved opcode 6", 1002, {f(0x86, "x")}},
    {"reserved opcode 7 inside a message", 1002, {f(0x01, "a"), f(0x87, "x")}},
    {"reserved opcode 11", 1002, {f(0x8b, "")}},
    {"reserved opcode 12", 1002, {f(0x8c, "x")}},
    {"reserved opcode 13", 1002, {f(0x8d, "x")}},
    {"reserved opcode 14", 1002, {f(0x8e, "x")}},
    {"reserved opcode 15", 1002, {f(0x8f, "x")}},

    {"a fragmented ping", 1002, {f(0x09, "x")}},
    {"a fragmented pong", 1002, {f(0x0a, "x")}},
    {"a fragmented close", 1002, {f(0x08, close_payload(1000))}},
    {"a ping of 126 bytes", 1002, {f(0x89, long_payload)}},
    {"a pong of 126 bytes", 1002, {f(0x8a, long_payload)}},
    {"a close of 126 bytes", 1002, {f(0x88, close_payload(1000, long_payload))}},
    {"a ping of 64 KiB, of which only the header comes", 1002, {f(0x89, "").announcing(65536)}},

    {"a continuation without a start", 1002, {f(0x80, "x")}},
    {"a first fragment that is a continuation", 1002, {f(0x00, "x")}},
    {"a continuation behind a whole message", 1002, {f(0x81, "a"), f(0x80, "b")}},
    {"a continuation behind the last fragment", 1002, {f(0x01, "a"), f(0x80, "b"), f(0x80, "c")}},
    {"text inside a text message", 1002, {f(0x01, "a"), f(0x81, "b")}},
    {"binary inside a text message", 1002, {f(0x01, "a"), f(0x82, "b")}},
    {"a second start of a binary message", 1002, {f(0x02, "a"), f(0x02, "b")}},
    {"text inside a message, behind a ping", 1002, {f(0x02, "a"), f(0x89, "p"), f(0x81, "b")}},

    {"1 byte with a length of 2 bytes", 1002, {f(0x82, "x", two_bytes)}},
    {"125 bytes with a length of 2 bytes", 1002, {f(0x82, std::string(125, 'x'), two_bytes)}},
    {"no byte with a length of 8 bytes", 1002, {f(0x81, "", eight_bytes)}},
    {"126 bytes with a length of 8 bytes", 1002, {f(0x82, long_payload, eight_bytes)}},
    {"65,535 bytes with a length of 8 bytes", 1002, {f(0x82, "", eight_bytes).announcing(65535)}},
    {"a ping with a length of 2 bytes", 1002, {f(0x89, "x", two_bytes)}},
    {"a length with the top bit", 1002, {f(0x82, "", top_bit)}},
    {"a length with all bits", 1002, {f(0x82, "", top_bit).announcing(~std::size_t{0})}},

    {"text with a wrong continuation byte", 1007, {f(0x81, "\xc3\x28")}},
    {"text with an overlong slash", 1007, {f(0x81, "\xc0\xaf")}},
    {"text with a surrogate", 1007, {f(0x81, "\xed\xa0\x80")}},
    {"text with a code point above U+10FFFF", 1007, {f(0x81, "\xf4\x90\x80\x80")}},
    {"text with a byte 0xff behind much ASCII", 1007, {f(0x81, std::string(500, 'a') + "\xff")}},
    {"text that ends inside a character", 1007, {f(0x81, "\xe2\x82")}},
    {"text with a character that is wrong across fragments", 1007, {f(0x01, "\xe2\x82"), f(0x80, "\x28")}},
    {"text whose last fragment ends inside a character", 1007, {f(0x01, "\xf0\x9f"), f(0x00, "\x98"), f(0x80, "")}},
    {"a first fragment that is wrong already", 1007, {f(0x01, "\xff")}},
    {"half a frame that is wrong already", 1007, {f(0x81, "\xff").announcing(900)}},

    {"a close of 1 byte", 1002, {f(0x88, "\x03")}},
    {"close code 0", 1002, {f(0x88, close_payload(0))}},
    {"close code 999", 1002, {f(0x88, close_payload(999))}},
    {"close code 1004", 1002, {f(0x88, close_payload(1004))}},
    {"close code 1005", 1002, {f(0x88, close_payload(1005))}},
    {"close code 1006", 1002, {f(0x88, close_payload(1006))}},
    {"close code 1015", 1002, {f(0x88, close_payload(1015))}},
    {"close code 1016", 1002, {f(0x88, close_payload(1016))}},
    {"close code 2999", 1002, {f(0x88, close_payload(2999))}},
    {"close code 5000", 1002, {f(0x88, close_payload(5000))}},
    {"close code 65535 with a reason", 1002, {f(0x88, close_payload(65535, "x"))}},
    {"a close reason that is not UTF-8", 1007, {f(0x88, close_payload(1000, "\xc3\x28"))}},
    {"a close reason that ends inside a character", 1007, {f(0x88, close_payload(1000, "ab\xe2\x82"))}},

    {"a message over the limit", 1009, {f(0x82, std::string(malformed_read_limit + 1, 'x'))}},
    {"a message over the limit, of which only the header comes",
     1009,
     {f(0x82, "").announcing(malformed_read_limit + 1)}},
    {"a message of 4 EiB, of which only the header comes", 1009, {f(0x82, "").announcing(std::size_t{1} << 62)}},
    {"fragments that exceed the limit", 1009, {f(0x02, std::string(600, 'x')), f(0x80, std::string(401, 'x'))}},
    {"text over the limit", 1009, {f(0x81, std::string(malformed_read_limit + 1, 'x'))}},
};

}  // namespace

std::string malformed::bytes(bool masked) const {
  std::string all;
  for (const auto& one : frames) all += encode(one, masked);
  return all;
}

const std::vector<malformed>& malformed_rows() { return rows; }

}  // namespace coax::test
