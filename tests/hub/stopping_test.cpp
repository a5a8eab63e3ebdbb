// Rolling restarts: what a hub promises to those whom it sends away, and what it tells whoever watches it.
#include "http/support.hpp"
#include "hub/hub_fixture.hpp"
#include "sse/streams.hpp"
#include <coax/local_broker.hpp>
#include <coax/metrics.hpp>
#include <coax/testing_broker.hpp>

BOOST_AUTO_TEST_SUITE(stopping_)

using namespace coax;
using namespace coax::test;
using namespace std::chrono_literals;

namespace {

task<> keep_until_closed(peer p) {
  try {
    while (auto m = co_await p.next()) {
    }
  } catch (const system_error&) {
  }
}

void keep(asio::io_context& ioc, peer p) { asio::co_spawn(ioc, keep_until_closed(std::move(p)), asio::detached); }

// A client that confirms the close of its server, and hangs up.
task<> say_goodbye(far_end& end) {
  end.send('\x88', "\x03\xf4");
  co_await settle();
  end.hang_up();
}

task<> drain_into(hub& h, drain_options how, std::optional<drain_report>& report) {
  const auto at_hub = &h;
  report = co_await at_hub->drain(how);
}

}  // namespace

// The queue of a slow one, and the past that another is still reading.
COAX_CORO_TEST(what_was_published_before_a_drain_comes_before_the_close) {
  testing::virtual_clock clock;
  hub h;
  const auto kept = publish_options().history(1000);
  for (std::size_t i = 0; i != 100; ++i) h.publish_text("log", text(i), kept);
  far_end slow(ioc.get_executor()), reader(ioc.get_executor(), testing::faults().capacity(100)),
      dead(ioc.get_executor());
  membership parts[3];
  {
    peer a = co_await blocked_peer(h, slow, queue_limits());
    peer b = h.attach(reader.accept());
    peer c = co_await blocked_peer(h, dead, queue_limits(), test_options().write_stall_timeout(1h));
    parts[0] = a.join("live");
    parts[1] = b.join("log", join_options().since({}));
    parts[2] = c.join("live");
    keep(ioc, std::move(a));
    keep(ioc, std::move(b));
    keep(ioc, std::move(c));
  }
  for (std::size_t i = 0; i != 5; ++i) h.publish_text("live", text(i));
  co_await settle();

  std::optional<drain_report> report;
  const beside draining(ioc, drain_into(h, drain_options().over(1s).limit(8s).retry(0ms), report));
  co_await settle();
  for (int i = 0; i != 3; ++i) {
    clock.advance(500ms);
    co_await settle();
  }
  h.publish_text("live", "too late");
  slow.near->unstall();
  names read;
  for (int i = 0; i != 100; ++i) {
    co_await settle();
    for (auto& f : reader.frames()) read.push_back(std::move(f));
  }
  auto live = numbers(0, 5, {"primer"}), log = numbers(0, 100);
  live.push_back("close 1012");
  log.push_back("close 1012");
  COAX_CHECK_FRAMES(slow.frames(), live);
  COAX_CHECK_FRAMES(read, log);
  BOOST_TEST(!report);
  co_return;
}

COAX_CORO_TEST(a_drain_reports_who_was_flushed_and_who_was_given_up) {
  testing::virtual_clock clock;
  hub h;
  far_end good(ioc.get_executor()), dead(ioc.get_executor()), gone(ioc.get_executor());
  far_stream page(ioc);
  membership parts[2];
  {
    peer a = h.attach(good.accept());
    peer b = co_await blocked_peer(h, dead, queue_limits().stall(1h), test_options().write_stall_timeout(1h));
    parts[0] = a.join("live");
    parts[1] = b.join("live");
    keep(ioc, std::move(a));
    keep(ioc, std::move(b));
    keep(ioc, h.attach(std::move(page.stream)));
    keep(ioc, h.attach(gone.accept()));
  }
  for (std::size_t i = 0; i != 5; ++i) h.publish_text("live", text(i));
  co_await settle();

  std::optional<drain_report> report;
  const beside draining(ioc, drain_into(h, drain_options().over(0s).limit(5s).retry(0ms), report));
  co_await settle();
  clock.advance(1ms);
  co_await settle();
  COAX_CHECK_FRAMES(good.frames(), names({"0", "1", "2", "3", "4", "close 1012"}));
  co_await say_goodbye(good);
  gone.hang_up();
  BOOST_TEST(page.text().ends_with("<end>"));
  page.far->shutdown_send();
  for (int i = 0; i != 7; ++i) {
    clock.advance(1s);
    co_await settle();
  }

  BOOST_REQUIRE(report);
  BOOST_TEST(report->peers == 4u);
  BOOST_TEST(report->flushed == 2u);
  BOOST_TEST(report->given_up == 2u);
  BOOST_TEST(report->undelivered == 5u);
  BOOST_TEST(report->cut == 1u);
  BOOST_TEST(report->left == 0u);
}

COAX_CORO_TEST(a_hub_that_is_to_drain_says_so_first_and_takes_peers_until_then) {
  testing::virtual_clock clock;
  hub h;
  far_end a(ioc.get_executor()), b(ioc.get_executor()), c(ioc.get_executor());
  keep(ioc, h.attach(a.accept()));
  co_await settle();
  std::optional<drain_report> report;
  const beside draining(ioc, drain_into(h, drain_options().lead(10s).over(2s).limit(5s).retry(0ms), report));
  co_await settle();
  BOOST_CHECK(h.state() == hub_state::draining);
  clock.advance(5s);
  co_await settle();
  keep(ioc, h.attach(b.accept()));  // the load balancer has not noticed
  co_await settle();
  BOOST_TEST(a.frames().empty());
  clock.advance(4900ms);
  co_await settle();
  BOOST_TEST(a.frames().empty());
  clock.advance(200ms);
  co_await settle();
  BOOST_CHECK_EXCEPTION(h.attach(c.accept()), system_error, [](const auto& e) { return e.code() == errc::draining; });
  for (int i = 0; i != 3; ++i) {
    clock.advance(1s);
    co_await settle();
  }
  COAX_CHECK_FRAMES(a.frames(), names({"close 1012"}));
  COAX_CHECK_FRAMES(b.frames(), names({"close 1012"}));
  co_await say_goodbye(a);
  co_await say_goodbye(b);
  co_await settle();
  BOOST_REQUIRE(report);
  BOOST_TEST(report->peers == 2u);
  BOOST_TEST(report->flushed == 2u);
}

COAX_CORO_TEST(a_drain_without_peers_waits_for_its_lead) {
  testing::virtual_clock clock;
  hub h;
  std::optional<drain_report> report;
  const beside draining(ioc, drain_into(h, drain_options().lead(10s), report));
  co_await settle();
  clock.advance(9s);
  co_await settle();
  BOOST_TEST(!report);
  clock.advance(2s);
  co_await settle();
  BOOST_TEST(report.has_value());
}

// Every peer has a time of its own, and each is looked at when it has come.
COAX_CORO_TEST(a_drain_of_many_closes_them_over_the_window) {
  testing::virtual_clock clock;
  constexpr std::size_t count = 500;
  hub h;
  std::vector<std::unique_ptr<far_end>> ends;
  for (std::size_t i = 0; i != count; ++i) {
    ends.push_back(std::make_unique<far_end>(ioc.get_executor()));
    keep(ioc, h.attach(ends.back()->accept()));
  }
  co_await settle();
  std::optional<drain_report> report;
  const beside draining(ioc, drain_into(h, drain_options().over(10s).limit(60s), report));
  co_await settle();
  std::vector<std::size_t> in_second;
  for (int second = 0; second != 10; ++second) {
    for (int step = 0; step != 10; ++step) {
      clock.advance(100ms);
      co_await settle(8);
    }
    std::size_t n = 0;
    for (auto& e : ends)
      for (const auto& f : e->frames()) {
        n += f.starts_with("close 1012");
        e->send('\x88', "\x03\xf4");
        e->hang_up();
      }
    in_second.push_back(n);
  }
  co_await settle();
  // 50 are expected in each, with a deviation of 7.
  for (const auto n : in_second) BOOST_TEST((n > 10u && n < 110u));
  BOOST_REQUIRE(report);
  BOOST_TEST(report->flushed == count);
}

COAX_SCENARIO_TEST(a_stream_of_a_server_that_goes_down_is_told_when_to_come_back) {
  far_stream far(ioc);
  far.core->go_away();
  co_await settle();
  const auto text = far.text();
  BOOST_REQUIRE(text.starts_with("retry: "));
  const auto after = std::atoi(text.c_str() + 7);
  BOOST_TEST((after >= 1000 && after <= 5000));
  BOOST_TEST(text.ends_with("\n\n<end>"));
}

namespace {

task<std::string> ask_readyz(std::uint16_t port) {
  const auto ex = co_await asio::this_coro::executor;
  asio::io_context& ioc = static_cast<asio::io_context&>(ex.target<asio::io_context::executor_type>()->context());
  raw_client c(ioc, port);
  const auto alive = co_await c.ask(get("/livez"));
  BOOST_TEST(alive.status == 200u);
  const auto r = co_await c.ask(get("/readyz"));
  co_return std::to_string(r.status) + " " + r.body;
}

}  // namespace

COAX_CORO_TEST(readyz_tells_the_truth_through_a_server) {
  const auto broker = std::make_shared<testing::faulty_broker>(ioc.get_executor(), local_broker());
  broker->disconnect();
  hub h(hub_options().broker(broker));
  std::stop_source gone;
  const auto leave = [&]() -> task<> {
    const auto how = drain_options().lead(1h);
    const auto canceled = co_await thrown<system_error>(h.drain(how, gone.get_token()));
    BOOST_TEST(canceled.has_value());
  };
  running_server s(ioc, server_options().on_stop(leave));
  s.srv.get("/livez", livez()).get("/readyz", readyz(h));
  s.srv.get("/metrics", [&h](exchange& x, context) -> task<> {
    auto text = prometheus_text(h.stats(), h.topics());
    co_await x.respond(200, std::string(prometheus_type), std::move(text));
  });
  s.start();
  const auto port = s.srv.port();

  const auto starting = co_await ask_readyz(port);
  broker->reconnect();
  co_await settle();
  const auto ready = co_await ask_readyz(port);
  broker->disconnect();
  const auto deaf = co_await ask_readyz(port);
  broker->reconnect();
  co_await settle();
  raw_client c(ioc, port);
  const auto metrics = co_await c.ask(get("/metrics"));
  s.source.request_stop();
  co_await settle();
  // It still listens: whoever asks learns that it is going.
  const auto draining = co_await ask_readyz(port);
  gone.request_stop();
  co_await s.ended();

  BOOST_TEST(starting == "503 deaf to the broker\n");
  BOOST_TEST(ready == "200 ready\n");
  BOOST_TEST(deaf == "503 deaf to the broker\n");
  BOOST_TEST(draining == "503 draining\n");
  BOOST_TEST(metrics.status == 200u);
  BOOST_TEST(metrics.header("Content-Type") == std::string(prometheus_type));
  BOOST_TEST(metrics.body.find("\ncoax_hub_peers 0\n") != std::string::npos);
}

COAX_CORO_TEST(a_server_stops_though_its_hook_throws) {
  const auto fails = []() -> task<> {
    throw std::runtime_error("on purpose");
    co_return;
  };
  running_server s(ioc, server_options().on_stop(fails));
  s.start();
  co_await s.stop();
  BOOST_TEST(s.logged("on_stop: on purpose", log_level::error) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
