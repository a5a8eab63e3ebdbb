#include "protocol/proxy_header.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

using namespace std::string_literals;
using verdict = proxy_header::verdict;

BOOST_AUTO_TEST_SUITE(proxy_headers)

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string sized(std::string_view rest) {
  return {static_cast<char>(rest.size() >> 8), static_cast<char>(rest.size() & 0xffU)};
}

std::string v2(char command, char kind, const std::string& rest) {
  return signature + command + kind + sized(rest) + rest;
}

std::string tlv(char type, const std::string& value) { return type + sized(value) + value; }

std::string padded(std::string path) { return path.append(108 - path.size(), '\0'); }

const std::string ipv4 = "\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"s;
const std::string ipv6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01\x20\x01\x0d\xb8"s + std::string(11, '\0') +
                         "\x02\xdc\x04\x01\xbb"s;

struct vector {
  std::string bytes;
  const char* remote;  // nullptr: tells of no client
  const char* local;
};

const std::vector<vector> good{
    {"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324", "192.0.2.2:443"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535"},
    {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", "0.0.0.0:0"},
    {"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1", "[2001:db8::2]:65535"},
    {"PROXY TCP6 :: :: 0 0\r\n", "[::]:0", "[::]:0"},
    {"PROXY UNKNOWN\r\n", nullptr, nullptr},
    {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", nullptr, nullptr},
    {v2(0x21, 0x11, ipv4), "192.0.2.1:56324", "192.0.2.2:443"},
    {v2(0x21, 0x21, ipv6), "[2001:db8::1]:56324", "[2001:db8::2]:443"},
    {v2(0x21, 0x31, padded("/run/a") + padded("/run/b")), "/run/a", "/run/b"},
    {v2(0x21, 0x31, padded("") + padded(std::string(108, 'x'))), "", nullptr},
    {v2(0x21, 0x12, ipv4), nullptr, nullptr},
    {v2(0x21, 0x00, ""), nullptr, nullptr},
    {v2(0x20, 0x00, ""), nullptr, nullptr},
    {v2(0x20, 0x11, ipv4), nullptr, nullptr},
    {v2(0x20, '\xff', "whatever this is"), nullptr, nullptr},
    {v2(0x21, 0x11, ipv4 + tlv(1, "h2") + tlv(2, "example.com") + tlv(4, "")), "192.0.2.1:56324", "192.0.2.2:443"},
    {v2(0x21, 0x11, ipv4 + tlv('\xea', std::string(4000, 'x'))), "192.0.2.1:56324", "192.0.2.2:443"},
    // With the CRC32C that a second implementation has computed.
    {v2(0x21, 0x11, ipv4 + tlv(3, "\xd6\xc8\xc7\x5f"s)), "192.0.2.1:56324", "192.0.2.2:443"},
};

const std::string bad[] = {
    "PROXY \r\n",
    "PROXY TCP4\r\n",
    "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
    "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
    "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.999 1 2\r\n",
    "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
    "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
    "PROXY UNKNOWN" + std::string(93, ' ') + "\r\n",
    "PROXY UNKNOWN" + std::string(200, ' '),
    v2(0x11, 0x11, ipv4),
    v2(0x22, 0x11, ipv4),
    v2(0x21, 0x41, ipv4),
    v2(0x21, 0x13, ipv4),
    v2(0x21, 0x11, ipv4.substr(1)),
    v2(0x21, 0x21, ipv4),
    v2(0x21, 0x31, padded("/run/a")),
    v2(0x21, 0x11, ipv4 + "\x01"),
    v2(0x21, 0x11, ipv4 + "\x01\x00\x02x"s),
    v2(0x21, 0x11, ipv4 + tlv(3, "\xd6\xc8\xc7\x5e"s)),
    v2(0x21, 0x11, ipv4 + tlv(3, "\xd6\xc8\xc7"s)),
    v2(0x21, 0x00, "\x03"),
    v2(0x21, 0x11, ipv4 + tlv('\xea', std::string(17'000, 'x'))),
};

// Reads only as much at a time as is certain to belong to the header.
proxy_header feed(std::string_view stream, std::string_view& rest) {
  std::size_t n = 0;
  for (;;) {
    const auto h = read_proxy_header(stream.substr(0, n));
    rest = stream.substr(n);
    if (h.what != verdict::more) return h;
    BOOST_REQUIRE(h.size > 0);
    if (n == stream.size()) return h;
    n = std::min(n + h.size, stream.size());
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_bit_breaks_the_checksum) {
  const auto& header = good.back().bytes;
  for (std::size_t bit = 16 * 8; bit < header.size() * 8; ++bit) {
    const auto at = bit / 8;
    if (at >= 28 && at < 31) continue;  // what says that there is a checksum
    auto changed = header;
    changed[at] = static_cast<char>(changed[at] ^ (1 << bit % 8));
    BOOST_TEST((read_proxy_header(changed).what == verdict::malformed), "bit " << bit);
  }
}

BOOST_AUTO_TEST_CASE(the_vectors_are_read) {
  for (const auto& v : good) {
    const auto h = read_proxy_header(v.bytes + "GET / HTTP/1.1\r\n");

    BOOST_TEST((h.what == verdict::complete), v.bytes);
    BOOST_TEST(h.size == v.bytes.size(), v.bytes);
    BOOST_TEST(h.endpoints.has_value() == (v.remote != nullptr), v.bytes);
    if (v.remote && h.endpoints) BOOST_TEST(h.endpoints->remote == v.remote);
    if (v.local && h.endpoints) BOOST_TEST(h.endpoints->local == v.local);
  }
}

BOOST_AUTO_TEST_CASE(a_header_may_come_in_any_two_pieces) {
  for (const auto& v : good)
    for (std::size_t n = 0; n < v.bytes.size(); ++n) {
      const auto h = read_proxy_header(std::string_view(v.bytes).substr(0, n));

      BOOST_TEST((h.what == verdict::more), v.bytes << " cut at " << n);
      BOOST_TEST(h.size > 0U);
      BOOST_TEST(h.size <= v.bytes.size() - n, v.bytes << " cut at " << n);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_read_of_what_comes_behind) {
  for (const auto& v : good) {
    const auto stream = v.bytes + "GET / HTTP/1.1\r\n";
    std::string_view rest;

    const auto h = feed(stream, rest);

    BOOST_TEST((h.what == verdict::complete), v.bytes);
    BOOST_TEST(rest == "GET / HTTP/1.1\r\n");
  }
}

BOOST_AUTO_TEST_CASE(what_is_malformed_is_refused_and_bounded) {
  for (const auto& bytes : bad) {
    std::string_view rest;

    const auto h = feed(bytes, rest);

    BOOST_TEST((h.what == verdict::malformed), bytes);
    BOOST_TEST(bytes.size() - rest.size() <= proxy_header::max_size);
  }
}

BOOST_AUTO_TEST_CASE(other_protocols_are_told_from_it) {
  for (const auto& bytes : {"GET / HTTP/1.1\r\n"s, "PROPFIND / HTTP/1.1\r\n"s, "PROXYING"s, "\x16\x03\x01\x02"s,
                            "\r\n\r\nGET / HTTP/1.1\r\n"s, "p"s})
    BOOST_TEST((read_proxy_header(bytes).what == verdict::absent), bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
