/// What holds for every transport.
#include "io/links.hpp"
#include "io/stream.hpp"
#include "support/run.hpp"
#include <coax/stream_transport.hpp>

#include <boost/asio/ssl/error.hpp>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <random>
#include <string>

namespace coax {
namespace {

using namespace test;
using detail::stream;
using stream_ptr = std::shared_ptr<stream>;

std::string random_bytes(std::size_t n, unsigned seed) {
  std::minstd_rand random(seed);
  std::string s(n, '\0');
  for (auto& c : s) c = static_cast<char>(random() >> 8);
  return s;
}

task<> send_in_pieces(stream_ptr s, std::string data, unsigned seed) {
  std::minstd_rand random(seed);
  for (std::size_t at = 0; at < data.size();) {
    std::vector<asio::const_buffer> pieces;
    for (auto n = 1 + random() % 5; n > 0 && at < data.size(); --n) {
      const auto size = std::min<std::size_t>(random() % (1u << (random() % 18)), data.size() - at);
      pieces.emplace_back(data.data() + at, size);
      at += size;
    }
    const std::span<const asio::const_buffer> gather(pieces);
    const error_code ec = co_await s->write(gather, context());
    BOOST_REQUIRE_EQUAL(ec, error_code());
  }
}

task<> receive(stream_ptr s, std::string expected, unsigned seed) {
  std::minstd_rand random(seed);
  std::string got;
  std::string buffer(70'000, '\0');
  while (got.size() < expected.size()) {
    const auto most = std::min<std::size_t>(1 + random() % buffer.size(), expected.size() - got.size());
    const auto n = co_await s->read_some(asio::buffer(buffer, most), context());
    BOOST_REQUIRE_EQUAL(n.has_error() ? n.error() : error_code(), error_code());
    got.append(buffer, 0, *n);
  }
  BOOST_CHECK(got == expected);
}

task<error_code> receive_end(stream_ptr s) {
  char c;
  const auto n = co_await s->read_some(asio::buffer(&c, 1), context());
  co_return n.has_error() ? n.error() : error_code();
}

std::pair<stream_ptr, stream_ptr> streams(const link& l) { return {stream::create(l.first), stream::create(l.second)}; }

BOOST_AUTO_TEST_SUITE(every_transport)

BOOST_DATA_TEST_CASE(carries_bytes_both_ways_at_once, link_kinds(), kind) {
  const auto make = kind.make;
  const std::size_t size = kind.slow ? 20'000 : 1'000'000;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto [a, b] = streams(l);
    const auto up = random_bytes(size, 1);
    const auto down = random_bytes(size, 2);

    co_await all(receive(b, up, 3), receive(a, down, 4), send_in_pieces(a, up, 5), send_in_pieces(b, down, 6));
  });
}

BOOST_DATA_TEST_CASE(can_end_one_direction_and_go_on_with_the_other, link_kinds(), kind) {
  // Asio's TLS cannot: its shutdown waits for the other side's.
  if (std::string_view(kind.name) == "asio::ssl::stream") return;
  const auto make = kind.make;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto [a, b] = streams(l);
    const auto data = random_bytes(50'000, 1);

    // More than one write can take, so that the end has to queue behind it.
    co_await all(send_in_pieces(a, data, 2), receive(b, data, 3));
    a->lower().shutdown_send();
    const auto end_of_a = co_await receive_end(b);
    co_await all(send_in_pieces(b, data, 4), receive(a, data, 5));
    b->lower().shutdown_send();
    const auto end_of_b = co_await receive_end(a);

    BOOST_CHECK_EQUAL(end_of_a, error_code(asio::error::eof));
    BOOST_CHECK_EQUAL(end_of_b, error_code(asio::error::eof));
  });
}

BOOST_DATA_TEST_CASE(tells_an_abrupt_end_from_an_orderly_one, link_kinds(), kind) {
  const auto make = kind.make;
  const bool tls = kind.tls;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto [a, b] = streams(l);

    // The server: at the client of TLS 1.3 lie unread session tickets, for which TCP would send a reset.
    b->lower().close();
    const auto end = co_await receive_end(a);

    BOOST_CHECK_EQUAL(end, tls ? error_code(asio::ssl::error::stream_truncated) : error_code(asio::error::eof));
  });
}

task<> read_and_give_up(stream_ptr s, std::string expected, int* gave_up) {
  std::string got;
  char buffer[64];
  while (got.size() < expected.size()) {
    // A stop that is posted first comes before, with or behind the bytes.
    std::stop_source stop;
    asio::post(s->executor(), [stop]() mutable { stop.request_stop(); });
    const auto n = co_await s->read_some(asio::buffer(buffer), context(stop.get_token()));
    if (n)
      got.append(buffer, *n);
    else if (n.error() == errc::canceled)
      ++*gave_up;
    else
      BOOST_FAIL(n.error().message());
  }
  BOOST_CHECK(got == expected);
}

task<> trickle(stream_ptr s, std::string data) {
  for (std::size_t at = 0; at < data.size(); at += 100) {
    const asio::const_buffer piece(data.data() + at, std::min<std::size_t>(100, data.size() - at));
    const error_code ec = co_await s->write(piece, context());
    BOOST_REQUIRE_EQUAL(ec, error_code());
    co_await settle(6);
  }
}

BOOST_DATA_TEST_CASE(loses_nothing_when_reads_are_given_up, link_kinds(), kind) {
  const auto make = kind.make;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto [a, b] = streams(l);
    const auto data = random_bytes(50'000, 1);
    int gave_up = 0;

    co_await all(read_and_give_up(b, data, &gave_up), trickle(a, data));

    BOOST_CHECK_GT(gave_up, 500);
  });
}

struct count_ready final : transport::observer {
  void on_ready(transport::direction) override { ++count; }
  int count = 0;
};

BOOST_DATA_TEST_CASE(ends_its_waits_silently_when_closed, link_kinds(), kind) {
  const auto make = kind.make;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto observer = std::make_shared<count_ready>();
    l.first->observe(observer);

    l.first->wait(transport::direction::read);
    l.first->wait(transport::direction::write);
    l.first->close();
    l.first->wait(transport::direction::read);
    co_await settle();

    BOOST_CHECK_EQUAL(observer->count, 0);
    char c;
    error_code ec;
    l.first->read_some(asio::buffer(&c, 1), ec);
    BOOST_CHECK_EQUAL(ec, error_code(asio::error::bad_descriptor));
  });
}

BOOST_DATA_TEST_CASE(waits_once_however_often_it_is_told, link_kinds(), kind) {
  const auto make = kind.make;
  run([=](asio::io_context& ioc) -> task<> {
    const auto l = co_await make(ioc);
    const auto observer = std::make_shared<count_ready>();
    l.first->observe(observer);

    for (int i = 0; i < 5; ++i) l.first->wait(transport::direction::write);
    co_await settle();

    BOOST_CHECK_EQUAL(observer->count, 1);
  });
}

BOOST_DATA_TEST_CASE(dies_with_its_io_context, link_kinds(), kind) {
  const auto make = kind.make;
  asio::io_context ioc;
  run(ioc, [=](asio::io_context& c) -> task<> {
    const auto l = co_await make(c);
    const auto [a, b] = streams(l);
    asio::co_spawn(c, receive(a, "x", 1), asio::detached);
    asio::co_spawn(c, receive(b, "x", 1), asio::detached);
    co_await settle();
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_socket_transport_names_its_ends) {
  asio::io_context ioc;
  auto s = tcp_pair(ioc.get_executor());
  const auto port = std::to_string(s.second.local_endpoint().port());
  const auto t = make_transport(std::move(s.first));

  BOOST_CHECK_EQUAL(t->remote_endpoint(), "127.0.0.1:" + port);
  BOOST_CHECK(t->local_endpoint().starts_with("127.0.0.1:"));
  BOOST_CHECK(!t->secure());
  t->close();
  BOOST_CHECK_EQUAL(t->remote_endpoint(), "");
}

BOOST_AUTO_TEST_CASE(dropping_a_socket_transport_closes_the_socket_although_it_waits) {
  run([](asio::io_context& ioc) -> task<> {
    auto s = tcp_pair(ioc.get_executor());
    auto a = make_transport(std::move(s.first));
    const auto b = stream::create(make_transport(std::move(s.second)));

    a->wait(transport::direction::read);
    a.reset();
    const auto end = co_await receive_end(b);

    BOOST_CHECK_EQUAL(end, error_code(asio::error::eof));
  });
}

}  // namespace
}  // namespace coax
