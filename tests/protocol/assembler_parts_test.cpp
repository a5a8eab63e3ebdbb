#include "protocol/assembler.hpp"
#include "protocol/transcript.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(assembler_parts_suite)

using lines = std::vector<std::string>;
using enum assembler::event;

wire masked(frame_kind kind, std::string_view payload) { return frame(role::client, kind, payload); }

assembler server() {
  auto how = receiving(role::server);
  how.read_limit = 0;
  return assembler(how);
}

// Text of all parts and of the message that ends them, and how many parts there were.
struct gathered {
  std::string text;
  std::size_t parts = 0;
  std::size_t largest = 0;
  std::vector<std::string> others;
};

gathered gather(assembler& a, wire bytes, std::size_t step) {
  gathered g;
  for (std::span<std::byte> rest(bytes); !rest.empty();) {
    auto piece = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(piece.size());
    while (!piece.empty()) {
      std::size_t consumed = 0;
      const auto event = a.feed(piece, consumed);
      piece = piece.subspan(consumed);
      if (event == part || event == message) {
        const auto m = a.take_message();
        g.text += m.text();
        g.largest = std::max(g.largest, m.size());
        g.parts += event == part;
        if (event == message) g.text += '|';
      } else if (event != need_more) {
        g.others.push_back(describe_event(a, event));
        if (event == failed) return g;
      }
    }
  }
  return g;
}

wire conversation() {
  return masked({opcode::text, false}, "one ") + masked({opcode::ping}, "p") +
         masked({opcode::continuation, false}, "") + masked({opcode::continuation}, "two") +
         masked({opcode::binary}, "") + masked({opcode::binary}, std::string(200'000, 'b')) +
         masked({opcode::text, false}, std::string(70'000, 't')) + masked({opcode::continuation}, "end");
}

std::string conversation_text() {
  return "one two||" + std::string(200'000, 'b') + "|" + std::string(70'000, 't') + "end|";
}

BOOST_AUTO_TEST_CASE(parts_make_up_the_messages_however_the_input_is_cut) {
  const auto bytes = conversation();
  for (const std::size_t step : {1u, 2u, 3u, 7u, 100u, 4096u, 65536u, 1000000u}) {
    auto a = server();
    a.deliver(assembler::delivery::parts);
    const auto g = gather(a, bytes, step);
    BOOST_TEST_CONTEXT("in steps of " << step) {
      BOOST_TEST((g.text == conversation_text()));
      BOOST_TEST(g.others == lines{"ping p"}, boost::test_tools::per_element());
      BOOST_TEST(g.largest <= assembler::part_size);
      BOOST_TEST(g.parts >= 4u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_part_is_told_of_as_soon_as_a_byte_is_there) {
  auto a = server();
  a.deliver(assembler::delivery::parts);
  auto bytes = masked({opcode::text, false}, "x") + masked({opcode::continuation}, "y");
  std::size_t consumed = 0;
  // The first frame and half of the header of the second.
  BOOST_TEST((a.feed(std::span(bytes).first(8), consumed) == part));
  BOOST_TEST(consumed == 8u);
  BOOST_TEST(a.take_message().text() == "x");
  BOOST_TEST((a.feed(std::span(bytes).subspan(8), consumed) == message));
  BOOST_TEST(a.take_message().text() == "y");
}

BOOST_AUTO_TEST_CASE(what_has_come_before_is_in_the_first_part) {
  auto a = server();
  auto bytes = masked({opcode::text}, "hello");
  std::size_t consumed = 0;
  BOOST_TEST((a.feed(std::span(bytes).first(8), consumed) == need_more));
  a.deliver(assembler::delivery::parts);
  BOOST_TEST((a.feed({}, consumed) == part));
  BOOST_TEST(a.take_message().text() == "he");
  BOOST_TEST((a.feed({}, consumed) == need_more));
}

BOOST_AUTO_TEST_CASE(a_part_that_is_put_back_comes_again_with_what_follows) {
  auto a = server();
  a.deliver(assembler::delivery::parts);
  auto bytes = masked({opcode::text}, "hello");
  std::size_t consumed = 0;
  BOOST_TEST((a.feed(std::span(bytes).first(8), consumed) == part));
  a.put_back(a.take_message());
  a.deliver(assembler::delivery::whole);
  BOOST_TEST((a.feed(std::span(bytes).subspan(8), consumed) == message));
  BOOST_TEST(a.take_message().text() == "hello");
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_message_can_be_dropped) {
  const auto bytes = masked({opcode::text, false}, std::string(100, 'a')) + masked({opcode::ping}, "p") +
                     masked({opcode::continuation}, std::string(300'000, 'b')) + masked({opcode::text}, "next") +
                     masked({opcode::text}, "last");
  for (const std::size_t step : {1u, 50u, 65536u, 1000000u}) {
    auto a = server();
    a.deliver(assembler::delivery::parts);
    auto head = wire(bytes.begin(), bytes.begin() + 20);
    BOOST_TEST(gather(a, head, step).text == std::string(14, 'a'));
    a.discard();
    a.deliver(step % 2 == 0 ? assembler::delivery::whole : assembler::delivery::parts);
    const auto rest = wire(bytes.begin() + 20, bytes.end());
    const auto g = gather(a, rest, step);
    BOOST_TEST(g.text == "next|last|");
    BOOST_TEST(g.others == lines{"ping p"}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(to_drop_between_messages_drops_nothing) {
  auto a = server();
  a.discard();
  BOOST_TEST(gather(a, masked({opcode::text}, "kept"), 100).text == "kept|");
}

BOOST_AUTO_TEST_CASE(the_limit_holds_for_all_parts_together) {
  for (const bool discarded : {false, true}) {
    auto options = receiving(role::server);
    options.read_limit = 100;
    assembler a(options);
    a.deliver(assembler::delivery::parts);
    std::string text;
    for (int i = 0; i < 3; ++i) {
      auto bytes = masked({i == 0 ? opcode::text : opcode::continuation, false}, std::string(40, 'x'));
      std::size_t consumed = 0;
      const auto event = a.feed(bytes, consumed);
      if (event == failed) text = a.error().text;
      if (event == part) a.take_message();
      if (discarded) a.discard();
    }
    BOOST_TEST(text == "message of at least 120 bytes exceeds the read limit of 100 bytes");
  }
}

BOOST_AUTO_TEST_CASE(text_is_checked_across_parts) {
  auto a = server();
  a.deliver(assembler::delivery::parts);
  const auto good = masked({opcode::text}, "K\xc3\xb6ln");
  BOOST_TEST(gather(a, good, 1).text == "K\xc3\xb6ln|");
  const auto bad = masked({opcode::text, false}, "\xc3") + masked({opcode::continuation}, "x");
  const auto g = gather(a, bad, 1);
  BOOST_REQUIRE(g.others.size() == 1u);
  BOOST_TEST(g.others[0].starts_with("failed 1007"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
