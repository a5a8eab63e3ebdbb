// Routing, keep-alive and pipelining, seen from the client's side of the socket.

#include "http/support.hpp"

BOOST_AUTO_TEST_SUITE(serving)

using namespace coax;
using namespace coax::test;

namespace {

task<> say_path(exchange& x, context) {
  co_await x.respond(200, "text/plain", std::string(x.method()) + ' ' + std::string(x.path()));
}

task<> say_room(exchange& x, context) {
  std::string text = "room " + std::string(x.param("room"));
  if (const auto since = x.query("since")) text += " since " + *since;
  co_await x.respond(200, "text/plain", std::move(text));
}

task<> echo_body(exchange& x, context ctx) {
  auto body = co_await x.body(ctx);
  co_await x.respond(200, "application/octet-stream", std::move(body));
}

task<> stream_three(exchange& x, context) {
  co_await x.start(response().content_type("text/plain"));
  co_await x.send("one ");
  co_await x.send("two ");
  co_await x.send("three");
  co_await x.finish();
}

void add_routes(server& srv) {
  srv.get("/", say_path).get("/rooms/:room", say_room).get("/stream", stream_three);
  srv.post("/echo", echo_body).put("/echo", echo_body).any("/any", say_path).del("/rooms/:room", say_room);
  srv.get("/nothing", [](exchange&, context) -> task<> { co_return; });
  srv.get("/throws", [](exchange&, context) -> task<> {
    throw std::runtime_error("on purpose");
    co_return;
  });
}

struct fixture {
  explicit fixture(asio::io_context& ioc, server_options o = {}) : server(ioc, std::move(o)) {
    add_routes(server.srv);
    server.start();
  }
  running_server server;
};

}  // namespace

COAX_CORO_TEST(a_request_is_routed_and_answered) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());

  const auto r = co_await c.ask(get("/rooms/blue%20one?since=a+b&since=c"));

  BOOST_TEST(r.status == 200U);
  BOOST_TEST(r.body == "room blue one since a b");
  BOOST_TEST(r.header("Content-Type") == "text/plain");
  BOOST_TEST(r.header("Content-Length") == "23");
  BOOST_TEST(r.header("Date").size() == 29U);
  BOOST_TEST(!r.has("Connection"));
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(unknown_paths_and_methods_are_refused_and_the_connection_goes_on) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());

  const auto missing = co_await c.ask(get("/no/such"));
  const auto wrong = co_await c.ask("POST /rooms/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  const auto options = co_await c.ask("OPTIONS /rooms/x HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto all = co_await c.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto lower = co_await c.ask("get / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto any = co_await c.ask("PURGE /any HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto good = co_await c.ask(get("/"));

  BOOST_TEST(missing.status == 404U);
  BOOST_TEST(wrong.status == 405U);
  BOOST_TEST(wrong.header("Allow") == "DELETE, GET, HEAD, OPTIONS");
  BOOST_TEST(options.status == 204U);
  BOOST_TEST(options.header("Allow") == "DELETE, GET, HEAD, OPTIONS");
  BOOST_TEST(all.status == 204U);
  BOOST_TEST(all.header("Allow") == "DELETE, GET, HEAD, POST, PUT, OPTIONS");
  BOOST_TEST(lower.status == 405U);
  BOOST_TEST(any.body == "PURGE /any");
  BOOST_TEST(good.body == "GET /");
  co_await f.server.stop();
}

COAX_CORO_TEST(a_head_request_gets_the_head_of_the_get_route) {
  fixture f(ioc);
  raw_client c(ioc, f.server.srv.port());

  const auto r = co_await c.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto s = co_await c.ask("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto next = co_await c.ask(get("/"));

  BOOST_TEST(r.status == 200U);
  BOOST_TEST(r.header("Content-Length") == "6");
  BOOST_TEST(s.header("Transfer-Encoding") == "chunked");
  BOOST_TEST(next.body == "GET /");
  co_await f.server.stop();
}

COAX_CORO_TEST(a_streamed_answer_is_chunked_or_ends_with_the_connection) {
  fixture f(ioc);
  raw_client modern(ioc, f.server.srv.port());
  raw_client old(ioc, f.server.srv.port());

  const auto r = co_await modern.ask(get("/stream"));
  co_await old.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto all = co_await old.read_all();

  BOOST_TEST(r.header("Transfer-Encoding") == "chunked");
  BOOST_TEST(r.body == "one two three");
  BOOST_TEST(all.starts_with("HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(all.find("chunked") == std::string::npos);
  BOOST_TEST(all.ends_with("\r\n\r\none two three"));
  co_await f.server.stop();
}

COAX_CORO_TEST(the_version_and_the_connection_field_decide_whether_the_connection_goes_on) {
  struct row {
    std::string request;
    bool goes_on;
    std::string connection;
  };
  const std::vector<row> rows{
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, ""},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "close"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false, "close"},
      {"GET / HTTP/1.0\r\n\r\n", false, "close"},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, "keep-alive"},
  };
  fixture f(ioc);
  for (const auto& row : rows) {
    raw_client c(ioc, f.server.srv.port());
    const auto first = co_await c.ask(row.request);
    BOOST_TEST(first.status == 200U);
    BOOST_TEST(first.header("Connection") == row.connection, row.request);
    if (row.goes_on) {
      const auto second = co_await c.ask(row.request);
      BOOST_TEST(second.status == 200U);
    } else {
      const auto rest = co_await c.read_all();
      BOOST_TEST(rest == "");
    }
  }
  co_await f.server.stop();
}

COAX_CORO_TEST(pipelined_requests_are_answered_in_order_wherever_the_stream_is_cut) {
  fixture f(ioc);
  const std::string requests = get("/rooms/1") + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
                               get("/no") +
                               "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n" +
                               get("/rooms/2");
  const auto check = [](raw_client& c) -> task<> {
    const std::vector<std::pair<unsigned, std::string>> expected{
        {200, "room 1"}, {200, "hello"}, {404, "not found\n"}, {200, "abcde"}, {200, "room 2"}};
    for (const auto& e : expected) {
      const auto r = co_await c.read();
      BOOST_TEST(r.status == e.first);
      BOOST_TEST(r.body == e.second);
    }
  };
  for (std::size_t split = 0; split < requests.size(); split += 3) {
    raw_client c(ioc, f.server.srv.port());
    co_await c.send(std::string_view(requests).substr(0, split));
    co_await settle(4);
    co_await c.send(std::string_view(requests).substr(split));
    co_await check(c);
  }
  raw_client slow(ioc, f.server.srv.port());
  for (const char byte : requests) {
    co_await slow.send({&byte, 1});
    co_await settle(2);
  }
  co_await check(slow);
  co_await f.server.stop();
  BOOST_TEST(f.server.quiet());
}

COAX_CORO_TEST(a_client_that_waits_for_continue_is_told_when_the_body_is_wanted) {
  fixture f(ioc);
  raw_client wanted(ioc, f.server.srv.port());
  raw_client unwanted(ioc, f.server.srv.port());
  const std::string fields = " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";

  const auto interim = co_await wanted.ask("POST /echo" + fields);
  const auto final_one = co_await wanted.ask("ok");
  const auto refused = co_await unwanted.ask("POST /no" + fields);
  const auto rest = co_await unwanted.read_all();

  BOOST_TEST(interim.status == 100U);
  BOOST_TEST(final_one.body == "ok");
  BOOST_TEST(refused.status == 404U);
  BOOST_TEST(rest == "");
  co_await f.server.stop();
}

COAX_CORO_TEST(a_handler_without_an_answer_is_answered_for_with_500_and_a_line_in_the_log) {
  fixture f(ioc);
  raw_client a(ioc, f.server.srv.port());
  raw_client b(ioc, f.server.srv.port());

  const auto none = co_await a.ask(get("/nothing"));
  const auto thrown = co_await b.ask(get("/throws"));

  BOOST_TEST(none.status == 500U);
  BOOST_TEST(thrown.status == 500U);
  BOOST_TEST(thrown.body.find("purpose") == std::string::npos);
  BOOST_TEST(f.server.logged("/nothing", log_level::error) == 1U);
  BOOST_TEST(f.server.logged("GET /throws: on purpose", log_level::error) == 1U);
  co_await f.server.stop();
}

COAX_CORO_TEST(an_answer_that_breaks_off_cuts_the_connection) {
  running_server s(ioc);
  s.srv.get("/", [](exchange& x, context) -> task<> {
    co_await x.start(response());
    co_await x.send("half");
    throw std::runtime_error("broken");
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(get("/"));

  BOOST_TEST(r.body == "half<truncated>");
  BOOST_TEST(s.logged("broken", log_level::error) == 1U);
  co_await s.stop();
}

COAX_CORO_TEST(an_exchange_tells_of_its_request) {
  running_server s(ioc);
  s.srv.get("/a/:b/*rest", [](exchange& x, context) -> task<> {
    BOOST_TEST(x.method() == "GET");
    BOOST_TEST(x.target() == "/a/1%2F2/3/4?q=%20");
    BOOST_TEST(x.path() == "/a/1/2/3/4");
    BOOST_TEST(x.param("b") == "1/2");
    BOOST_TEST(x.param("rest") == "3/4");
    BOOST_CHECK_THROW(x.param("other"), std::out_of_range);
    BOOST_TEST(x.query("q").value_or("-") == " ");
    BOOST_TEST(x.header("x-one") == "1");
    BOOST_TEST(x.header("X-None") == "");
    BOOST_TEST(x.headers().size() == 3U);
    BOOST_TEST(x.headers().get("X-ONE") == "1");
    BOOST_TEST(x.http_version() == 11U);
    BOOST_TEST(!x.secure());
    BOOST_TEST(x.remote_endpoint().starts_with("127.0.0.1:"));
    const auto ex = co_await asio::this_coro::executor;
    BOOST_TEST((x.get_executor() == ex));
    auto body = co_await x.body();
    BOOST_TEST(body == "");
    co_await x.respond(200, "text/plain", x.local_endpoint());
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(get("/a/1%2F2/3/4?q=%20", "X-One: 1\r\nX-One: 2\r\n"));

  BOOST_TEST(r.body == s.srv.local_endpoint());
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

COAX_CORO_TEST(a_streamed_answer_keeps_to_the_length_it_announces) {
  running_server s(ioc);
  s.srv.get("/exact", [](exchange& x, context) -> task<> {
    BOOST_CHECK_THROW(co_await x.send("early"), std::logic_error);
    BOOST_CHECK_THROW(co_await x.finish(), std::logic_error);
    response wrong;
    wrong.header("Content-Length", "five");
    BOOST_CHECK_THROW(co_await x.start(wrong), std::invalid_argument);
    response head;
    head.header("Content-Length", "5").body("ab");
    co_await x.start(head);
    BOOST_CHECK_THROW(co_await x.send("more"), std::logic_error);
    co_await x.send("");
    co_await x.send("cde");
    co_await x.finish();
    co_await x.finish();
    BOOST_CHECK_THROW(co_await x.send("late"), std::logic_error);
  });
  s.srv.get("/short", [](exchange& x, context) -> task<> {
    response head;
    head.header("Content-Length", "5");
    co_await x.start(head);
    co_await x.send("ab");
    BOOST_CHECK_THROW(co_await x.finish(), std::logic_error);
    error_code code;
    try {
      co_await x.send("c");
    } catch (const system_error& e) {
      code = e.code();
    }
    BOOST_TEST((code == errc::closed));
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto exact = co_await c.ask(get("/exact"));
  const auto cut = co_await c.ask(get("/short"));
  const auto rest = co_await c.read_all();

  BOOST_TEST(exact.body == "abcde");
  BOOST_TEST(!exact.has("Transfer-Encoding"));
  BOOST_TEST(cut.body == "ab");
  BOOST_TEST(rest == "");
  co_await s.stop();
}

COAX_CORO_TEST(an_answer_to_a_stopped_context_is_not_begun) {
  running_server s(ioc);
  s.srv.get("/", [](exchange& x, context) -> task<> {
    std::stop_source stopped;
    stopped.request_stop();
    error_code code;
    try {
      co_await x.respond(200, "text/plain", "no", stopped.get_token());
    } catch (const system_error& e) {
      code = e.code();
    }
    BOOST_TEST((code == errc::canceled));
    BOOST_TEST(!x.answered());
    co_await x.respond(200, "text/plain", "yes");
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(get("/"));

  BOOST_TEST(r.body == "yes");
  co_await s.stop();
}

COAX_CORO_TEST(what_could_break_an_answer_open_is_refused_before_anything_is_sent) {
  running_server s(ioc);
  s.srv.get("/", [](exchange& x, context) -> task<> {
    const std::vector<std::pair<std::string, std::string>> fields{{"X", "a\r\nSet-Cookie: b"},
                                                                  {"X", "a\nb"},
                                                                  {"X", std::string("a\0b", 3)},
                                                                  {"X\r\nY", "a"},
                                                                  {"X Y", "a"},
                                                                  {"", "a"},
                                                                  {"X:", "a"}};
    for (const auto& field : fields) {
      response r;
      BOOST_CHECK_THROW(r.header(field.first, field.second), std::invalid_argument);
    }
    BOOST_CHECK_THROW(co_await x.respond(200, "text/plain\r\nX: y", ""), std::invalid_argument);
    response encoded;
    encoded.header("Transfer-Encoding", "gzip");
    BOOST_CHECK_THROW(co_await x.respond(encoded), std::invalid_argument);
    BOOST_CHECK_THROW(co_await x.respond(response(99)), std::invalid_argument);
    BOOST_TEST(!x.answered());
    co_await x.respond(200, "text/plain", "clean");
    BOOST_CHECK_THROW(co_await x.respond(200, "text/plain", "again"), std::logic_error);
  });
  s.start();
  raw_client c(ioc, s.srv.port());

  const auto r = co_await c.ask(get("/"));

  BOOST_TEST(r.body == "clean");
  co_await s.stop();
  BOOST_TEST(s.quiet());
}

BOOST_AUTO_TEST_SUITE_END()
