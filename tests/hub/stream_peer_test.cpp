// Peers that are streams of server-sent events, alone and together with WebSockets.
#include "hub/hub_fixture.hpp"
#include "sse/streams.hpp"

namespace coax::test {
namespace {

// "tick 42" for an event of type tick with the data 42, or its id by `id_of`.
names events_in(const std::string& text) {
  names list;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find("\n\n", begin), text.size());
    const auto block = text.substr(begin, end - begin);
    const auto field = [&block](const std::string& name) {
      const auto at = block.find(name + ": ");
      if (at == std::string::npos) return std::string();
      const auto from = at + name.size() + 2;
      return block.substr(from, block.find('\n', from) - from);
    };
    const auto type = field("event"), data = field("data");
    if (!data.empty()) list.push_back(type.empty() ? data : type + " " + data);
    begin = end + 2;
  }
  return list;
}

std::string last_id(const std::string& text) {
  const auto at = text.rfind("id: ");
  return at == std::string::npos ? std::string() : text.substr(at + 4, text.find('\n', at) - at - 4);
}

publish_options kept() { return publish_options().event_type("tick").history(100); }

COAX_SCENARIO_TEST(streams_and_websockets_hear_the_same_topic) {
  hub h;
  far_stream far(ioc);
  far_end ws(ioc.get_executor());
  peer page = h.attach(std::move(far.stream));
  peer other = h.attach(ws.accept());
  const auto joined = page.join("prices"), also = other.join("prices");
  for (const auto* text : {"1", "2"}) h.publish_text("prices", text, kept());
  const std::string binary("\x00\xff", 2);
  h.publish("prices", message_kind::binary, asio::buffer(binary));
  page.send_text("for the page");
  co_await settle();
  BOOST_TEST((events_in(far.text()) == names{"tick 1", "tick 2", "AP8=", "for the page"}));
  BOOST_TEST((ws.frames() == names{"1", "2", std::string("\x00\xff", 2)}));
  BOOST_TEST(h.stats().delivered == 7u);
}

COAX_SCENARIO_TEST(a_page_that_comes_back_gets_what_it_has_missed) {
  hub h;
  std::string id;
  {
    far_stream far(ioc);
    peer page = h.attach(std::move(far.stream));
    const auto joined = page.join("prices");
    h.publish_text("prices", "1", kept());
    co_await settle();
    id = last_id(far.text());
  }
  h.publish_text("prices", "2", kept());
  h.publish_text("prices", "3", kept());
  const auto since = position::from_token(id);
  BOOST_REQUIRE(since);
  far_stream far(ioc);
  peer page = h.attach(std::move(far.stream));
  auto joined = page.join("prices", join_options().since(*since));
  co_await settle();
  h.publish_text("prices", "4", kept());
  co_await settle();
  const auto whole = co_await joined.recovered();
  BOOST_TEST(whole);
  BOOST_TEST((events_in(far.text()) == names{"tick 2", "tick 3", "tick 4"}));
}

COAX_SCENARIO_TEST(a_page_is_told_that_its_history_is_gone) {
  hub h;
  far_stream far(ioc);
  peer page = h.attach(std::move(far.stream));
  auto joined = page.join("prices", join_options().since(position("another", 7, 7)));
  h.publish_text("prices", "1", kept());
  co_await settle();
  const auto whole = co_await joined.recovered();
  BOOST_TEST(!whole);
  const auto told = events_in(far.text());
  BOOST_REQUIRE(told.size() == 2u);
  BOOST_TEST(told[0] == "reset {\"type\":\"reset\",\"topic\":\"prices\"}");
  BOOST_TEST(told[1] == "tick 1");
}

COAX_SCENARIO_TEST(next_waits_for_the_end_of_a_stream) {
  hub h;
  far_stream far(ioc);
  peer page = h.attach(std::move(far.stream));
  const auto joined = page.join("prices");
  bool over = false;
  const beside waiting(ioc, [&]() -> task<> {
    const auto m = co_await page.next();
    over = !m;
  });
  co_await settle();
  BOOST_TEST(!over);
  far.far->shutdown_send();  // the client goes
  co_await settle();
  BOOST_TEST(over);
  BOOST_TEST(waiting.ended());
  BOOST_TEST(h.publish_text("prices", "nobody") == 0u);
}

COAX_CORO_TEST(a_stopped_next_leaves_the_stream) {
  hub h;
  far_stream far(ioc);
  peer page = h.attach(std::move(far.stream));
  const auto joined = page.join("prices");
  std::stop_source stop;
  stop.request_stop();
  error_code seen;
  try {
    const auto m = co_await page.next(stop.get_token());
  } catch (const system_error& e) {
    seen = e.code();
  }
  BOOST_TEST((seen == errc::canceled));
  h.publish_text("prices", "1");
  co_await settle();
  BOOST_TEST((events_in(far.text()) == names{"1"}));
}

COAX_SCENARIO_TEST(a_kicked_stream_ends) {
  hub h;
  far_stream far(ioc);
  peer page = h.attach(std::move(far.stream), peer_options().user("ada"));
  const auto joined = page.join("prices");
  BOOST_TEST(h.kick(selector::user("ada")) == 1u);
  co_await settle();
  far.far->shutdown_send();
  const auto m = co_await page.next();
  BOOST_TEST(!m);
  BOOST_TEST(far.text().ends_with("<end>"));
}

}  // namespace
}  // namespace coax::test
