// Peers that end, or are cut off, at every stage of a connection.

#include "conformance/echo_site.hpp"

#include <boost/asio/error.hpp>

BOOST_AUTO_TEST_SUITE(peers_that_end)

using namespace coax;
using namespace coax::test;

namespace {

enum class cut : unsigned char { end, reset };

// Whether a handler has a WebSocket at that stage, and whether it can have seen a close frame.
enum class seen : unsigned char { nothing, no_close, perhaps };

struct stage {
  stage(const char* n, seen s, std::vector<std::string> b, const char* p = "/ws")
      : name(n), what(s), sent(std::move(b)), path(p) {}
  const char* name;
  seen what;
  std::vector<std::string> sent;  // first in place of the request where it is not empty, then behind the 101
  const char* path;
};

// Of 64 KiB at least.
std::string large_frame(std::size_t size) {
  std::string f = "\x82\xff";
  for (int shift = 56; shift >= 0; shift -= 8) f += static_cast<char>(size >> shift & 0xff);
  return f + std::string(4 + size, '\0');
}

const std::vector<stage>& stages() {
  static const std::vector<stage> all{
      {"before the request", seen::nothing, {}},
      {"inside the request line", seen::nothing, {"GET /w"}},
      {"inside the fields", seen::nothing, {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgr"}},
      {"right behind the 101", seen::no_close, {"", ""}},
      {"inside the header of a frame", seen::no_close, {"", "\x82\xfe\x01"}},
      {"inside the masking key", seen::no_close, {"", "\x82\x85\x01\x02"}},
      {"inside the payload", seen::no_close, {"", frame(2, "hello").substr(0, 8)}},
      {"inside the payload of a large frame", seen::no_close, {"", large_frame(70'000).substr(0, 12'000)}},
      {"between the fragments of a message", seen::no_close, {"", "\x01\x81" + std::string(4, '\0') + "a"}},
      {"inside a ping", seen::no_close, {"", frame(9, "ping").substr(0, 7)}},
      {"inside a close frame", seen::no_close, {"", frame(8, "\x03\xe8").substr(0, 7)}},
      {"behind messages whose echo is not read", seen::no_close, {"", frame(1, "one") + frame(1, "two")}},
      {"while a large message leaves", seen::no_close, {"", large_frame(4'000'000)}},
      {"behind its own close frame", seen::perhaps, {"", frame(8, "\x03\xe8")}},
      {"instead of answering a close", seen::perhaps, {"", ""}, "/bye"},
  };
  return all;
}

task<> reach(raw_client& c, const stage& s) {
  if (s.sent.empty()) co_return;
  if (!s.sent[0].empty()) {
    co_await c.send(s.sent[0]);
    co_return;
  }
  co_await upgrade(c, s.path);
  co_await c.send(s.sent[1]);
  if (s.sent[1].size() > 1'000'000) co_await c.peek(1000);
}

task<> cut_at(asio::io_context& ioc, const stage& s, cut how) {
  echo_site site(ioc, accept_options().read_limit(0).close_timeout(std::chrono::minutes(5)));
  raw_client c(ioc, site.port());
  co_await reach(c, s);
  if (how == cut::reset) {
    c.reset();
  } else {
    c.finish();
    const auto rest = co_await c.read_all();
    BOOST_CHECK_MESSAGE(!rest.ends_with("<reset>"), s.name << ": reset");
  }

  co_await site.serves_the_next();
  co_await site.until_ended(s.what == seen::nothing ? 1 : 2);
  const bool first_is_next = site.endings[0].clean && site.endings.size() == 2 && s.what == seen::no_close;
  const auto& e = site.endings[first_is_next ? 1 : 0];
  if (s.what == seen::no_close) {
    BOOST_CHECK_MESSAGE(e.status == status::abnormal && e.info.status == status::abnormal, s.name << ": status");
    BOOST_CHECK_MESSAGE(!e.clean && !e.info.clean, s.name << ": clean");
    BOOST_CHECK_MESSAGE(e.code == errc::closed && e.cause && e.cause == e.info.error,
                        s.name << ": " << e.cause.message());
    BOOST_CHECK_MESSAGE(e.info.initiator == close_initiator::transport, s.name << ": initiator");
    if (how == cut::end) BOOST_CHECK_MESSAGE(e.cause == asio::error::eof, s.name << ": " << e.cause.message());
  }
  co_await site.stop();
}

task<> cut_everywhere(asio::io_context& ioc, cut how) {
  std::vector<task<>> all;
  for (const auto& s : stages()) all.push_back(cut_at(ioc, s, how));
  co_await runner::run_all(std::move(all));
}

}  // namespace

COAX_CORO_TEST(a_peer_that_ends_is_told_apart_from_a_close_at_every_stage) { co_await cut_everywhere(ioc, cut::end); }

COAX_CORO_TEST(a_peer_that_resets_is_told_apart_from_a_close_at_every_stage) {
  co_await cut_everywhere(ioc, cut::reset);
}

COAX_CORO_TEST(a_hundred_peers_that_reset_at_once_leave_nothing_behind) {
  echo_site site(ioc, accept_options().read_limit(0));
  std::vector<std::unique_ptr<raw_client>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(std::make_unique<raw_client>(ioc, site.port()));
    co_await upgrade(*crowd.back());
    co_await crowd.back()->send(large_frame(70'000).substr(0, 1000U * static_cast<unsigned>(i % 50)));
  }
  for (auto& c : crowd) c->reset();
  co_await site.until_ended(100);
  co_await site.serves_the_next();
  co_await site.stop();
}

BOOST_AUTO_TEST_SUITE_END()
