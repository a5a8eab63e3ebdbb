#include "protocol/assembler.hpp"

#include "protocol/transcript.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(assembler_suite)

using lines = std::vector<std::string>;

void require_lines(const lines& got, const lines& wanted) {
  BOOST_REQUIRE_EQUAL_COLLECTIONS(got.begin(), got.end(), wanted.begin(), wanted.end());
}

wire masked(frame_kind kind, std::string_view payload) { return frame(role::client, kind, payload); }

/// One of everything, with control frames between fragments and characters cut by frames.
wire conversation() {
  return masked({opcode::text}, "Hello") + masked({opcode::binary}, "") + masked({opcode::ping}, "are you there") +
         masked({opcode::text, false}, "K\xc3") + masked({opcode::ping}, "") +
         masked({opcode::continuation, false}, "") + masked({opcode::pong}, "yes") +
         masked({opcode::continuation}, "\xb6ln") + masked({opcode::binary}, std::string(200, 'b')) +
         masked({opcode::text}, std::string(70'000, 't')) + masked({opcode::text}, "") +
         masked({opcode::close},
                "\x03\xe8"
                "bye");
}

lines conversation_events() {
  return {"text Hello",
          "binary ",
          "ping are you there",
          "ping ",
          "pong yes",
          "text K\xc3\xb6ln",
          "binary " + std::string(200, 'b'),
          "text " + std::string(70'000, 't'),
          "text ",
          "close 1000 bye"};
}

assembler::options server() {
  auto how = receiving(role::server);
  how.read_limit = 100'000;
  return how;
}

BOOST_AUTO_TEST_CASE(the_examples_of_the_rfc_are_understood) {
  const auto client = receiving(role::client);
  require_lines(transcript(client, hex("81 05 48 65 6c 6c 6f")), {"text Hello"});
  require_lines(transcript(client, hex("01 03 48 65 6c 80 02 6c 6f")), {"text Hello"});
  require_lines(transcript(client, hex("89 05 48 65 6c 6c 6f")), {"ping Hello"});
  require_lines(transcript(server(), hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")), {"text Hello"});
  require_lines(transcript(server(), hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")), {"pong Hello"});
}

BOOST_AUTO_TEST_CASE(a_conversation_is_understood_whole_and_byte_by_byte) {
  require_lines(transcript(server(), conversation()), conversation_events());
  require_lines(transcript(server(), conversation(), 1), conversation_events());
}

BOOST_AUTO_TEST_CASE(a_conversation_is_understood_wherever_it_is_cut_in_two) {
  const auto bytes = conversation();
  // All cuts but those deep inside of the large payload.
  for (std::size_t cut = 1; cut < bytes.size(); cut += (cut > 500 && cut + 700 < bytes.size() ? 499 : 1)) {
    assembler a(server());
    std::size_t calls = 0;
    const auto got = transcript(a, bytes, [&] { return calls++ == 0 ? cut : bytes.size(); });
    BOOST_TEST_CONTEXT("cut at " << cut) {
      require_lines(got, conversation_events());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_conversation_is_understood_in_random_pieces_and_through_the_direct_buffer) {
  const auto bytes = conversation();
  for (unsigned seed = 0; seed != 300; ++seed) {
    std::mt19937 random(seed);
    assembler a(server());
    const auto got = transcript(
        a, bytes, [&] { return random() % (seed % 2 ? 50 : 20'000); }, seed % 3 != 0);
    BOOST_TEST_CONTEXT("seed " << seed) {
      require_lines(got, conversation_events());
    }
    BOOST_TEST(a.idle());
  }
}

BOOST_AUTO_TEST_CASE(feeding_stops_at_each_event) {
  assembler a(server());
  auto bytes = masked({opcode::text}, "one") + masked({opcode::text}, "two");
  std::size_t consumed = 0;

  BOOST_TEST((a.feed(bytes, consumed) == assembler::event::message));
  BOOST_TEST(consumed == bytes.size() / 2);
  BOOST_TEST(a.take_message().text() == "one");
  BOOST_TEST((a.feed(std::span(bytes).subspan(consumed), consumed) == assembler::event::message));
  BOOST_TEST(a.take_message().text() == "two");
}

BOOST_AUTO_TEST_CASE(feeding_nothing_needs_more) {
  assembler a(server());
  std::size_t consumed = 7;

  BOOST_TEST((a.feed({}, consumed) == assembler::event::need_more));
  BOOST_TEST(consumed == 0u);
  BOOST_TEST(a.idle());
}

BOOST_AUTO_TEST_CASE(a_message_that_is_not_taken_makes_way_for_the_next) {
  assembler a(server());
  auto bytes = masked({opcode::text}, "one") + masked({opcode::binary}, "two");
  std::size_t first = 0, second = 0;

  a.feed(bytes, first);
  a.feed(std::span(bytes).subspan(first), second);

  const auto m = a.take_message();
  BOOST_TEST(m.text() == "two");
  BOOST_TEST(!m.is_text());
}

BOOST_AUTO_TEST_CASE(it_is_idle_only_between_messages) {
  assembler a(server());
  auto bytes = masked({opcode::text, false}, "ab") + masked({opcode::continuation}, "cd");
  for (std::size_t n = 0; n != bytes.size(); ++n) {
    std::size_t consumed = 0;
    BOOST_TEST(a.idle() == (n == 0));
    a.feed(std::span(bytes).subspan(n, 1), consumed);
  }
  BOOST_TEST(a.idle());
}

BOOST_AUTO_TEST_CASE(a_frame_ahead_is_seen_at_every_stage) {
  const auto bytes = masked({opcode::binary}, "12345678");
  for (std::size_t fed = 0; fed != bytes.size(); ++fed) {
    assembler a(server());
    auto front = wire(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fed));
    std::size_t consumed = 0;
    a.feed(front, consumed);
    const auto rest = std::span(bytes).subspan(fed);

    for (std::size_t n = 0; n != rest.size(); ++n) BOOST_TEST(!a.frame_ahead(rest.first(n)));
    BOOST_TEST(a.frame_ahead(rest));
  }
}

BOOST_AUTO_TEST_CASE(the_direct_buffer_is_offered_only_within_large_payloads) {
  assembler a(server());
  auto bytes = masked({opcode::binary}, std::string(assembler::direct_threshold + 10, 'x'));
  std::size_t consumed = 0;

  BOOST_TEST(a.direct_buffer().empty());
  a.feed(std::span(bytes).first(8), consumed);
  BOOST_TEST(a.direct_buffer().size() == assembler::direct_threshold + 10);
  a.feed(std::span(bytes).subspan(8, 10), consumed);
  BOOST_TEST(a.direct_buffer().size() == assembler::direct_threshold);
  a.feed(std::span(bytes).subspan(18, 1), consumed);
  BOOST_TEST(a.direct_buffer().empty());
}

BOOST_AUTO_TEST_CASE(text_received_directly_fails_at_the_first_bad_byte) {
  auto how = server();
  how.read_limit = 0;
  assembler a(how);
  std::string text(100'000, 'x');
  text[50'000] = '\xff';
  const auto bytes = masked({opcode::text}, text);

  const auto got = transcript(
      a, bytes, [] { return 60'000; }, true);

  require_lines(got, {"failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 50000"});
  BOOST_TEST(a.stats().bytes < 70'000u);
}

BOOST_AUTO_TEST_CASE(frames_messages_and_bytes_are_counted) {
  assembler a(server());
  transcript(a, conversation(), [] { return 1000; });

  BOOST_TEST(a.stats().frames == 12u);
  BOOST_TEST(a.stats().messages == 6u);
  BOOST_TEST(a.stats().bytes == 5u + 5 + 200 + 70'000);
}

BOOST_AUTO_TEST_CASE(text_is_not_validated_when_that_is_turned_off) {
  auto how = server();
  how.validate_utf8 = false;

  require_lines(transcript(how, masked({opcode::text}, "\xff")), {"text \xff"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
