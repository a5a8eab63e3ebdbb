// Compressed messages of all sizes, in chunks of all sizes, to both roles and in every mode: what goes in comes out.

#include "protocol/frame.hpp"
#include "protocol/serializer.hpp"
#include "protocol/wire_bytes.hpp"
#include "support/run.hpp"
#include "websocket/peers.hpp"

BOOST_AUTO_TEST_SUITE(compressed_sizes)

using namespace coax;
using namespace coax::test;
using protocol::opcode;
using protocol::role;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

struct mode {
  unsigned bits;
  bool takeover;
  unsigned level;
};

constexpr mode modes[] = {{15, true, 2}, {15, false, 2}, {8, true, 6}, {9, false, 6}, {12, true, 1}, {15, true, 9}};

// The message in frames whose payloads have `fragment` bytes, from the peer of `self`.
std::string in_frames(role self, protocol::deflater& d, const std::string& message, std::size_t fragment) {
  const auto payload = protocol::test::deflate(d, message);
  const auto sender = protocol::peer_of(self);
  coax::detail::storage out;
  for (std::size_t at = 0;;) {
    const auto n = std::min(fragment, payload.size() - at);
    const bool fin = at + n == payload.size();
    protocol::append_frame(out, sender, {at == 0 ? opcode::binary : opcode::continuation, fin, at == 0},
                           std::as_bytes(std::span(payload)).subspan(at, n));
    at += n;
    if (fin) return {reinterpret_cast<const char*>(out.data()), out.size()};
  }
}

deflate_options within(const mode& m) {
  deflate_options o(m.takeover ? deflate_mode::context_takeover : deflate_mode::no_context_takeover);
  return o.server_max_window_bits(m.bits).client_max_window_bits(m.bits);
}

// A hand that writes `chunk` bytes at a time.
task<> arrives(scripted& s, const std::string& bytes, std::size_t chunk) {
  for (std::size_t at = 0; at < bytes.size(); at += chunk) co_await s.send(bytes.substr(at, chunk));
}

task<> comes_through(asio::io_context& ioc, role self, const mode& m, std::size_t size, std::size_t fragment,
                     std::size_t chunk) {
  scripted s(ioc, self, test::options().deflate(within(m)).read_limit(size + 1));
  protocol::deflater d({static_cast<std::uint8_t>(m.level), static_cast<std::uint8_t>(m.bits), 8}, m.takeover);
  // What repeats at a distance, and what does not.
  const auto text = protocol::test::prose(size - size / 8) + protocol::test::noise(size / 8);
  for (int i = 0; i != 2; ++i) {
    const auto bytes = in_frames(self, d, text, fragment);
    const auto sent = beside(ioc.get_executor(), [&]() -> task<> { co_await arrives(s, bytes, chunk); });
    const auto got = co_await s.ours.read();
    BOOST_CHECK_MESSAGE(got.text() == text, size << " bytes in frames of " << fragment << ", chunks of " << chunk
                                                 << ", window " << m.bits << ", level " << m.level);
    while (!*sent) co_await settle(1);
  }
}

}  // namespace

COAX_CORO_TEST(small_messages_in_all_fragments_and_chunks_in_every_mode) {
  for (const auto self : {role::server, role::client})
    for (const auto& m : modes)
      for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 4096u, 20'000u})
        for (const std::size_t fragment : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, SIZE_MAX})
          for (const std::size_t chunk : {std::size_t{1}, std::size_t{16}, std::size_t{1460}, std::size_t{65536}})
            if (size <= 4096 || chunk > 1) co_await comes_through(ioc, self, m, size, fragment, chunk);
}

COAX_CORO_TEST(messages_of_65536_bytes_arrive_byte_by_byte) {
  for (const auto self : {role::server, role::client})
    for (const auto& m : {modes[0], modes[3]}) co_await comes_through(ioc, self, m, 65536, 4096, 1);
}

COAX_CORO_TEST(messages_of_16_mib_arrive_in_chunks_of_64_bytes_to_64_kib) {
  for (const auto self : {role::server, role::client}) {
    co_await comes_through(ioc, self, modes[0], mebibyte, 65536, 64);
    co_await comes_through(ioc, self, modes[1], 16 * mebibyte, SIZE_MAX, 65536);
    co_await comes_through(ioc, self, modes[4], 16 * mebibyte, 32'000, 4096);
    co_await comes_through(ioc, self, modes[0], 16 * mebibyte, 65536, 1460);
  }
}

// 16 MiB in less than 20 KiB: each byte of the wire is a thousand of the message.
COAX_CORO_TEST(messages_of_16_mib_that_shrink_to_nothing_arrive_byte_by_byte) {
  for (const auto self : {role::server, role::client}) {
    scripted s(ioc, self, test::options().deflate(deflate_mode::context_takeover).read_limit(16 * mebibyte));
    protocol::deflater d({6, 15, 8}, true);
    const std::string zeros(16 * mebibyte, '\0');
    const auto bytes = in_frames(self, d, zeros, 100);
    const auto sent = beside(ioc.get_executor(), [&]() -> task<> { co_await arrives(s, bytes, 1); });
    const auto got = co_await s.ours.read();
    BOOST_TEST((got.text() == zeros));
    while (!*sent) co_await settle(1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
