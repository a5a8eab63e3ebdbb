// Compressed messages through the assembler: RFC 7692 section 6.
#include "protocol/transcript.hpp"
#include "protocol/wire_bytes.hpp"

#include <boost/test/unit_test.hpp>

namespace coax::protocol {
namespace {

BOOST_AUTO_TEST_SUITE(assembler_deflate)

using namespace test;
using namespace std::string_literals;

assembler::options deflating(role self = role::server) {
  auto how = receiving(self);
  how.deflate = true;
  how.read_limit = 1024 * 1024;
  return how;
}

const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
const std::string hello_again = "\xf2\x00\x11\x00\x00"s;

wire compressed(opcode op, std::string_view payload, bool fin = true, role sender = role::client) {
  return frame(sender, {op, fin, true}, payload);
}
wire rest_of(std::string_view payload, bool fin = true) {
  return frame(role::client, {opcode::continuation, fin, false}, payload);
}

std::string squeezed(const std::string& text) {
  deflater d({2, 15, 8}, false);
  return deflate(d, text);
}

void require_always(const assembler::options& how, const wire& bytes, const std::vector<std::string>& expected) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t(-1)}) {
    const auto lines = transcript(how, bytes, piece);
    BOOST_TEST(lines == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(messages_are_inflated_in_both_roles) {
  require_always(deflating(), compressed(opcode::text, hello) + compressed(opcode::binary, hello_again),
                 {"compressed text Hello", "compressed binary Hello"});
  require_always(
      deflating(role::client),
      compressed(opcode::text, hello, true, role::server) + compressed(opcode::text, hello_again, true, role::server),
      {"compressed text Hello", "compressed text Hello"});
}

BOOST_AUTO_TEST_CASE(plain_messages_may_come_between) {
  require_always(deflating(),
                 compressed(opcode::text, hello) + frame(role::client, {opcode::text}, "x") +
                     compressed(opcode::text, hello_again),
                 {"compressed text Hello", "text x", "compressed text Hello"});
}

BOOST_AUTO_TEST_CASE(fragments_are_cut_anywhere_with_control_frames_between) {
  for (std::size_t cut = 0; cut <= hello.size(); ++cut) {
    require_always(deflating(),
                   compressed(opcode::text, hello.substr(0, cut), false) + frame(role::client, {opcode::ping}, "p") +
                       rest_of("", false) + rest_of(hello.substr(cut)) + compressed(opcode::text, hello_again),
                   {"ping p", "compressed text Hello", "compressed text Hello"});
  }
}

BOOST_AUTO_TEST_CASE(without_takeover_messages_do_not_refer_back) {
  auto how = deflating();
  how.takeover = false;

  require_always(how, compressed(opcode::text, hello) + compressed(opcode::text, hello_again),
                 {"compressed text Hello",
                  "failed 1007 compressed message that cannot be inflated (RFC 7692 7.2.2): invalid distance too far "
                  "back"});
}

BOOST_AUTO_TEST_CASE(corrupt_data_is_answered_with_1007) {
  require_always(deflating(), compressed(opcode::text, "\x06"),
                 {"failed 1007 compressed message that cannot be inflated (RFC 7692 7.2.2): invalid block type"});
  require_always(
      deflating(), compressed(opcode::text, hello.substr(0, 3)),
      {"failed 1007 compressed message that cannot be inflated (RFC 7692 7.2.2): the message ends within a block"});
  require_always(
      deflating(), compressed(opcode::text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x48"s),
      {"failed 1007 compressed message that cannot be inflated (RFC 7692 7.2.2): data after the final block"});
}

BOOST_AUTO_TEST_CASE(text_is_validated_after_inflating_and_at_once) {
  require_always(deflating(), compressed(opcode::text, squeezed("abc\xff")),
                 {"failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 3"});
  require_always(deflating(), compressed(opcode::text, squeezed("abc\xc3")),
                 {"failed 1007 text message that ends within a UTF-8 character (RFC 6455 8.1)"});
  require_always(deflating(), compressed(opcode::binary, squeezed("abc\xff")), {"compressed binary abc\xff"});

  // Not only when the message has ended.
  deflater d({2, 15, 8}, true);
  coax::detail::storage begun;
  d.add(boost::asio::buffer("\xff", 1), begun);
  d.flush(begun);
  require_always(deflating(), compressed(opcode::text, text_of({begun.data(), begun.size()}), false),
                 {"failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 0"});
}

BOOST_AUTO_TEST_CASE(the_limit_counts_what_is_inflated) {
  auto how = deflating();
  how.read_limit = 1000;

  require_always(how, compressed(opcode::text, squeezed(std::string(1000, 'x'))),
                 {"compressed text " + std::string(1000, 'x')});
  require_always(how, compressed(opcode::text, squeezed(std::string(1001, 'x'))),
                 {"failed 1009 compressed message of at least 1001 bytes exceeds the read limit of 1000 bytes"});
  require_always(how, compressed(opcode::text, squeezed(std::string(999, 'x') + "\xff" + std::string(5000, 'x'))),
                 {"failed 1007 text message that is not UTF-8 (RFC 6455 8.1): ff at byte 999"});
}

BOOST_AUTO_TEST_CASE(a_message_of_many_flushes_may_be_larger_on_the_wire_than_the_limit) {
  auto how = deflating();
  how.read_limit = 100;
  deflater d({2, 15, 8}, true);
  coax::detail::storage out;
  for (int i = 0; i != 100; ++i) {
    d.add(boost::asio::buffer("x", 1), out);
    d.flush(out);
  }
  d.finish(out);

  BOOST_TEST(out.size() > 500u);
  require_always(how, compressed(opcode::text, text_of({out.data(), out.size()})),
                 {"compressed text " + std::string(100, 'x')});
}

// 1 GiB of zeros, in about 1 MiB; nothing beyond the limit is ever held.
BOOST_AUTO_TEST_CASE(a_bomb_is_refused_within_the_memory_of_the_limit) {
  const std::string zeros(16 * 1024 * 1024, '\0');
  deflater d({4, 15, 8}, true);
  coax::detail::storage out;
  d.add(boost::asio::buffer(zeros), out);
  d.flush(out);
  std::string payload;
  for (int i = 0; i != 64; ++i) payload += text_of({out.data(), out.size()});
  d.reset();
  BOOST_TEST(payload.size() < 1100u * 1024);
  auto how = deflating();
  how.read_limit = 32 * 1024;
  const auto before = deflate_memory();
  assembler a(how);
  auto bytes = compressed(opcode::binary, payload);

  std::size_t consumed = 0;
  const auto event = a.feed(bytes, consumed);

  BOOST_TEST((event == assembler::event::failed));
  BOOST_TEST((a.error().status == status::message_too_big));
  BOOST_TEST(consumed < 4096u);
  BOOST_TEST(a.stats().inflated_to == how.read_limit + 1);
  BOOST_TEST(deflate_memory() - before <= 64u * 1024);
}

std::vector<std::string> parts_of(assembler& a, wire bytes, std::size_t piece, std::size_t& largest) {
  std::vector<std::string> lines;
  std::string text;
  for (std::span<std::byte> rest(bytes); !rest.empty();) {
    auto some = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(some.size());
    while (!some.empty() || a.has_more()) {
      std::size_t consumed = 0;
      const auto event = a.feed(some, consumed);
      some = some.subspan(consumed);
      if (event == assembler::event::failed) return lines.push_back(describe_event(a, event)), lines;
      if (event == assembler::event::need_more) continue;
      const auto m = a.take_message();
      largest = std::max(largest, m.size());
      text += m.text();
      if (event == assembler::event::message) lines.push_back(std::exchange(text, {}));
    }
  }
  return lines;
}

BOOST_AUTO_TEST_CASE(parts_are_bounded_however_much_the_input_inflates_to) {
  const auto bytes = compressed(opcode::text, squeezed(prose(300'000))) +
                     compressed(opcode::text, squeezed(std::string(assembler::part_size, 'x'))) +
                     compressed(opcode::text, squeezed(std::string(500'000, 'y')));
  for (const std::size_t piece : {std::size_t{100}, std::size_t{5000}, std::size_t(-1)}) {
    auto how = deflating();
    how.takeover = false;
    assembler a(how);
    a.deliver(assembler::delivery::parts);
    std::size_t largest = 0;

    const auto lines = parts_of(a, bytes, piece, largest);

    BOOST_REQUIRE(lines.size() == 3u);
    BOOST_TEST((lines[0] == prose(300'000)));
    BOOST_TEST((lines[1] == std::string(assembler::part_size, 'x')));
    BOOST_TEST((lines[2] == std::string(500'000, 'y')));
    BOOST_TEST(largest <= assembler::part_size);
  }
}

BOOST_AUTO_TEST_CASE(a_rest_that_is_discarded_still_goes_through_the_window) {
  deflater d({2, 15, 8}, true);
  const auto first = deflate(d, prose(200'000)), second = deflate(d, prose(200'000).substr(180'000));
  assembler a(deflating());
  a.deliver(assembler::delivery::parts);
  auto bytes = compressed(opcode::text, first);
  std::size_t consumed = 0;
  BOOST_REQUIRE((a.feed(bytes, consumed) == assembler::event::part));
  a.take_message();

  a.deliver(assembler::delivery::whole);
  a.discard();
  std::size_t used = 0;
  const auto rest = std::span(bytes).subspan(consumed);
  BOOST_TEST((a.feed(rest, used) == assembler::event::need_more));
  BOOST_TEST(used == rest.size());

  auto next = compressed(opcode::text, second);
  BOOST_REQUIRE((a.feed(next, used) == assembler::event::message));
  BOOST_TEST((a.take_message().str() == prose(200'000).substr(180'000)));
}

BOOST_AUTO_TEST_CASE(a_rest_that_is_discarded_is_not_seen_by_the_next_reader_of_parts) {
  const auto payload = squeezed(noise(3000));
  auto bytes = compressed(opcode::binary, payload);
  assembler a(deflating());
  a.deliver(assembler::delivery::parts);
  std::size_t consumed = 0;
  BOOST_REQUIRE((a.feed(std::span(bytes).first(1000), consumed) == assembler::event::part));
  a.take_message();

  a.discard();

  BOOST_TEST((a.feed({}, consumed) == assembler::event::need_more));
  BOOST_TEST((a.feed(std::span(bytes).subspan(1000, 1000), consumed) == assembler::event::need_more));
  BOOST_TEST((a.feed(std::span(bytes).subspan(2000), consumed) == assembler::event::need_more));
  BOOST_TEST(a.idle());
}

BOOST_AUTO_TEST_CASE(a_rest_between_messages_loses_nothing) {
  assembler a(deflating());
  auto bytes = compressed(opcode::text, hello) + compressed(opcode::text, hello_again);
  std::size_t consumed = 0;
  BOOST_REQUIRE((a.feed(bytes, consumed) == assembler::event::message));

  a.rest();

  BOOST_REQUIRE((a.feed(std::span(bytes).subspan(consumed), consumed) == assembler::event::message));
  BOOST_TEST(a.take_message().str() == "Hello");
}

BOOST_AUTO_TEST_CASE(what_was_inflated_is_counted) {
  assembler a(deflating());
  transcript(a, compressed(opcode::text, hello) + frame(role::client, {opcode::text}, "plain"), [] { return 1000; });

  BOOST_TEST(a.stats().bytes == hello.size() + 5);
  BOOST_TEST(a.stats().inflated_from == hello.size());
  BOOST_TEST(a.stats().inflated_to == 5u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax::protocol
