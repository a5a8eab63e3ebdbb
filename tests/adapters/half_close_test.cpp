#include "adapters/byte_streams.hpp"

BOOST_AUTO_TEST_SUITE(half_close)

using namespace coax;
using namespace coax::test;

COAX_SCENARIO_TEST(one_direction_ends_and_the_other_goes_on) {
  stream_pair p(ioc);
  co_await send_all(p.client, "question");
  p.client.close_write();
  const auto question = co_await receive_all(p.server);
  BOOST_TEST(question == "question");

  co_await send_all(p.server, "the ");
  co_await send_all(p.server, "answer");
  const auto first = co_await receive(p.client, 10);
  BOOST_TEST(first == "the answer");
  p.server.close_write();
  const auto end = co_await read_piece(p.client);
  BOOST_TEST((end.ec == asio::error::eof));

  const auto a = co_await shut_down(p.client);
  const auto b = co_await shut_down(p.server);
  BOOST_TEST(!a, a.message());
  BOOST_TEST(!b, b.message());
  for (auto* s : {&p.client, &p.server}) {
    BOOST_TEST(s->connection().closed().clean);
    BOOST_TEST((s->connection().closed().status == status::normal));
  }
}

COAX_SCENARIO_TEST(both_may_end_at_the_same_time) {
  stream_pair p(ioc);
  co_await send_all(p.client, "a");
  co_await send_all(p.server, "b");
  p.client.close_write();
  p.server.close_write();
  const auto b = co_await receive_all(p.client);
  const auto a = co_await receive_all(p.server);
  BOOST_TEST(a == "a");
  BOOST_TEST(b == "b");
  const auto ec = co_await shut_down(p.client);
  BOOST_TEST(!ec, ec.message());
  BOOST_TEST(p.client.connection().closed().clean);
}

COAX_CORO_TEST(a_lot_may_follow_the_end_of_the_other_side) {
  stream_pair p(ioc, {}, testing::faults().capacity(5000));
  p.client.close_write();
  const auto bytes = pattern(2'000'000);
  auto send = [&]() -> task<> {
    const auto end = co_await read_piece(p.server);
    BOOST_TEST((end.ec == asio::error::eof));
    const auto ec = co_await send_all(p.server, bytes);
    BOOST_TEST(!ec);
    const auto over = co_await shut_down(p.server);
    BOOST_TEST(!over, over.message());
  };
  const auto sender = beside(ioc.get_executor(), send);
  const auto got = co_await receive_all(p.client);
  BOOST_TEST((got == bytes));
  while (!*sender) co_await settle(1);
  BOOST_TEST(p.server.connection().closed().clean);
}

COAX_SCENARIO_TEST(it_is_a_close_frame_with_a_reason_and_an_ordinary_peer_may_answer_at_once) {
  scripted p(ioc, protocol::role::client);
  byte_stream s(std::move(p.ours));
  co_await send_all(s, "x");
  s.close_write();
  const auto data = co_await p.receive();
  const auto close = co_await p.receive();
  BOOST_TEST(data->payload == "x");
  BOOST_TEST((close->head.op == protocol::opcode::close));
  BOOST_TEST(close->status() == 1000u);
  BOOST_TEST(close->payload.substr(2) == "half-close");

  co_await p.send(p.frame(protocol::opcode::binary, "on the way") + p.close_frame(1000));
  const auto got = co_await receive_all(s);
  BOOST_TEST(got == "on the way");
  p.shut();
  const auto ec = co_await shut_down(s);
  BOOST_TEST(!ec, ec.message());
}

COAX_SCENARIO_TEST(a_peer_that_answers_with_another_status_has_failed) {
  scripted p(ioc, protocol::role::client);
  byte_stream s(std::move(p.ours));
  s.close_write();
  co_await p.receive();
  co_await p.send(p.close_frame(1014, "nothing here"));
  const auto end = co_await read_piece(s);
  BOOST_TEST((end.ec == errc::closed));
  BOOST_TEST((s.connection().closed().status == status::bad_gateway));
  BOOST_TEST((s.connection().closed().initiator == close_initiator::remote));
}

COAX_SCENARIO_TEST(an_ordinary_close_is_answered_at_once) {
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  co_await p.send(p.close_frame(1000));
  const auto end = co_await read_piece(s);
  BOOST_TEST((end.ec == asio::error::eof));
  const auto answer = co_await p.receive();
  BOOST_TEST((answer->head.op == protocol::opcode::close));
  const auto ec = co_await send_all(s, "too late");
  BOOST_TEST((ec == errc::closed));
}

COAX_SCENARIO_TEST(nothing_is_written_behind_the_end) {
  stream_pair p(ioc);
  p.client.close_write();
  p.client.close_write();
  const auto ec = co_await send_all(p.client, "x");
  BOOST_TEST((ec == errc::closed));
}

COAX_SCENARIO_TEST(pings_are_answered_in_both_directions_after_a_half_close) {
  stream_pair p(ioc);
  p.client.close_write();
  const auto end = co_await read_piece(p.server);
  BOOST_TEST((end.ec == asio::error::eof));
  piece got;
  auto read = [&]() -> task<> { got = co_await read_piece(p.client); };
  const auto reading = beside(ioc.get_executor(), read);
  co_await p.server.connection().ping();
  co_await send_all(p.server, "x");
  while (!*reading) co_await settle(1);
  BOOST_TEST(got.bytes == "x");
}

COAX_SCENARIO_TEST(a_peer_that_goes_on_writing_behind_its_end_is_refused) {
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  co_await p.send(p.close_frame(1000, "half-close"));
  const auto end = co_await read_piece(s);
  BOOST_TEST((end.ec == asio::error::eof));
  co_await p.send(p.frame(protocol::opcode::binary, "x"));
  const auto f = co_await p.receive();
  BOOST_TEST(f->status() == 1002u);
}

COAX_CORO_TEST(a_peer_that_dies_half_closed_is_noticed) {
  testing::virtual_clock clock;
  scripted p(ioc, protocol::role::server);
  byte_stream s(std::move(p.ours));
  co_await p.send(p.close_frame(1000, "half-close"));
  const auto end = co_await read_piece(s);
  BOOST_TEST((end.ec == asio::error::eof));
  for (int i = 0; i < 10 && s.connection().closed().initiator == close_initiator::none; ++i) {
    clock.advance(10s);
    co_await settle();
  }
  BOOST_TEST((s.connection().closed().error == errc::peer_timeout));
}

COAX_CORO_TEST(a_stream_that_is_dropped_after_its_end_closes_in_the_background) {
  scripted p(ioc, protocol::role::client);
  {
    byte_stream s(std::move(p.ours));
    s.close_write();
    co_await settle();
  }
  const auto close = co_await p.receive();
  BOOST_TEST(close->status() == 1000u);
  co_await p.send(p.close_frame(1000));
  p.shut();
  const auto end = co_await p.receive();
  BOOST_TEST(!end);
}

COAX_SCENARIO_TEST(a_conn_answers_a_half_close_as_any_close) {
  peers p(ioc);
  byte_stream s(std::move(p.client));
  s.close_write();
  const auto m = co_await p.server.next();
  BOOST_TEST(!m);
  const auto end = co_await read_piece(s);
  BOOST_TEST((end.ec == asio::error::eof));
}

BOOST_AUTO_TEST_SUITE_END()
