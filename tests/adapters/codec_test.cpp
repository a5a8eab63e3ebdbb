#include "websocket/peers.hpp"
#include <coax/codec.hpp>

#include <charconv>

BOOST_AUTO_TEST_SUITE(codec)

using namespace coax;
using namespace coax::test;

namespace {

struct point {
  int x = 0, y = 0;
  bool operator==(const point&) const = default;
};

// The hand-written codec of docs/json.md: two numbers of four bytes each.
struct point_codec {
  message encode(const point& p) const {
    return {message_kind::binary, std::string_view(reinterpret_cast<const char*>(&p), sizeof p)};
  }
  template <class T>
  T decode(const message& m) const {
    if (m.kind() != message_kind::binary || m.size() != sizeof(T)) throw std::invalid_argument("not a point");
    T p;
    std::memcpy(&p, m.bytes().data(), sizeof p);
    return p;
  }
};

static_assert(codec_for<point_codec, point>);
static_assert(!codec_for<int, point>);

struct failing_codec {
  message encode(const point&) const { throw std::length_error("too far away"); }
  template <class T>
  T decode(const message& m) const {
    if (m.text() == "memory") throw std::bad_alloc();
    throw std::runtime_error(m.text() == "long" ? std::string(122, 'x') + "\u20ac" : "\xff");
  }
};

}  // namespace

COAX_SCENARIO_TEST(a_value_arrives_as_it_was_written) {
  peers p(ioc);
  co_await write_as(p.client, point{3, -4}, point_codec());
  const auto got = co_await read_as<point>(p.server, point_codec());
  BOOST_TEST((got == point{3, -4}));
}

COAX_SCENARIO_TEST(values_are_read_up_to_a_clean_close) {
  peers p(ioc);
  for (int i = 0; i < 3; ++i) co_await write_as(p.client, point{i, i}, point_codec());
  p.client.start_close();
  int n = 0;
  while (auto v = co_await next_as<point>(p.server, point_codec())) BOOST_TEST(v->x == n++);
  BOOST_TEST(n == 3);
}

COAX_SCENARIO_TEST(a_message_that_is_no_value_closes_with_1007_and_the_text_of_the_codec) {
  peers p(ioc);
  co_await p.client.write_text("0,0");

  error_code ec;
  std::string text;
  try {
    co_await read_as<point>(p.server, point_codec());
  } catch (const system_error& e) {
    ec = e.code();
    text = e.what();
  }
  BOOST_TEST((ec == errc::invalid_data));
  BOOST_TEST(text.starts_with("read: not a point"));
  BOOST_CHECK_THROW(co_await p.client.read(), close_error);
  BOOST_TEST((p.client.closed().status == status::invalid_data));
  BOOST_TEST(p.client.closed().reason == "not a point");
}

COAX_CORO_TEST(a_reason_that_cannot_stand_in_a_close_frame_is_cut_or_left_out) {
  for (const auto& [sent, reason] : {std::pair("long", std::string(122, 'x')), std::pair("bad", std::string())}) {
    peers p(ioc);
    co_await p.client.write_text(sent);
    BOOST_CHECK_THROW(co_await read_as<point>(p.server, failing_codec()), system_error);
    BOOST_CHECK_THROW(co_await p.client.read(), close_error);
    BOOST_TEST(p.client.closed().reason == reason);
  }
}

COAX_CORO_TEST(running_out_of_memory_is_not_the_fault_of_the_peer) {
  peers p(ioc);
  co_await p.client.write_text("memory");
  BOOST_CHECK_THROW(co_await read_as<point>(p.server, failing_codec()), std::bad_alloc);
  co_await p.server.write_text("still here");
  const auto m = co_await p.client.read();
  BOOST_TEST(m.text() == "still here");
}

COAX_CORO_TEST(a_value_that_cannot_be_encoded_sends_nothing) {
  peers p(ioc);
  BOOST_CHECK_THROW(co_await write_as(p.client, point{}, failing_codec()), std::length_error);
  BOOST_TEST(p.client.stats().messages_sent == 0u);
}

COAX_CORO_TEST(a_stopped_read_of_a_value_loses_nothing) {
  peers p(ioc);
  std::stop_source stop;
  stop.request_stop();
  co_await write_as(p.client, point{1, 2}, point_codec());
  BOOST_CHECK_THROW(co_await read_as<point>(p.server, point_codec(), stop.get_token()), system_error);
  const auto got = co_await read_as<point>(p.server, point_codec());
  BOOST_TEST((got == point{1, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
