#include "adapters/byte_streams.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_future.hpp>

BOOST_AUTO_TEST_SUITE(byte_streams)

using namespace coax;
using namespace coax::test;
using namespace asio::experimental::awaitable_operators;

COAX_SCENARIO_TEST(bytes_arrive_in_order_whatever_the_messages) {
  stream_pair p(ioc);
  co_await send_all(p.client, "one");
  co_await send_all(p.client, "two");
  const auto got = co_await receive(p.server, 6);
  BOOST_TEST(got == "onetwo");
  co_await send_all(p.server, "three");
  const auto a = co_await read_piece(p.client, 2);
  const auto b = co_await read_piece(p.client, 100);
  BOOST_TEST(a.bytes == "th");
  BOOST_TEST(b.bytes == "ree");
}

COAX_CORO_TEST(large_transfers_arrive_whole_both_ways) {
  for (const auto& f : {testing::faults(), testing::faults().random_sizes(3).capacity(9000)}) {
    stream_pair p(ioc, {}, f);
    const auto forth = pattern(1'000'000, 1), back = pattern(700'000, 2);
    std::string at_server, at_client;
    co_await all([](byte_stream& s, std::string_view b) -> task<> { co_await send_all(s, b); }(p.client, forth),
                 [](byte_stream& s, std::string_view b) -> task<> { co_await send_all(s, b); }(p.server, back),
                 [](byte_stream& s, std::string& b, std::size_t n) -> task<> { b = co_await receive(s, n); }(
                                                                       p.server, at_server, forth.size()),
                 [](byte_stream& s, std::string& b, std::size_t n) -> task<> { b = co_await receive(s, n); }(
                                                                       p.client, at_client, back.size()));
    BOOST_TEST((at_server == forth));
    BOOST_TEST((at_client == back));
  }
}

COAX_CORO_TEST(a_write_is_one_message_and_a_large_one_is_split) {
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours), byte_stream_options().max_message(1000));
  const auto bytes = pattern(2500);
  const auto sent = co_await s.async_write_some(asio::buffer(bytes), asio::use_awaitable);
  BOOST_TEST(sent == 1000u);
  co_await send_all(s, std::string_view(bytes).substr(1000));
  std::string got;
  for (const std::size_t size : {1000u, 1000u, 500u}) {
    const auto f = co_await p.receive();
    BOOST_TEST(f->payload.size() == size);
    BOOST_TEST((f->head.op == protocol::opcode::binary && f->head.fin));
    got += f->payload;
  }
  BOOST_TEST((got == bytes));
}

COAX_CORO_TEST(a_hook_may_end_the_stream_in_the_middle_of_what_was_received) {
  byte_stream* stream = nullptr;
  int frames = 0;
  scripted p(ioc, protocol::role::server, options().on_frame([&](const frame_info& f) {
    if (f.way == frame_info::direction::received && ++frames == 9300) stream->close_now();
  }));
  byte_stream s(std::move(p.ours));
  stream = &s;
  std::string all;
  while (all.size() < 65536) all += p.frame(protocol::opcode::pong, "p");
  all.resize(65536);
  co_await p.send(all);
  const auto got = co_await read_piece(s);
  BOOST_TEST((got.ec == asio::error::operation_aborted));
  co_await settle();
  BOOST_TEST((s.connection().closed().initiator == close_initiator::local));
}

COAX_CORO_TEST(a_gathered_write_is_one_message) {
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  const std::vector<asio::const_buffer> pieces{buffer("a"), buffer(""), buffer("bc"), buffer("d")};
  const auto n = co_await s.async_write_some(pieces, asio::use_awaitable);
  const auto f = co_await p.receive();
  BOOST_TEST(n == 4u);
  BOOST_TEST(f->payload == "abcd");
}

COAX_SCENARIO_TEST(empty_messages_and_empty_buffers_complete_nothing_with_zero_bytes) {
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  const auto none = co_await s.async_write_some(asio::const_buffer(), asio::use_awaitable);
  const auto nothing = co_await s.async_read_some(asio::mutable_buffer(), asio::use_awaitable);
  BOOST_TEST(none == 0u);
  BOOST_TEST(nothing == 0u);
  co_await p.send(p.frame(protocol::opcode::binary, "") + p.frame(protocol::opcode::binary, "", false) +
                  p.frame(protocol::opcode::continuation, "") + p.frame(protocol::opcode::binary, "x"));
  const auto got = co_await read_piece(s);
  BOOST_TEST(got.bytes == "x");
}

COAX_CORO_TEST(a_message_of_any_size_is_read_in_bounded_memory) {
  scripted p(ioc, protocol::role::server, options().read_limit(100));
  byte_stream s(std::move(p.ours));
  const auto whole = pattern(500'000);
  auto send = [&]() -> task<> {
    co_await p.send(p.frame(protocol::opcode::binary, whole.substr(0, 300'000), false) +
                    p.frame(protocol::opcode::continuation, whole.substr(300'000)));
  };
  const auto sender = beside(ioc.get_executor(), send);
  const auto got = co_await receive(s, whole.size());
  BOOST_TEST((got == whole));
}

COAX_CORO_TEST(a_close_with_1000_or_1001_is_the_end_for_ever) {
  for (const unsigned status : {1000u, 1001u}) {
    scripted p(ioc, protocol::role::server);
    byte_stream s(std::move(p.ours));
    co_await p.send(p.frame(protocol::opcode::binary, "last") + p.close_frame(status));
    const auto last = co_await read_piece(s);
    BOOST_TEST(last.bytes == "last");
    for (int i = 0; i < 3; ++i) {
      const auto end = co_await read_piece(s);
      BOOST_TEST((end.ec == asio::error::eof));
    }
    BOOST_TEST(static_cast<unsigned>(s.connection().closed().status) == status);
  }
}

COAX_CORO_TEST(any_other_end_is_an_error_for_ever) {
  for (const char* how : {"1011", "empty", "cut", "reset"}) {
    scripted p(ioc, protocol::role::server);
    byte_stream s(std::move(p.ours));
    const std::string_view kind = how;
    if (kind == "1011") co_await p.send(p.close_frame(1011, "broken"));
    if (kind == "empty") co_await p.send(p.frame(protocol::opcode::close, ""));
    if (kind == "cut") p.shut();
    if (kind == "reset") p.raw_end->reset();
    for (int i = 0; i < 2; ++i) {
      const auto end = co_await read_piece(s);
      const error_code expected = kind == "reset" ? error_code(asio::error::connection_reset) : errc::closed;
      BOOST_TEST((end.ec == expected), how << ": " << end.ec.message());
    }
    const auto ec = co_await send_all(s, "x");
    BOOST_TEST(ec.failed());
  }
}

COAX_CORO_TEST(a_message_of_the_wrong_kind_closes_with_1003) {
  for (const auto kind : {message_kind::text, message_kind::binary}) {
    scripted p(ioc, protocol::role::server);
    byte_stream s(std::move(p.ours), kind);
    co_await p.send(p.frame(kind == message_kind::text ? protocol::opcode::binary : protocol::opcode::text, "x"));
    for (int i = 0; i < 2; ++i) {
      const auto got = co_await read_piece(s);
      BOOST_TEST((got.ec == errc::invalid_data));
    }
    const auto f = co_await p.receive();
    BOOST_TEST(f->status() == 1003u);
  }
}

COAX_CORO_TEST(characters_that_are_written_in_pieces_are_sent_whole) {
  const std::string text = "a\u20ac\U0001f600z";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    scripted p(ioc, protocol::role::server);
    byte_stream s(std::move(p.ours), byte_stream_options().kind(message_kind::text).max_message(4));
    for (std::size_t i = 0; i < text.size(); i += step) {
      const auto ec = co_await send_all(s, std::string_view(text).substr(i, step));
      BOOST_TEST(!ec);
    }
    std::string got;
    while (got.size() < text.size()) {
      const auto f = co_await p.receive();
      BOOST_TEST((f->head.op == protocol::opcode::text));
      BOOST_TEST(!f->payload.empty());
      BOOST_TEST(protocol::is_valid_utf8(f->payload));
      got += f->payload;
    }
    BOOST_TEST(got == text);
  }
}

COAX_CORO_TEST(what_is_no_text_is_not_sent_as_text) {
  stream_pair p(ioc, byte_stream_options().kind(message_kind::text));
  for (const char* bad : {"\xff", "a\xc3(", "\xed\xa0\x80"}) {
    const auto ec = co_await send_all(p.client, bad);
    BOOST_TEST((ec == errc::invalid_utf8));
  }
  co_await send_all(p.client, "fine");
  const auto got = co_await receive(p.server, 4);
  BOOST_TEST(got == "fine");
}

COAX_SCENARIO_TEST(asio_reads_lines_over_it) {
  stream_pair p(ioc);
  co_await send_all(p.client, "first li");
  co_await send_all(p.client, "ne\nsecond\n");
  std::string line;
  auto to = asio::dynamic_buffer(line);
  const auto n = co_await asio::async_read_until(p.server, to, '\n', asio::use_awaitable);
  BOOST_TEST(line.substr(0, n) == "first line\n");
  asio::streambuf rest;
  line.erase(0, n);
  if (line.find('\n') == line.npos) co_await asio::async_read_until(p.server, rest, '\n', asio::use_awaitable);
}

COAX_CORO_TEST(a_second_read_is_refused_and_the_first_goes_on) {
  stream_pair p(ioc);
  piece first;
  auto read = [&]() -> task<> { first = co_await read_piece(p.server); };
  const auto done = beside(ioc.get_executor(), read);
  co_await settle();
  const auto second = co_await read_piece(p.server);
  BOOST_TEST((second.ec == errc::concurrent_read));
  co_await send_all(p.client, "for the first");
  while (!*done) co_await settle(1);
  BOOST_TEST(first.bytes == "for the first");
}

COAX_SCENARIO_TEST(a_moved_stream_goes_on) {
  stream_pair p(ioc);
  byte_stream moved(std::move(p.client));
  co_await send_all(moved, "x");
  const auto got = co_await receive(p.server, 1);
  BOOST_TEST(got == "x");
  p.server = std::move(moved);
}

COAX_SCENARIO_TEST(a_destroyed_stream_ends_its_operations_and_the_connection) {
  auto p = std::make_unique<stream_pair>(ioc);
  std::optional<byte_stream> s(std::move(p->server));
  std::string bytes(100, ' ');
  const auto ec = std::make_shared<error_code>();
  s->async_read_some(asio::buffer(bytes), [ec](error_code e, std::size_t) { *ec = e; });
  co_await settle();
  s.reset();
  const auto end = co_await read_piece(p->client);
  BOOST_TEST((end.ec == errc::closed));
  co_await settle();
  BOOST_TEST((*ec == asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(a_handle_without_connection_and_a_tiny_message_are_refused) {
  BOOST_CHECK_THROW(byte_stream{conn()}, std::invalid_argument);
  BOOST_CHECK_THROW(byte_stream_options().max_message(3), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
