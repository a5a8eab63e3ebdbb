#include "websocket/peers.hpp"
#include <coax/json.hpp>

#include <boost/json/serialize.hpp>

#include <map>

BOOST_AUTO_TEST_SUITE(json_messages)

using namespace coax;
using namespace coax::test;
namespace json = boost::json;

namespace shop {

struct order {
  std::string symbol;
  std::int64_t amount = 0;
  json::value note;
};

order tag_invoke(const json::value_to_tag<order>&, const json::value& v) {
  const auto& o = v.as_object();
  return {json::value_to<std::string>(o.at("symbol")), json::value_to<std::int64_t>(o.at("amount")), o.at("note")};
}

void tag_invoke(const json::value_from_tag&, json::value& v, const order& o) {
  v = {{"symbol", o.symbol}, {"amount", o.amount}, {"note", o.note}};
}

}  // namespace shop

namespace {

static_assert(codec_for<json_codec, json::value> && codec_for<json_codec, shop::order>);

struct refusal {
  error_code ec;
  std::string text;
};

// What a reader of `T` says to this text, and the client is told.
template <class T>
task<refusal> refusal_of(asio::io_context& ioc, std::string text, json_codec codec = {}) {
  peers p(ioc);
  co_await p.client.write_text(text);
  refusal r;
  try {
    co_await read_as<T>(p.server, codec);
  } catch (const system_error& e) {
    r = {e.code(), e.what()};
  }
  BOOST_CHECK_THROW(co_await p.client.read(), close_error);
  BOOST_TEST((p.client.closed().status == status::invalid_data));
  BOOST_TEST(!p.client.closed().reason.empty());
  BOOST_TEST(r.text.find(p.client.closed().reason) != std::string::npos, r.text);
  co_return r;
}

}  // namespace

COAX_SCENARIO_TEST(a_json_value_arrives_as_it_was_written) {
  peers p(ioc);
  const json::value sent = {{"list", {1, -2.5, true, nullptr, "\u20ac \"quoted\"\n"}}, {"empty", json::object()}};
  co_await write_json(p.client, sent);
  const auto got = co_await read_json(p.server);
  BOOST_TEST((got == sent));
}

COAX_CORO_TEST(a_large_value_arrives_as_it_was_written) {
  peers p(ioc, options().read_limit(0));
  json::array sent;
  for (int i = 0; i < 20'000; ++i)
    sent.push_back({{"number", i}, {"text", std::string(static_cast<std::size_t>(i % 50), 'x')}});
  auto read = [&]() -> task<> {
    const auto got = co_await read_json<json::array>(p.server);
    BOOST_TEST((got == sent));
  };
  const auto done = beside(ioc.get_executor(), read);
  co_await write_json(p.client, sent);
  while (!*done) co_await settle(1);
}

COAX_CORO_TEST(values_are_text_messages) {
  peers p(ioc);
  const json::object sent{{"a", 1}};
  co_await write_json(p.client, sent);
  const auto m = co_await p.server.read();
  BOOST_TEST(m.is_text());
  BOOST_TEST(m.text() == R"({"a":1})");
}

COAX_SCENARIO_TEST(user_types_travel_by_value_from_and_value_to) {
  peers p(ioc);
  const json::value note = {{"nested", {1, 2}}};
  const shop::order sent{"XYZ", 12, note};
  co_await write_json(p.client, sent);
  const auto o = co_await read_json<shop::order>(p.server);
  BOOST_TEST(o.symbol == "XYZ");
  BOOST_TEST(o.amount == 12);
  BOOST_TEST((o.note == note));
}

COAX_SCENARIO_TEST(values_are_read_up_to_a_clean_close) {
  peers p(ioc);
  const std::map<std::string, int> sent{{"one", 1}, {"two", 2}};
  co_await write_json(p.client, sent);
  p.client.start_close();
  int n = 0;
  while (auto v = co_await next_json<std::map<std::string, int>>(p.server)) {
    BOOST_TEST((*v == sent));
    ++n;
  }
  BOOST_TEST(n == 1);
}

COAX_CORO_TEST(binary_messages_may_hold_json) {
  peers p(ioc);
  const std::string text = " [1] ";
  co_await p.client.write(message_kind::binary, buffer(text));
  const auto got = co_await read_json(p.server);
  BOOST_TEST((got == json::value(json::array{1})));
}

COAX_CORO_TEST(text_that_is_not_json_is_refused_with_its_place) {
  struct row {
    const char* text;
    const char* says;
  };
  static const row rows[] = {
      {"", "line 1, column 1: incomplete"},       {"{\"a\": 1,\n \"b\": }", "line 2, column 7: syntax error"},
      {"[1, 2", "line 1, column 6: incomplete"},  {"[1] x", "line 1, column 5: extra data"},
      {"nul", "line 1, column 4: incomplete"},    {"{'a': 1}", "line 1, column 2: syntax error"},
      {"[1,]", "line 1, column 4: syntax error"}, {"// comment\n1", "line 1, column 1: syntax error"},
      {"[01]", "line 1, column 3: syntax error"}, {"\"\\ud800\"", "line 1, column 8: "},
      {"NaN", "line 1, column 1: syntax error"},
  };
  for (const auto& r : rows) {
    const auto said = co_await refusal_of<json::value>(ioc, r.text);
    BOOST_TEST((said.ec == errc::invalid_data));
    BOOST_TEST(said.text.starts_with(std::string("read: not JSON at ") + r.says), r.text << " => " << said.text);
  }
}

COAX_CORO_TEST(binary_json_must_be_utf8) {
  peers p(ioc);
  const std::string text = "[\"\xff\"]";
  co_await p.client.write(message_kind::binary, buffer(text));
  BOOST_CHECK_THROW(co_await read_json(p.server), system_error);
  BOOST_CHECK_THROW(co_await p.client.read(), close_error);
  BOOST_TEST((p.client.closed().status == status::invalid_data));
}

COAX_CORO_TEST(nesting_is_limited) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  peers p(ioc);
  co_await p.client.write_text(nested(32));
  co_await read_json(p.server);

  const auto deep = co_await refusal_of<json::value>(ioc, nested(33));
  BOOST_TEST(deep.text.find("too deep") != std::string::npos, deep.text);
  const auto strict = co_await refusal_of<json::value>(ioc, "[[[]]]", json_codec().max_depth(2));
  BOOST_TEST(strict.text.starts_with("read: not JSON at line 1, column 3: "), strict.text);
}

COAX_CORO_TEST(json_of_another_shape_is_refused_with_what_came) {
  const auto number = co_await refusal_of<shop::order>(ioc, R"({"symbol":"A","amount":"many","note":0})");
  BOOST_TEST((number.ec == errc::invalid_data));
  BOOST_TEST(number.text.starts_with("read: unexpected JSON: "), number.text);
  BOOST_TEST(number.text.find("\"many\"") != std::string::npos, number.text);

  const auto missing = co_await refusal_of<shop::order>(ioc, R"({"symbol":"A"})");
  BOOST_TEST((missing.ec == errc::invalid_data));

  const auto list =
      co_await refusal_of<std::vector<int>>(ioc, "[1, \"" + std::string(50, 'x') + "\u20ac\u20ac\u20ac\"]");
  BOOST_TEST(list.text.find("x\u20ac...") != std::string::npos, list.text);
}

COAX_CORO_TEST(the_read_limit_bounds_json) {
  peers p(ioc, options().read_limit(100));
  const std::string big(100, 'x');
  co_await write_json(p.client, big);
  error_code ec;
  try {
    co_await read_json(p.server);
  } catch (const system_error& e) {
    ec = e.code();
  }
  BOOST_TEST((ec == errc::message_too_big));
}

BOOST_AUTO_TEST_SUITE_END()
