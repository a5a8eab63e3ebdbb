#include "sse/event_site.hpp"

#include <boost/asio/error.hpp>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_sources)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_change;
using sse::ready_state;

COAX_SCENARIO_TEST(a_stream_that_ends_is_opened_again_with_the_last_id) {
  const event_site site(ioc, [](stream_ptr s, std::string, int n) -> task<> {
    const auto id = std::to_string(n);
    co_await send_and_end(s, ok + "id: " + id + "\ndata: a" + id + "\n\ndata: b\n\nid: never\ndata: cut");
  });
  event_source es(ioc.get_executor(), "http://h/", site.options());
  for (int i = 1; i <= 3; ++i) {
    const auto first = co_await next_data(es);
    const auto second = co_await next_data(es);
    BOOST_CHECK_EQUAL(first, "a" + std::to_string(i));
    BOOST_CHECK_EQUAL(second, "b");
    BOOST_CHECK_EQUAL(es.last_event_id(), std::to_string(i));
    BOOST_CHECK_EQUAL(field(site.requests().back(), "Last-Event-ID"), i == 1 ? "" : std::to_string(i - 1));
  }
}

COAX_SCENARIO_TEST(ids_are_remembered_as_the_standard_says) {
  struct row {
    const char* stream;
    const char* sent;  // with the next request
  };
  static const row rows[] = {
      {"id: 1\ndata: x\n\n", "1"},
      {"id: 1\n\n", "1"},
      {"id: 1\n", ""},
      {"id: 1\ndata: x\n", ""},
      {"id: 1\ndata: x\n\nid: 2\n", "1"},
      {"id: 1\ndata: x\n\nid: 2\n\n", "2"},
      {"id: 1\ndata: x\n\nid\ndata: y\n\n", ""},
      {"id: \xc3\xa9 \xf0\x9f\x8c\x8d\ndata: x\n\n", "\xc3\xa9 \xf0\x9f\x8c\x8d"},
      {"id: 1\ndata: x\n\ndata: y\n\n", "1"},
  };
  for (const auto& r : rows) {
    const event_site site(ioc, says({ok + r.stream, ok + "data: end\n\n"}));
    event_source es(ioc.get_executor(), "http://h/", site.options());
    std::string data;
    while (data != "end") data = co_await next_data(es);
    BOOST_CHECK_EQUAL(site.requests().size(), 2u);
    BOOST_CHECK_EQUAL(field(site.requests().back(), "Last-Event-ID"), r.sent);
    BOOST_CHECK_EQUAL(es.last_event_id(), r.sent);
  }
}

COAX_SCENARIO_TEST(an_id_with_nul_is_not_one) {
  const event_site site(ioc,
                        says({ok + std::string("id: 1\ndata: x\n\nid: 2\0 3\ndata: y\n\n", 33), ok + "data: z\n\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options().last_event_id("seed"));
  for (int i = 0; i < 3; ++i) co_await next_data(es);
  BOOST_CHECK_EQUAL(field(site.requests()[0], "Last-Event-ID"), "seed");
  BOOST_CHECK_EQUAL(field(site.requests()[1], "Last-Event-ID"), "1");
}

COAX_SCENARIO_TEST(a_204_ends_it_for_good) {
  const event_site site(ioc, says({ok + "data: x\n\n", "HTTP/1.1 204 No Content\r\n\r\n"}));
  std::vector<event_source_change> changes;
  auto options = site.options().on_change([&](const event_source_change& c) { changes.push_back(c); });
  event_source es(ioc.get_executor(), "http://h/x?y", options);
  BOOST_CHECK(es.ready_state() == ready_state::connecting);
  const auto first = co_await next_data(es);
  BOOST_CHECK_EQUAL(first, "x");
  BOOST_CHECK(es.ready_state() == ready_state::open);
  const auto second = co_await next_data(es);
  const auto third = co_await next_data(es);
  BOOST_CHECK_EQUAL(second, "(end)");
  BOOST_CHECK_EQUAL(third, "(end)");
  BOOST_CHECK(es.ready_state() == ready_state::closed);
  BOOST_CHECK_EQUAL(site.connections(), 2);

  using kind = event_source_change::kind;
  BOOST_REQUIRE_EQUAL(changes.size(), 3u);
  BOOST_CHECK(changes[0].what == kind::opened && changes[0].text == "http://h/x?y" && changes[0].status == 200);
  BOOST_CHECK(changes[1].what == kind::failed && changes[1].error == asio::error::eof && changes[1].delay == 0ns);
  BOOST_CHECK(changes[2].what == kind::closed && changes[2].status == 204 && !changes[2].error);
  const auto stats = es.stats();
  BOOST_CHECK_EQUAL(stats.events, 1u);
  BOOST_CHECK_EQUAL(stats.streams, 1u);
  BOOST_CHECK_EQUAL(stats.failures, 1u);
  BOOST_CHECK_EQUAL(stats.bytes_received, 9u);
  BOOST_CHECK_EQUAL(es.url(), "http://h/x?y");
}

// Where `next` is when `close` comes.
enum class stage { connecting, reading, waiting };

COAX_SCENARIO_TEST(close_ends_a_next_wherever_it_is) {
  for (const auto at : {stage::connecting, stage::reading, stage::waiting}) {
    const event_site site(ioc, [at](stream_ptr s, std::string, int) -> task<> {
      if (at == stage::reading) co_await send(s, ok + "data: half");
      if (at == stage::waiting) co_await send_and_end(s, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
      co_await wait_for_end(s);
    });
    event_source es(ioc.get_executor(), "http://h/", site.options().retry(1h));
    std::string got;
    auto reader = [&]() -> task<> { got = co_await next_data(es); };
    auto closer = [&]() -> task<> {
      co_await settle();
      es.close();
    };
    co_await all(reader(), closer());
    BOOST_CHECK_EQUAL(got, "(end)");
    BOOST_CHECK(es.ready_state() == ready_state::closed);
    BOOST_CHECK_EQUAL(site.connections(), 1);
  }
}

COAX_SCENARIO_TEST(a_source_that_goes_lets_its_reader_go) {
  const event_site site(ioc, [](stream_ptr s, std::string, int) -> task<> {
    co_await send(s, ok);
    co_await wait_for_end(s);
  });
  auto es = std::make_unique<event_source>(ioc.get_executor(), "http://h/", site.options());
  std::string got;
  auto reader = [&]() -> task<> { got = co_await next_data(*es); };
  auto end = [&]() -> task<> {
    co_await settle();
    es.reset();
  };
  co_await all(reader(), end());
  BOOST_CHECK_EQUAL(got, "(end)");
}

COAX_SCENARIO_TEST(a_second_next_is_refused_and_the_first_one_left_alone) {
  const event_site site(ioc, [](stream_ptr s, std::string, int) -> task<> {
    co_await settle();
    co_await send(s, ok + "data: x\n\n");
    co_await wait_for_end(s);
  });
  event_source es(ioc.get_executor(), "http://h/", site.options());
  std::string got;
  error_code second;
  auto first_reader = [&]() -> task<> { got = co_await next_data(es); };
  auto second_reader = [&]() -> task<> {
    co_await settle(2);
    BOOST_CHECK(!es.try_next());
    second = co_await next_failure(es);
  };
  co_await all(first_reader(), second_reader());
  BOOST_CHECK(second == errc::concurrent_read);
  BOOST_CHECK_EQUAL(got, "x");
}

COAX_SCENARIO_TEST(try_next_takes_what_has_come) {
  const event_site site(ioc, [](stream_ptr s, std::string, int) -> task<> {
    co_await send(s, ok + "data: 1\n\ndata: 2\n\ndata: 3\n");
    co_await settle();
    co_await send(s, "\n");
    co_await wait_for_end(s);
  });
  event_source es(ioc.get_executor(), "http://h/", site.options());
  BOOST_CHECK(!es.try_next());
  BOOST_CHECK_EQUAL(site.connections(), 0);
  const auto first = co_await next_data(es);
  BOOST_CHECK_EQUAL(first, "1");
  auto e = es.try_next();
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->data(), "2");
  BOOST_CHECK(!es.try_next());
  co_await settle(40);
  e = es.try_next();
  BOOST_REQUIRE(e);
  BOOST_CHECK_EQUAL(e->data(), "3");
}

COAX_CORO_TEST(nothing_is_read_ahead_of_the_caller_but_a_buffer) {
  std::shared_ptr<testing::memory_end> server;
  const event_site site(ioc, [&](stream_ptr s, std::string, int) -> task<> {
    server = std::static_pointer_cast<testing::memory_end>(s->lower().shared_from_this());
    std::string much = ok;
    for (int i = 0; i < 100'000; ++i) much += "data: 0123456789\n\n";
    co_await send(s, much);
    co_await wait_for_end(s);
  });
  event_source es(ioc.get_executor(), "http://h/", site.options());
  co_await next_data(es);
  co_await settle(100);
  // The pipe holds 64 KiB, the source its two buffers.
  BOOST_CHECK_LE(server->bytes_written(), 3u * 64 * 1024 + 4096);
  for (int i = 0; i < 20'000; ++i) co_await next_data(es);
  BOOST_CHECK_GE(server->bytes_written(), 20'000u * 18);
  server.reset();
}

COAX_SCENARIO_TEST(an_event_above_the_limit_ends_it) {
  const event_site site(ioc, says({ok + "data: small\n\ndata: 0123456789\n\ndata: x\n\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options().event_limit(8));
  const auto first = co_await next_data(es);
  BOOST_CHECK_EQUAL(first, "small");
  std::string text;
  for (int i = 0; i < 2; ++i) {
    const auto ec = co_await next_failure(es, {}, &text);
    BOOST_CHECK(ec == errc::message_too_big);
    BOOST_CHECK(text.starts_with("event_source: http://h/: "));
  }
  BOOST_CHECK(es.ready_state() == ready_state::closed);
  BOOST_CHECK_EQUAL(site.connections(), 1);
}

COAX_SCENARIO_TEST(a_line_above_the_limit_ends_it) {
  const event_site site(ioc, says({ok + ": a comment that is long\n"}));
  event_source es(ioc.get_executor(), "http://h/", site.options().line_limit(8));
  const auto ec = co_await next_failure(es);
  BOOST_CHECK(ec == errc::message_too_big);
}

COAX_SCENARIO_TEST(a_hook_may_close) {
  const event_site site(ioc, says({ok + "data: x\n\n"}));
  std::unique_ptr<event_source> es;
  auto options = site.options().on_change([&es](const event_source_change& c) {
    if (c.what == event_source_change::kind::failed) es->close();
  });
  es = std::make_unique<event_source>(ioc.get_executor(), "http://h/", options);
  const auto first = co_await next_data(*es);
  const auto second = co_await next_data(*es);
  BOOST_CHECK_EQUAL(first, "x");
  BOOST_CHECK_EQUAL(second, "(end)");
}

COAX_CORO_TEST(comments_alone_do_not_keep_the_executor_for_themselves) {
  const event_site site(ioc, [](stream_ptr s, std::string, int) -> task<> {
    co_await send(s, ok);
    const std::string comments(256 * 1024, '\n');
    for (int i = 0; i < 12; ++i) co_await send(s, comments);
    co_await send(s, "data: x\n\n");
    co_await wait_for_end(s);
  });
  event_source es(ioc.get_executor(), "http://h/", site.options());
  const auto got = co_await next_data(es);
  BOOST_CHECK_EQUAL(got, "x");
}

BOOST_AUTO_TEST_CASE(a_url_that_cannot_be_dialled_is_refused_at_once) {
  asio::io_context ioc;
  for (const auto* url : {"ws://h/", "wss://h/", "ftp://h/", "h", "", "http://", "ws+unix:///a", "http://me:pw@/"}) {
    try {
      const event_source es(ioc.get_executor(), url);
      BOOST_ERROR(url << " was taken");
    } catch (const system_error& e) {
      BOOST_CHECK(e.code() == errc::bad_url);
      BOOST_CHECK(std::string_view(e.what()).starts_with("event_source: the URL "));
    }
  }
  const auto options = sse::event_source_options().ca_file("/nowhere/ca.pem");
  BOOST_CHECK_THROW(event_source(ioc.get_executor(), "https://h/", options), system_error);
  const event_source es(ioc.get_executor(), "http://me:pw@h:81/a?b#c");
  BOOST_CHECK_EQUAL(es.url(), "http://h:81/a?b");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
