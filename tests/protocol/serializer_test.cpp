#include "protocol/serializer.hpp"

#include "protocol/transcript.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(serializer)

constexpr std::size_t sizes[] = {0, 1, 5, 63, 64, 65, 125, 126, 127, 1000, 65'535, 65'536, 100'000};

assembler::options reading_from(role sender) {
  auto how = receiving(peer_of(sender));
  how.read_limit = 0;
  return how;
}

wire bytes_in(const coax::detail::storage& out) { return wire(out.data(), out.data() + out.size()); }

BOOST_AUTO_TEST_CASE(a_server_writes_the_bytes_of_the_rfc) {
  BOOST_TEST((frame(role::server, {opcode::text}, "Hello") == hex("81 05 48 65 6c 6c 6f")));
  BOOST_TEST((frame(role::server, {opcode::text, false}, "Hel") == hex("01 03 48 65 6c")));
  BOOST_TEST((frame(role::server, {opcode::continuation}, "lo") == hex("80 02 6c 6f")));
  BOOST_TEST((frame(role::server, {opcode::binary, true, true}, "") == hex("c2 00")));
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read_back) {
  for (const auto sender : {role::server, role::client})
    for (const auto size : sizes) {
      const std::string payload(size, 'x');
      const auto got = transcript(reading_from(sender), frame(sender, {opcode::text}, payload));
      BOOST_REQUIRE(got.size() == 1u);
      BOOST_TEST((got.front() == "text " + payload));
    }
}

BOOST_AUTO_TEST_CASE(scattered_buffers_become_one_frame) {
  const std::string a(100, 'a'), b, c(70'000, 'c'), d(3, 'd');
  const asio::const_buffer payload[] = {asio::buffer(a), asio::buffer(b), {}, asio::buffer(c), asio::buffer(d)};
  for (const auto sender : {role::server, role::client}) {
    coax::detail::storage out;

    append_frame(out, sender, {opcode::binary}, payload);

    const auto got = transcript(reading_from(sender), bytes_in(out));
    BOOST_REQUIRE(got.size() == 1u);
    BOOST_TEST((got.front() == "binary " + a + c + d));
  }
}

BOOST_AUTO_TEST_CASE(the_short_way_writes_the_same_bytes) {
  coax::detail::storage out;
  wire expected;
  for (std::size_t size = 0; size != 126; ++size) {
    const std::string payload(size, static_cast<char>('a' + size % 26));
    const auto op = size % 2 == 0 ? opcode::text : opcode::binary;
    append_short_frame(out, op, asio::buffer(payload));
    const auto bytes = frame(role::server, {op}, payload);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
  }
  BOOST_TEST((bytes_in(out) == expected));
}

BOOST_AUTO_TEST_CASE(a_client_takes_a_fresh_key_for_each_frame) {
  BOOST_TEST((frame(role::client, {opcode::text}, "Hello") != frame(role::client, {opcode::text}, "Hello")));
}

BOOST_AUTO_TEST_CASE(a_large_payload_is_masked_piece_by_piece_behind_its_header) {
  const std::string payload(50'000, 'x');
  for (const std::size_t piece : {1u, 7u, 64u, 4095u, 50'000u}) {
    coax::detail::storage out;
    payload_masker masker(append_header(out, role::client, {opcode::binary}, payload.size()));
    auto bytes = bytes_in(out);
    for (std::size_t at = 0; at < payload.size(); at += piece) {
      const auto part = bytes_of(std::string_view(payload).substr(at, piece));
      bytes.resize(bytes.size() + part.size());
      masker.copy(bytes.data() + bytes.size() - part.size(), part.data(), part.size());
    }

    BOOST_TEST((transcript(reading_from(role::client), bytes) == std::vector{"binary " + payload}));
  }
}

BOOST_AUTO_TEST_CASE(a_masker_works_in_place) {
  auto payload = hex("48 65 6c 6c 6f");
  payload_masker masker({.masked = true, .key = {0x37, 0xfa, 0x21, 0x3d}});

  masker.in_place(std::span(payload).first(2));
  masker.in_place(std::span(payload).subspan(2));

  BOOST_TEST((payload == hex("7f 9f 4d 51 58")));
}

BOOST_AUTO_TEST_CASE(a_header_of_a_server_stands_alone_before_a_payload_sent_from_where_it_is) {
  const encoded_header header(make_header(role::server, {opcode::binary}, 65'536));

  BOOST_TEST((wire(header.bytes().begin(), header.bytes().end()) == hex("82 7f 00 00 00 00 00 01 00 00")));
}

BOOST_AUTO_TEST_CASE(frames_are_appended_and_the_buffer_grows) {
  coax::detail::storage out;
  for (int i = 0; i != 1000; ++i) append_frame(out, role::client, {opcode::text}, bytes_of(std::to_string(i)));

  const auto got = transcript(reading_from(role::client), bytes_in(out));

  BOOST_REQUIRE(got.size() == 1000u);
  BOOST_TEST(got.back() == "text 999");
}

BOOST_AUTO_TEST_CASE(a_close_frame_is_written_or_refused_with_nothing_written) {
  coax::detail::storage out;

  BOOST_CHECK_THROW(append_close(out, role::server, {status::abnormal, ""}), std::invalid_argument);
  BOOST_TEST(out.empty());
  append_close(out, role::server, {status::going_away, "bye"});
  append_close(out, role::server, {});

  BOOST_TEST((bytes_in(out) == hex("88 05 03 e9 62 79 65 88 00")));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
