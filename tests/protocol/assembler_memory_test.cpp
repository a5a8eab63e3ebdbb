#include "core/buffer_pool.hpp"
#include "protocol/transcript.hpp"

#include <boost/test/unit_test.hpp>

#include <malloc.h>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(assembler_memory)

constexpr std::size_t mebibyte = 1024 * 1024;

wire header(opcode op, bool fin, std::uint64_t length) {
  std::array<std::byte, max_header_size> out;
  const auto size = encode_header(out.data(), {.fin = fin, .op = op, .masked = true, .length = length});
  return wire(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
}

assembler::options limited(std::size_t limit) {
  auto how = receiving(role::server);
  how.read_limit = limit;
  return how;
}

assembler::event feed_all(assembler& a, wire bytes) {
  std::size_t consumed = 0;
  return a.feed(bytes, consumed);
}

BOOST_AUTO_TEST_CASE(a_message_of_exactly_the_limit_passes) {
  const auto got = transcript(limited(1000), frame(role::client, {opcode::binary}, std::string(1000, 'x')));

  BOOST_TEST(got.front() == "binary " + std::string(1000, 'x'));
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_fails_at_its_header) {
  assembler a(limited(32'768));

  BOOST_TEST((feed_all(a, header(opcode::binary, true, 40'000)) == assembler::event::failed));

  BOOST_TEST((a.error().code == errc::message_too_big));
  BOOST_TEST((a.error().status == status::message_too_big));
  BOOST_TEST(a.error().text == "message of 40000 bytes exceeds the read limit of 32768 bytes");
}

BOOST_AUTO_TEST_CASE(fragments_add_up_to_the_limit) {
  const auto first = frame(role::client, {opcode::text, false}, std::string(600, 'x'));
  const auto more = frame(role::client, {opcode::continuation, false}, std::string(300, 'x'));

  const auto got = transcript(limited(1000), first + more + more);

  BOOST_TEST(got.front() == "failed 1009 message of at least 1200 bytes exceeds the read limit of 1000 bytes");
}

BOOST_AUTO_TEST_CASE(the_limit_counts_anew_for_each_message) {
  const auto one = frame(role::client, {opcode::text}, std::string(900, 'x'));

  BOOST_TEST(transcript(limited(1000), one + one + one).size() == 3u);
}

BOOST_AUTO_TEST_CASE(control_frames_do_not_count) {
  const auto part = frame(role::client, {opcode::binary, false}, std::string(1000, 'x'));
  const auto ping = frame(role::client, {opcode::ping}, std::string(125, 'p'));
  const auto end = frame(role::client, {opcode::continuation}, "");

  BOOST_TEST(transcript(limited(1000), part + ping + end).back() == "binary " + std::string(1000, 'x'));
}

BOOST_AUTO_TEST_CASE(a_new_limit_applies_from_the_next_frame_on) {
  assembler a(limited(1000));
  const auto whole = frame(role::client, {opcode::binary, false}, std::string(900, 'x'));

  feed_all(a, wire(whole.begin(), whole.begin() + 100));
  a.read_limit(500);
  BOOST_TEST((feed_all(a, wire(whole.begin() + 100, whole.end())) == assembler::event::need_more));

  BOOST_TEST((feed_all(a, header(opcode::continuation, true, 0)) == assembler::event::failed));
  BOOST_TEST(a.error().text == "message of 900 bytes exceeds the read limit of 500 bytes");
}

BOOST_AUTO_TEST_CASE(a_lying_header_costs_no_memory) {
  assembler a(limited(0));
  feed_all(a, header(opcode::binary, true, std::uint64_t{1} << 62));

  feed_all(a, wire(10));

  BOOST_TEST(a.direct_buffer().size() <= mebibyte);
}

BOOST_AUTO_TEST_CASE(memory_runs_ahead_by_a_mebibyte_or_by_as_much_as_has_arrived) {
  assembler a(limited(0));
  feed_all(a, header(opcode::binary, true, std::uint64_t{1} << 40));
  std::size_t received = 0;

  while (received < 9 * mebibyte) {
    const auto room = a.direct_buffer();
    BOOST_REQUIRE(!room.empty());
    BOOST_REQUIRE(room.size() <= std::max(mebibyte, received));
    const auto n = std::min<std::size_t>(room.size(), 300'000);
    BOOST_REQUIRE((a.commit_direct(n) == assembler::event::need_more));
    received += n;
  }
}

BOOST_AUTO_TEST_CASE(lengths_that_add_up_beyond_what_can_be_addressed_fail) {
  assembler a(limited(0));
  feed_all(a, header(opcode::binary, false, 10));
  feed_all(a, wire(10));

  BOOST_TEST((feed_all(a, header(opcode::continuation, true, 0x7fff'ffff'ffff'ffff)) == assembler::event::failed));
  BOOST_TEST((a.error().status == status::message_too_big));
}

BOOST_AUTO_TEST_CASE(the_largest_limit_does_not_overflow) {
  for (const bool deflate : {false, true}) {
    auto how = limited(std::size_t(-1));
    how.deflate = deflate;
    const std::string payload = deflate ? std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7) : "Hello";
    BOOST_TEST(transcript(how, frame(role::client, {opcode::text, true, deflate}, payload)).front() ==
               (deflate ? "compressed text Hello" : "text Hello"));
  }
}

BOOST_AUTO_TEST_CASE(many_small_fragments_make_one_message) {
  std::string wanted;
  wire bytes = frame(role::client, {opcode::text, false}, "");
  for (int i = 0; i != 3000; ++i) {
    const std::string part(7, static_cast<char>('a' + i % 26));
    wanted += part;
    bytes = bytes + frame(role::client, {opcode::continuation, false}, part);
  }
  bytes = bytes + frame(role::client, {opcode::continuation}, "");

  BOOST_TEST((transcript(limited(0), bytes).front() == "text " + wanted));
}

// In the hands of malloc; sanitizers say 0.
std::size_t heap_in_use() {
  const auto m = ::mallinfo2();
  return m.uordblks + m.hblkhd;
}

// What is kept of a fragment is its payload, not a place in a list; and each is looked at once, or this would not end
// before the watchdog.
BOOST_AUTO_TEST_CASE(fragments_cost_no_more_than_what_they_carry) {
  assembler a(limited(32 * 1024));
  const auto nothing = frame(role::client, {opcode::continuation, false}, "");
  const auto one = frame(role::client, {opcode::continuation, false}, "x");
  wire empty, small;
  for (int i = 0; i != 1000; ++i) {
    empty = empty + nothing;
    small = small + one;
  }
  const auto before = heap_in_use();
  BOOST_REQUIRE((feed_all(a, frame(role::client, {opcode::text, false}, "")) == assembler::event::need_more));

  for (int i = 0; i != 1000; ++i) BOOST_REQUIRE((feed_all(a, empty) == assembler::event::need_more));
  for (int i = 0; i != 30; ++i) BOOST_REQUIRE((feed_all(a, small) == assembler::event::need_more));
  const auto held = heap_in_use();
  BOOST_TEST((feed_all(a, frame(role::client, {opcode::continuation}, "")) == assembler::event::message));

  BOOST_TEST(a.take_message().size() == 30'000u);
  BOOST_TEST(held <= before + 256 * 1024);
}

BOOST_AUTO_TEST_CASE(messages_of_steady_size_leave_the_pool_as_it_was) {
  assembler a(limited(100'000));
  const auto bytes = frame(role::client, {opcode::binary}, std::string(5000, 'x'));
  transcript(a, bytes, [] { return 700; });
  const auto before = coax::detail::pooled_bytes();

  for (int i = 0; i != 100; ++i) transcript(a, bytes, [] { return 700; });

  BOOST_TEST(coax::detail::pooled_bytes() == before);
}

BOOST_AUTO_TEST_CASE(an_idle_assembler_is_small) { BOOST_TEST(sizeof(assembler) <= 384u); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
