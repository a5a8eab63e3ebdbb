#include "dial/scripted_server.hpp"
#include "support/run.hpp"
#include <coax/event_source.hpp>
#include <coax/testing.hpp>

namespace coax {
namespace {

BOOST_AUTO_TEST_SUITE(event_sources)

using namespace test;
using namespace std::chrono_literals;
using sse::event_source;
using sse::event_source_options;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

COAX_CORO_TEST(events_come_in_order_and_the_stream_is_opened_again) {
  int n = 0;
  std::vector<std::string> ids;
  const scripted_server server(ioc, [&](std::shared_ptr<detail::stream> s, std::string request) -> task<> {
    ids.push_back(field(request, "Last-Event-ID"));
    const auto id = std::to_string(++n);
    co_await send(s, ok + "id: " + id + "\ndata: a" + id + "\n\ndata: b\n\ndata: lost");
    s->lower().close();
  });
  event_source es(ioc.get_executor(), server.url("http"), event_source_options().retry(1ms));
  for (int i = 1; i <= 3; ++i) {
    auto e = co_await es.next();
    BOOST_REQUIRE(e);
    BOOST_CHECK_EQUAL(e->data(), "a" + std::to_string(i));
    e = co_await es.next();
    BOOST_REQUIRE(e);
    BOOST_CHECK_EQUAL(e->data(), "b");
  }
  BOOST_CHECK((ids == std::vector<std::string>{"", "1", "2"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace coax
